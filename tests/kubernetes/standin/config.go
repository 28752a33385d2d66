package standin

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	configFile     = "/etc/rancher/k3s/config.yaml"
	kubeconfigFile = "/etc/rancher/k3s/k3s.yaml"
	dataDir        = "/var/lib/rancher/k3s"
)

// Config is what config.yaml says. Keys that k3s does not know are refused, as k3s does.
type Config struct {
	NodeName       string   `yaml:"node-name"`
	NodeIP         string   `yaml:"node-ip"`
	NodeExternalIP string   `yaml:"node-external-ip"`
	NodeLabel      []string `yaml:"node-label"`
	NodeTaint      []string `yaml:"node-taint"`
	Token          string   `yaml:"token"`
	TokenFile      string   `yaml:"token-file"`
	Server         string   `yaml:"server"`
	KubeletArg     []string `yaml:"kubelet-arg"`
	ServerConfig   `yaml:",inline"`
}

// ServerConfig is what only servers know.
type ServerConfig struct {
	ClusterInit           bool     `yaml:"cluster-init"`
	TLSSan                []string `yaml:"tls-san"`
	ClusterCIDR           string   `yaml:"cluster-cidr"`
	ServiceCIDR           string   `yaml:"service-cidr"`
	FlannelBackend        string   `yaml:"flannel-backend"`
	DisableKubeProxy      bool     `yaml:"disable-kube-proxy"`
	DisableNetworkPolicy  bool     `yaml:"disable-network-policy"`
	Disable               []string `yaml:"disable"`
	SecretsEncryption     bool     `yaml:"secrets-encryption"`
	WriteKubeconfigMode   string   `yaml:"write-kubeconfig-mode"`
	EtcdSnapshotSchedule  string   `yaml:"etcd-snapshot-schedule-cron"`
	EtcdSnapshotRetention int      `yaml:"etcd-snapshot-retention"`
}

func readConfig(path, command string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(text, command)
}

func parseConfig(text []byte, command string) (*Config, error) {
	config := &Config{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(config); err != nil {
		return nil, fmt.Errorf("config.yaml: flag provided but not defined: %w", err)
	}
	if config.TokenFile != "" {
		token, err := os.ReadFile(config.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("token-file: %w", err)
		}
		config.Token = strings.TrimSpace(string(token))
	}
	if command == "agent" {
		if config.Server == "" || config.Token == "" {
			return nil, fmt.Errorf("--server and --token are required")
		}
		if config.ClusterInit || config.ClusterCIDR != "" || len(config.TLSSan) > 0 {
			return nil, fmt.Errorf("config.yaml: flag provided but not defined: a key of servers")
		}
	}
	if config.Server != "" && config.Token == "" {
		return nil, fmt.Errorf("--token is required to join a cluster")
	}
	if config.NodeName == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, err
		}
		config.NodeName = name
	}
	return config, nil
}
