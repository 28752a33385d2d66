package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"go.yaml.in/yaml/v3"
)

const registriesFile = "/etc/rancher/k3s/registries.yaml"

// Registries is what registries.yaml says. Nothing is pulled here, so it is checked and has no other effect.
type Registries struct {
	Mirrors map[string]struct {
		Endpoint []string          `yaml:"endpoint"`
		Rewrite  map[string]string `yaml:"rewrite"`
	} `yaml:"mirrors"`
	Configs map[string]struct {
		Auth *struct {
			Username      string `yaml:"username"`
			Password      string `yaml:"password"`
			Auth          string `yaml:"auth"`
			IdentityToken string `yaml:"identity_token"`
		} `yaml:"auth"`
		TLS *struct {
			CA       string `yaml:"ca_file"`
			Cert     string `yaml:"cert_file"`
			Key      string `yaml:"key_file"`
			Insecure bool   `yaml:"insecure_skip_verify"`
		} `yaml:"tls"`
	} `yaml:"configs"`
}

// checkRegistries reads the file, which may be missing.
func checkRegistries(path string) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	registries := &Registries{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(registries); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := registries.check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// check says what containerd could not use.
func (r *Registries) check() error {
	var problems []error
	for host, mirror := range r.Mirrors {
		for _, endpoint := range mirror.Endpoint {
			if where, err := url.Parse(endpoint); err != nil || where.Host == "" {
				problems = append(problems, fmt.Errorf("mirror %s: endpoint %q is not a URL", host, endpoint))
			}
		}
	}
	for host, config := range r.Configs {
		if config.TLS == nil {
			continue
		}
		for _, file := range []string{config.TLS.CA, config.TLS.Cert, config.TLS.Key} {
			if _, err := os.Stat(file); file != "" && err != nil {
				problems = append(problems, fmt.Errorf("config %s: %w", host, err))
			}
		}
	}
	return errors.Join(problems...)
}
