package standin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Joined is what a member gets from a server that is there.
type Joined struct {
	// Files are those of the bootstrap for a server, and a certificate for an agent.
	Files map[string][]byte `json:"files"`
	// Members are etcd's, the new one among them.
	Members string `json:"members,omitempty"`
}

func (j *Joined) save() error {
	for name, content := range j.Files {
		if err := write(at(name), content); err != nil {
			return err
		}
	}
	return nil
}

// join asks a server that is there to be let in.
func (n *Node) join(ctx context.Context, path string) (*Joined, error) {
	ca, err := n.fetchCA(ctx)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	query := fmt.Sprintf("%s%s?name=%s&ip=%s", n.config.Server, path, n.config.NodeName, n.ip)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, query, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth("server", password(n.config.Token))
	answer, err := client(&tls.Config{RootCAs: pool}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("failed to join %s: %w", n.config.Server, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s%s: %s: %s", n.config.Server, path, answer.Status, strings.TrimSpace(string(body)))
	}
	joined := &Joined{}
	return joined, json.Unmarshal(body, joined)
}

// fetchCA gets the CA of a cluster; one that is not the token's is refused, as k3s does.
func (n *Node) fetchCA(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.config.Server+"/cacerts", nil)
	if err != nil {
		return nil, err
	}
	answer, err := client(&tls.Config{InsecureSkipVerify: true}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("failed to get CA certs: %w", err)
	}
	defer answer.Body.Close()
	ca, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if rest, long := strings.CutPrefix(n.config.Token, "K10"); long {
		hash, _, _ := strings.Cut(rest, "::")
		if hash != caHash(ca) {
			return nil, fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", hash, caHash(ca))
		}
	}
	return ca, nil
}

func client(config *tls.Config) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config}}
}

// forward lets a loopback port lead to a server.
func forward(ctx context.Context, from, to string) {
	listener, err := net.Listen("tcp", from)
	if err != nil {
		fmt.Fprintf(os.Stderr, "level=error msg=%q\n", err.Error())
		return
	}
	go func() { <-ctx.Done(); listener.Close() }()
	for {
		inner, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer inner.Close()
			outer, err := net.DialTimeout("tcp", to, 5*time.Second)
			if err != nil {
				return
			}
			defer outer.Close()
			go func() { io.Copy(outer, inner); outer.Close() }()
			io.Copy(inner, outer)
		}()
	}
}
