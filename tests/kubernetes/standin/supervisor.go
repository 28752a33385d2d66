package standin

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// supervise serves the API server and those who join on one port. The API server learns from headers who a client is, which it
// believes this proxy alone.
func (n *Node) supervise(ctx context.Context) error {
	proxy, err := n.proxy()
	if err != nil {
		return err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /cacerts", func(w http.ResponseWriter, _ *http.Request) {
		ca, err := os.ReadFile(at("server-ca.crt"))
		answer(w, ca, err)
	})
	routes.HandleFunc("POST /v1-k3s/server-bootstrap", n.admit(n.admitServer))
	routes.HandleFunc("POST /v1-k3s/agent-bootstrap", n.admit(n.admitAgent))
	routes.Handle("/", proxy)
	clients, err := pool(at("client-ca.crt"))
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr: fmt.Sprintf(":%d", port), Handler: routes, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven},
	}
	go func() { <-ctx.Done(); server.Close() }()
	return server.ListenAndServeTLS(at("serving.crt"), at("serving.key"))
}

func (n *Node) proxy() (http.Handler, error) {
	own, err := tls.LoadX509KeyPair(at("front-proxy.crt"), at("front-proxy.key"))
	if err != nil {
		return nil, err
	}
	servers, err := pool(at("server-ca.crt"))
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "https", Host: fmt.Sprintf("127.0.0.1:%d", loopbackPort)}
	return &httputil.ReverseProxy{
		FlushInterval: -1,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: servers, Certificates: []tls.Certificate{own}}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			for name := range r.Out.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-remote-") {
					r.Out.Header.Del(name)
				}
			}
			if r.In.TLS != nil && len(r.In.TLS.PeerCertificates) > 0 {
				subject := r.In.TLS.PeerCertificates[0].Subject
				r.Out.Header.Set("X-Remote-User", subject.CommonName)
				for _, group := range append(subject.Organization, "system:authenticated") {
					r.Out.Header.Add("X-Remote-Group", group)
				}
			}
		},
	}, nil
}

// admit lets in who has the token.
func (n *Node) admit(next func(*http.Request) (*Joined, error)) http.HandlerFunc {
	var one sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		kept, err := os.ReadFile(dataDir + "/server/token")
		if err != nil {
			answer(w, nil, err)
			return
		}
		_, given, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(given), []byte(password(string(kept)))) != 1 {
			http.Error(w, "not authorized", http.StatusUnauthorized)
			return
		}
		one.Lock()
		defer one.Unlock()
		joined, err := next(r)
		if err != nil {
			answer(w, nil, err)
			return
		}
		body, err := json.Marshal(joined)
		answer(w, body, err)
	}
}

func (n *Node) admitServer(r *http.Request) (*Joined, error) {
	files := map[string][]byte{}
	for _, name := range bootstrap {
		content, err := os.ReadFile(at(name))
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	members, err := addMember(r.Context(), r.FormValue("name"), r.FormValue("ip"))
	return &Joined{Files: files, Members: members}, err
}

func (n *Node) admitAgent(r *http.Request) (*Joined, error) {
	name := r.FormValue("name")
	if err := issue("client-ca", "issued-"+name, "system:node:"+name, []string{"system:nodes"}, nil); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for ours, theirs := range map[string]string{"server-ca.crt": "server-ca.crt", "issued-" + name + ".crt": "node.crt", "issued-" + name + ".key": "node.key"} {
		content, err := os.ReadFile(at(ours))
		if err != nil {
			return nil, err
		}
		files[theirs] = content
	}
	return &Joined{Files: files}, nil
}

// addMember makes a server a member of etcd, unless it is one, and returns all members as etcd wants them at its first start.
func addMember(ctx context.Context, name, ip string) (string, error) {
	info := transport.TLSInfo{CertFile: at("etcd.crt"), KeyFile: at("etcd.key"), TrustedCAFile: at("etcd-ca.crt")}
	config, err := info.ClientConfig()
	if err != nil {
		return "", err
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{fmt.Sprintf("127.0.0.1:%d", etcdClient)}, TLS: config, DialTimeout: 5 * time.Second})
	if err != nil {
		return "", err
	}
	defer etcd.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	peer := "https://" + net.JoinHostPort(ip, fmt.Sprint(etcdPeer))
	list, err := etcd.MemberList(ctx)
	if err != nil {
		return "", err
	}
	known := false
	var members []string
	for _, member := range list.Members {
		for _, address := range member.PeerURLs {
			if address == peer {
				known = true
			} else if member.Name != "" {
				members = append(members, member.Name+"="+address)
			}
		}
	}
	if !known {
		if _, err := etcd.MemberAdd(ctx, []string{peer}); err != nil {
			return "", err
		}
	}
	return strings.Join(append(members, name+"="+peer), ","), nil
}

func pool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool, nil
}

func answer(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Write(body)
}
