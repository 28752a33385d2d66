package standin

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Ports, as k3s has them. Its API server is behind the supervisor on one port; on loopback every node has it at 6444.
const (
	port         = 6443
	loopbackPort = 6444
	etcdClient   = 2379
	etcdPeer     = 2380
)

// serviceCIDR is where addresses of Services are from, if nothing else is said.
const serviceCIDR = "10.43.0.0/16"

// Node is one member of a cluster.
type Node struct {
	config *Config
	server bool
	ip     string
	// secret is what a server lets others in by: the one that it read when it started.
	secret string
}

func newNode(config *Config, server bool) (*Node, error) {
	ip := config.NodeIP
	if ip == "" {
		found, err := defaultAddress()
		if err != nil {
			return nil, err
		}
		ip = found
	}
	return &Node{config: config, server: server, ip: ip}, nil
}

// run lives until it is asked to stop, or something it stands on dies.
func (n *Node) run(ctx context.Context) error {
	if n.server {
		return n.runServer(ctx)
	}
	return n.runAgent(ctx)
}

func (n *Node) runAgent(ctx context.Context) error {
	joined, err := n.join(ctx, "/v1-k3s/agent-bootstrap")
	if err != nil {
		return err
	}
	if err := joined.save(); err != nil {
		return err
	}
	target, err := url.Parse(n.config.Server)
	if err != nil {
		return err
	}
	go forward(ctx, fmt.Sprintf("127.0.0.1:%d", loopbackPort), target.Host)
	for _, name := range []string{"node", "proxy"} {
		if err := writeKubeconfig(name); err != nil {
			return err
		}
	}
	return n.play(ctx, at("node.kubeconfig"), at("proxy.kubeconfig"))
}

func (n *Node) runServer(ctx context.Context) error {
	initial, err := n.bootstrap(ctx)
	if err != nil {
		return err
	}
	if err := n.certificates(); err != nil {
		return err
	}
	dead := make(chan error, 8)
	n.start(ctx, dead, "etcd", n.etcdArgs(initial)...)
	if err := n.checkToken(ctx, dead); err != nil {
		return err
	}
	n.start(ctx, dead, "kube-apiserver", n.apiserverArgs()...)
	go func() { dead <- n.supervise(ctx) }()
	if err := n.kubeconfigs(); err != nil {
		return err
	}
	if err := waitReady(ctx, dead, at("admin.kubeconfig")); err != nil {
		return err
	}
	n.start(ctx, dead, "kube-controller-manager", n.controllerArgs()...)
	n.start(ctx, dead, "kube-scheduler", append(leaderElection,
		"--kubeconfig="+at("scheduler.kubeconfig"), "--authentication-kubeconfig="+at("scheduler.kubeconfig"),
		"--authorization-kubeconfig="+at("scheduler.kubeconfig"), "--bind-address=127.0.0.1")...)
	if err := n.packagedManifests(); err != nil {
		return err
	}
	go func() { dead <- n.deploy(ctx) }()
	go func() { dead <- n.snapshots(ctx) }()
	go func() { dead <- n.play(ctx, at("admin.kubeconfig"), at("admin.kubeconfig")) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-dead:
		return err
	}
}

func (n *Node) start(ctx context.Context, dead chan<- error, name string, args ...string) {
	command := child(ctx, name, args...)
	go func() {
		err := command.Run()
		if ctx.Err() == nil {
			dead <- fmt.Errorf("%s ended: %v", name, exitOf(command, err))
		}
	}()
}

func exitOf(command *exec.Cmd, err error) string {
	if command.ProcessState != nil {
		return command.ProcessState.String()
	}
	return err.Error()
}

// bootstrap makes the cluster, or joins one, or goes on as the member that it is; it returns etcd's first members if it is to be one.
func (n *Node) bootstrap(ctx context.Context) (string, error) {
	own := fmt.Sprintf("%s=https://%s", n.config.NodeName, net.JoinHostPort(n.ip, fmt.Sprint(etcdPeer)))
	if _, err := os.Stat(filepath.Join(dataDir, "server/db/etcd/member")); err == nil {
		return own, nil
	}
	if n.config.Server == "" {
		if !n.config.ClusterInit {
			return "", fmt.Errorf("this stand-in has no SQLite: set cluster-init or server")
		}
		return own, makeBootstrap()
	}
	joined, err := n.join(ctx, "/v1-k3s/server-bootstrap")
	if err != nil {
		return "", err
	}
	return joined.Members, joined.save()
}

