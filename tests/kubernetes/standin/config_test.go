package standin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRegistriesAreChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registries.yaml")
	if err := checkRegistries(path); err != nil {
		t.Errorf("a file that is missing: %v", err)
	}
	for text, wanted := range map[string]string{
		"": "",
		"mirrors: {docker.io: {endpoint: [\"https://10.0.0.2:5000\"], rewrite: {a: b}}}": "",
		"mirrors: {docker.io: {endpoint: [10.0.0.2]}}":                                   "is not a URL",
		"mirror: {}": "field mirror not found",
		"configs: {a: {tls: {ca_file: /nowhere/ca.crt}}}": "no such file",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkRegistries(path)
		if wanted == "" && err != nil || wanted != "" && (err == nil || !strings.Contains(err.Error(), wanted)) {
			t.Errorf("%q: %v, not %q", text, err, wanted)
		}
	}
}

func TestTokensAreComparedByTheirSecretPart(t *testing.T) {
	if digest("K10abc::server:secret\n") != digest("secret") || digest("secret") == digest("other") {
		t.Error("the long and the short form of a token are one token")
	}
}

func TestAddressesOfServices(t *testing.T) {
	one := &Node{config: &Config{}}
	if one.service(1) != "10.43.0.1" || one.service(10) != "10.43.0.10" {
		t.Errorf("%s, %s", one.service(1), one.service(10))
	}
}
