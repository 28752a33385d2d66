package standin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// tokenKey is where the datastore keeps which token its servers must have. k3s encrypts what servers share by the token itself.
const tokenKey = "/bootstrap/token"

// tokenFile is where a server keeps the token that it lets others in by.
const tokenFile = dataDir + "/server/token"

// saveToken keeps a token in its long form.
func saveToken(token string) error {
	ca, err := os.ReadFile(at("server-ca.crt"))
	if err != nil {
		return err
	}
	long := fmt.Sprintf("K10%s::server:%s\n", caHash(ca), password(token))
	if err := write(tokenFile, []byte(long)); err != nil {
		return err
	}
	return write(dataDir+"/server/node-token", []byte(long))
}

// checkToken lets a server start with the token of its cluster alone. It waits for the datastore to answer.
func (n *Node) checkToken(ctx context.Context, dead <-chan error) error {
	token := n.config.Token
	if token == "" {
		kept, err := os.ReadFile(tokenFile)
		if err != nil {
			return fmt.Errorf("no token is set, and none is kept: %w", err)
		}
		token = string(kept)
	}
	for {
		known, err := agree(ctx, token)
		if err == nil {
			if known != digest(token) {
				return fmt.Errorf("bootstrap data already found and encrypted with different token")
			}
			n.secret = password(token)
			return saveToken(token)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-dead:
			return err
		case <-time.After(beat):
		}
	}
}

// agree says whose digest the datastore has; it gets this one's if it has none.
func agree(ctx context.Context, token string) (string, error) {
	etcd, err := connectEtcd()
	if err != nil {
		return "", err
	}
	defer etcd.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := etcd.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(tokenKey), "=", 0)).
		Then(clientv3.OpPut(tokenKey, digest(token))).Else(clientv3.OpGet(tokenKey)).Commit()
	if err != nil || answer.Succeeded {
		return digest(token), err
	}
	return string(answer.Responses[0].GetResponseRange().Kvs[0].Value), nil
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(password(token)))
	return hex.EncodeToString(sum[:])
}

// password is the secret part of a token, which may stand alone.
func password(token string) string {
	token = strings.TrimSpace(token)
	if _, secret, found := strings.Cut(token, "::server:"); found {
		return secret
	}
	return token
}

// rotation is what a server is asked for.
type rotation struct {
	NewToken *string `json:"newToken,omitempty"`
}

// rotateToken is the server's side: no server starts with another token from now on. Whom this one lets in it has read when it
// started, so until it starts anew that is by the old one.
func rotateToken(w http.ResponseWriter, r *http.Request) {
	asked := rotation{}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.NewToken == nil {
		http.Error(w, "newToken is missing", http.StatusBadRequest)
		return
	}
	etcd, err := connectEtcd()
	if err != nil {
		answer(w, nil, err)
		return
	}
	defer etcd.Close()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	if _, err := etcd.Put(ctx, tokenKey, digest(*asked.NewToken)); err != nil {
		answer(w, nil, err)
		return
	}
	answer(w, nil, saveToken(*asked.NewToken))
}

// tokenCommand is `k3s token rotate`.
func tokenCommand(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "rotate" {
		return fmt.Errorf("no such command; %s", usage)
	}
	flags := flag.NewFlagSet("rotate", flag.ContinueOnError)
	config := &Config{}
	flags.StringVar(&config.Token, "token", os.Getenv("K3S_TOKEN"), "existing token")
	flags.StringVar(&config.Token, "t", config.Token, "existing token")
	flags.StringVar(&config.Server, "server", "https://127.0.0.1:6443", "server to connect to")
	flags.StringVar(&config.Server, "s", config.Server, "server to connect to")
	fresh := flags.String("new-token", "", "token that replaces the existing one")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if config.Token == "" {
		kept, err := os.ReadFile(tokenFile)
		if err != nil {
			return err
		}
		config.Token = string(kept)
	}
	if *fresh == "" {
		*fresh = hex.EncodeToString([]byte(rand.Text()))
	}
	fmt.Println("WARNING: Recommended to keep a record of the old token. If restoring from a snapshot, you must use the token associated with that snapshot.")
	if err := (&Node{config: config}).askRotation(ctx, *fresh); err != nil {
		return err
	}
	fmt.Println("Token rotated, restart k3s nodes with new token")
	return nil
}

func (n *Node) askRotation(ctx context.Context, fresh string) error {
	ca, err := n.fetchCA(ctx)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	body, err := json.Marshal(rotation{NewToken: &fresh})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, n.config.Server+"/v1-k3s/token", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth("server", password(n.config.Token))
	answer, err := client(&tls.Config{RootCAs: pool}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("token rotation: %s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
