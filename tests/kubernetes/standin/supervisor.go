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
	routes.HandleFunc("POST /v1-k3s/server-bootstrap", n.authorized(admit(n.admitServer)))
	routes.HandleFunc("POST /v1-k3s/agent-bootstrap", n.authorized(admit(n.admitAgent)))
	routes.HandleFunc("PUT /v1-k3s/token", n.authorized(rotateToken))
	routes.HandleFunc("GET /v1-k3s/encrypt/status", n.authorized(n.encryptionStatus))
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

// authorized lets on who has the token that this server was started with.
func (n *Node) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := r.BasicAuth()
		if n.secret == "" || subtle.ConstantTimeCompare([]byte(given), []byte(n.secret)) != 1 {
			http.Error(w, "not authorized", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

// admit gives members what they need, one after the other.
func admit(next func(*http.Request) (*Joined, error)) http.HandlerFunc {
	var one sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
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

// admitAgent gives an agent what it is to the API server: a kubelet, and a proxy of Services.
func (n *Node) admitAgent(r *http.Request) (*Joined, error) {
	name := r.FormValue("name")
	ca, err := os.ReadFile(at("server-ca.crt"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"server-ca.crt": ca}
	for role, user := range map[string]string{"node": "system:node:" + name, "proxy": "system:kube-proxy"} {
		var groups []string
		if role == "node" {
			groups = []string{"system:nodes"}
		}
		issued := "issued-" + role + "-" + name
		if err := issue("client-ca", issued, user, groups, nil); err != nil {
			return nil, err
		}
		for _, end := range []string{".crt", ".key"} {
			if files[role+end], err = os.ReadFile(at(issued + end)); err != nil {
				return nil, err
			}
		}
	}
	return &Joined{Files: files}, nil
}

// addMember makes a server a member of etcd, unless it is one, and returns all members as etcd wants them at its first start.
func addMember(ctx context.Context, name, ip string) (string, error) {
	etcd, err := connectEtcd()
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
