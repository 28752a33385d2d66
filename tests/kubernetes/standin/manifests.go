package standin

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const manifestsDir = dataDir + "/server/manifests"

// scan is how often the folder of manifests is looked at.
const scan = 5 * time.Second

//go:embed manifests/*.yaml
var packaged embed.FS

// packagedManifests writes the components that come with a server into the folder of manifests, without those that are disabled.
func (n *Node) packagedManifests() error {
	entries, err := packaged.ReadDir("manifests")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".yaml")
		path := filepath.Join(manifestsDir, entry.Name())
		if slices.Contains(n.config.Disable, name) {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		text, err := packaged.ReadFile("manifests/" + entry.Name())
		if err != nil {
			return err
		}
		text = []byte(strings.ReplaceAll(string(text), "%{CLUSTER_DNS}%", n.service(10)))
		if err := write(path, text); err != nil {
			return err
		}
	}
	return nil
}

// deploy applies what is in the folder of manifests, when it is new and when it changes.
func (n *Node) deploy(ctx context.Context) error {
	applied := map[string][sha256.Size]byte{}
	for {
		err := filepath.WalkDir(manifestsDir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !isManifest(path) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			if applied[path] == sum {
				return nil
			}
			if err := n.apply(ctx, path); err != nil {
				fmt.Fprintf(os.Stderr, "level=error msg=%q\n", fmt.Sprintf("%s cannot be applied: %v", path, err))
				return nil
			}
			applied[path] = sum
			return nil
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(scan):
		}
	}
}

// isManifest tells whether a file is to be applied: a file of the same name with .skip at its end says no.
func isManifest(path string) bool {
	if _, err := os.Stat(path + ".skip"); err == nil {
		return false
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path))
}

func (n *Node) apply(ctx context.Context, path string) error {
	return child(ctx, "kubectl", "--kubeconfig="+at("admin.kubeconfig"), "apply", "--server-side", "--force-conflicts",
		"--field-manager=deploy@"+n.config.NodeName, "--filename="+path).Run()
}