func (n *Node) certificates() error {
	hosts := append([]string{"127.0.0.1", "::1", "localhost", n.ip, n.config.NodeName, n.config.NodeExternalIP, "kubernetes",
		"kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", n.service(1)}, n.config.TLSSan...)
	for _, c := range []struct {
		ca, name, user string
		groups, hosts  []string
	}{
		{"server-ca", "serving", "k3s", nil, hosts},
		{"client-ca", "admin", "system:admin", []string{"system:masters"}, nil},
		{"client-ca", "controllers", "system:kube-controller-manager", nil, nil},
		{"client-ca", "scheduler", "system:kube-scheduler", nil, nil},
		{"client-ca", "kubelet-client", "system:kube-apiserver", []string{"system:masters"}, nil},
		{"request-header-ca", "front-proxy", "system:auth-proxy", nil, nil},
		{"etcd-ca", "etcd", "etcd", nil, []string{"127.0.0.1", "localhost", n.ip}},
	} {
		if err := issue(c.ca, c.name, c.user, c.groups, c.hosts); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) kubeconfigs() error {
	for _, name := range []string{"admin", "controllers", "scheduler"} {
		if err := writeKubeconfig(name); err != nil {
			return err
		}
	}
	text, err := kubeconfig(fmt.Sprintf("https://127.0.0.1:%d", port), "admin")
	if err != nil {
		return err
	}
	return write(kubeconfigFile, []byte(text))
}

// writeKubeconfig makes a kubeconfig for a user whose certificate was issued under that name; it leads to this host.
func writeKubeconfig(name string) error {
	text, err := kubeconfig(fmt.Sprintf("https://127.0.0.1:%d", loopbackPort), name)
	if err != nil {
		return err
	}
	return write(at(name+".kubeconfig"), []byte(text))
}

// service is an address of those that Services have.
func (n *Node) service(number byte) string {
	_, network, err := net.ParseCIDR(or(n.config.ServiceCIDR, serviceCIDR))
	if err != nil {
		return ""
	}
	ip := network.IP.To4()
	return net.IPv4(ip[0], ip[1], ip[2], ip[3]+number).String()
}

func (n *Node) etcdArgs(initial string) []string {
	state := "new"
	if strings.Contains(initial, ",") {
		state = "existing"
	}
	tls := []string{}
	for _, side := range []string{"", "peer-"} {
		tls = append(tls, "--"+side+"cert-file="+at("etcd.crt"), "--"+side+"key-file="+at("etcd.key"),
			"--"+side+"trusted-ca-file="+at("etcd-ca.crt"), "--"+side+"client-cert-auth")
	}
	peer := "https://" + net.JoinHostPort(n.ip, fmt.Sprint(etcdPeer))
	client := fmt.Sprintf("https://127.0.0.1:%d", etcdClient)
	return append(tls,
		"--name="+n.config.NodeName, "--data-dir="+filepath.Join(dataDir, "server/db/etcd"),
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--initial-cluster="+initial, "--initial-cluster-state="+state, "--log-level=warn")
}

func (n *Node) apiserverArgs() []string {
	args := []string{
		"--secure-port=" + fmt.Sprint(loopbackPort), "--bind-address=127.0.0.1", "--advertise-address=" + n.ip,
		"--etcd-servers=" + fmt.Sprintf("https://127.0.0.1:%d", etcdClient), "--etcd-cafile=" + at("etcd-ca.crt"),
		"--etcd-certfile=" + at("etcd.crt"), "--etcd-keyfile=" + at("etcd.key"),
		"--tls-cert-file=" + at("serving.crt"), "--tls-private-key-file=" + at("serving.key"),
		"--client-ca-file=" + at("client-ca.crt"), "--authorization-mode=Node,RBAC",
		"--requestheader-client-ca-file=" + at("request-header-ca.crt"), "--requestheader-allowed-names=system:auth-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + at("service.key"), "--service-account-signing-key-file=" + at("service.key"),
		"--service-cluster-ip-range=" + or(n.config.ServiceCIDR, serviceCIDR), "--allow-privileged=true",
		"--kubelet-client-certificate=" + at("kubelet-client.crt"), "--kubelet-client-key=" + at("kubelet-client.key"),
		"--endpoint-reconciler-type=lease",
	}
	if n.config.SecretsEncryption {
		args = append(args, "--encryption-provider-config="+at("encryption.yaml"))
	}
	return args
}

// leaderElection lets a leader be slow for longer than Kubernetes does by itself: who loses the lease ends, and k3s with it, and many
// clusters share the cores of the machine that tests run on.
var leaderElection = []string{
	"--leader-elect=true", "--leader-elect-lease-duration=40s", "--leader-elect-renew-deadline=30s",
}

func (n *Node) controllerArgs() []string {
	return append(leaderElection,
		"--kubeconfig="+at("controllers.kubeconfig"), "--authentication-kubeconfig="+at("controllers.kubeconfig"),
		"--authorization-kubeconfig="+at("controllers.kubeconfig"), "--bind-address=127.0.0.1",
		"--use-service-account-credentials=true", "--service-account-private-key-file="+at("service.key"),
		"--root-ca-file="+at("server-ca.crt"), "--cluster-signing-cert-file="+at("client-ca.crt"),
		"--cluster-signing-key-file="+at("client-ca.key"), "--allocate-node-cidrs=true",
		"--cluster-cidr="+or(n.config.ClusterCIDR, "10.42.0.0/16"), "--node-monitor-grace-period=20s")
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// defaultAddress is the address that the default route leaves by.
func defaultAddress() (string, error) {
	connection, err := net.DialTimeout("udp", "192.0.2.1:9", time.Second)
	if err != nil {
		return "", fmt.Errorf("no default route found: %w", err)
	}
	defer connection.Close()
	host, _, err := net.SplitHostPort(connection.LocalAddr().String())
	return host, err
}
