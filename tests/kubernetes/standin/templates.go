package standin

import (
	"encoding/base64"
	"fmt"
	"os"
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

// kubeconfig is one for a user whose certificate was issued under that name.
func kubeconfig(server, name string) (string, error) {
	ca, err := os.ReadFile(at("server-ca.crt"))
	if err != nil {
		return "", err
	}
	cert, err := os.ReadFile(at(name + ".crt"))
	if err != nil {
		return "", err
	}
	key, err := os.ReadFile(at(name + ".key"))
	if err != nil {
		return "", err
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: default
  cluster: {server: %q, certificate-authority-data: %s}
users:
- name: default
  user: {client-certificate-data: %s, client-key-data: %s}
contexts:
- name: default
  context: {cluster: default, user: default}
current-context: default
`, server, b64(ca), b64(cert), b64(key)), nil
}
