package standin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

func encryption(secret []byte) string {
	return fmt.Sprintf(`apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aescbc: {keys: [{name: k3s, secret: %s}]}
  - identity: {}
`, base64.StdEncoding.EncodeToString(secret))
}

// encryptionStatus is what `k3s secrets-encrypt status` asks a server for.
func (n *Node) encryptionStatus(w http.ResponseWriter, _ *http.Request) {
	body, err := json.Marshal(map[string]any{"stage": "start", "enable": n.config.SecretsEncryption})
	answer(w, body, err)
}

// encryptionCommand is `k3s secrets-encrypt status`.
func encryptionCommand(args []string) error {
	if !slices.Equal(args, []string{"status"}) {
		return fmt.Errorf("no such command; %s", usage)
	}
	config, err := readConfig(configFile, "server")
	if err != nil {
		return err
	}
	if !config.SecretsEncryption {
		fmt.Println("Encryption Status: Disabled, no configuration file found")
		return nil
	}
	fmt.Print(`Encryption Status: Enabled
Current Rotation Stage: start

Active  Key Type  Name
------  --------  ----
 *      AES-CBC   k3s
`)
	return nil
}
