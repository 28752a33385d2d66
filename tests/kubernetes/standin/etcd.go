package standin

import (
	"fmt"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// connectEtcd connects to this server's own member.
func connectEtcd() (*clientv3.Client, error) {
	info := transport.TLSInfo{CertFile: at("etcd.crt"), KeyFile: at("etcd.key"), TrustedCAFile: at("etcd-ca.crt")}
	config, err := info.ClientConfig()
	if err != nil {
		return nil, err
	}
	return clientv3.New(clientv3.Config{
		Endpoints: []string{fmt.Sprintf("127.0.0.1:%d", etcdClient)}, TLS: config, DialTimeout: 5 * time.Second,
	})
}
