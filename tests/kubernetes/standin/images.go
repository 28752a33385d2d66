package standin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// image is what stands for a container image of that name: a program that is run on the host.
type image struct {
	// folders are parts of the image beside the program, by where the container has them.
	folders map[string]string
	files   map[string]string
	env     []string
	// flags let several live on one host: what they serve to their node alone is on a loopback address of each one's own.
	flags func(loopback, host string) []string
}

// distroless is how the base of images without a distribution says what it is.
const distroless = `PRETTY_NAME="Distroless"
NAME="Debian GNU/Linux"
ID="debian"
VERSION_ID="12"
VERSION="Debian GNU/Linux 12 (bookworm)"
`

var images = map[string]image{
	"flux-operator": {
		folders: map[string]string{"/data": "flux-operator/data"},
		// What its base image calls itself; the program looks whether its image is complete.
		files: map[string]string{"/etc/os-release": distroless},
		// The image is built in this mode; the program refuses to run in another.
		env: []string{"GODEBUG=fips140=on"},
		flags: func(loopback, _ string) []string {
			return []string{"--health-addr=" + loopback + ":8081", "--metrics-addr=" + loopback + ":8080", "--web-server-port=0"}
		},
	},
	"source-controller": {
		// Its artifacts are fetched from other hosts, too. Its Service would lead from port 80 to this one.
		flags: func(loopback, host string) []string {
			return append(fluxFlags(loopback, host), "--storage-adv-addr="+host+":9090")
		},
	},
	"kustomize-controller": {flags: fluxFlags},
	"helm-controller":      {flags: fluxFlags},
}

func fluxFlags(loopback, _ string) []string {
	return []string{"--health-addr=" + loopback + ":9440", "--metrics-addr=" + loopback + ":8080"}
}

// imageName is the last part of a reference, without its version and digest.
func imageName(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	name, _, _ := strings.Cut(filepath.Base(reference), ":")
	return name
}

// imageOf tells whether a container of a pod has an image of that name, whatever its registry and version.
func imageOf(pod *corev1.Pod, name string) bool {
	for _, container := range pod.Spec.Containers {
		if imageName(container.Image) == name {
			return true
		}
	}
	return false
}

// programOf is the container of a pod that is run for real, or nil.
func programOf(pod *corev1.Pod) *corev1.Container {
	for i, container := range pod.Spec.Containers {
		if _, known := images[imageName(container.Image)]; known {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}

// check says of an image whether this host has what it stands for.
func (i image) check(name string) error {
	paths := []string{program(name)}
	for _, source := range i.folders {
		paths = append(paths, shared(source))
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
	}
	return nil
}

// shared is a path of the test distribution.
func shared(path string) string { return filepath.Join(program(".."), path) }
