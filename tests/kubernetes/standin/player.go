package standin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// beat is how often a node and its pods are looked at.
const beat = time.Second

// play does what a kubelet does for the API: it registers the node, keeps it alive, and says of its pods that they run. Programs of
// Flux do run.
//
// As with a real kubelet, the node is not ready before a CNI is there: a pod of Cilium's DaemonSet on this node.
func (n *Node) play(ctx context.Context, kubelet, proxy string) error {
	config, err := restConfig(kubelet)
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	services, err := connect(proxy)
	if err != nil {
		return err
	}
	player := &player{Node: n, api: api, rest: config, services: services, containers: newContainers(n)}
	told := false
	for {
		err := player.turn(ctx)
		if err == nil && !told {
			notifyReady()
			told = true
		}
		player.ofNode.tell(err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(beat):
		}
	}
}

// player is a kubelet that plays most pods and runs the others.
type player struct {
	*Node
	api kubernetes.Interface
	// services may read what a proxy of Services may.
	services       kubernetes.Interface
	containers     *containers
	rest           *rest.Config
	identities     map[types.UID]identity
	ofNode, ofPods trouble
}

// turn looks after every pod once, and then after the node, whatever is with its pods.
func (p *player) turn(ctx context.Context) error {
	pods, err := p.api.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + p.config.NodeName})
	if err != nil {
		return err
	}
	p.ofPods.tell(p.pods(ctx, pods.Items))
	cni := slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp == nil && imageOf(&pod, "cilium")
	})
	return p.playNode(ctx, p.api, cni)
}

func (p *player) pods(ctx context.Context, pods []corev1.Pod) error {
	p.containers.keep(pods)
	if slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return programOf(&pod) != nil }) {
		names, err := names(ctx, p.services)
		if err != nil {
			return err
		}
		if err := p.containers.name(names); err != nil {
			return err
		}
	}
	var troubles []error
	for i := range pods {
		if err := p.pod(ctx, &pods[i]); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			troubles = append(troubles, fmt.Errorf("pod %s/%s: %w", pods[i].Namespace, pods[i].Name, err))
		}
	}
	return errors.Join(troubles...)
}

// trouble is what is wrong; it is told once.
type trouble string

func (t *trouble) tell(err error) {
	now := trouble("")
	if err != nil {
		now = trouble(err.Error())
	}
	if now != "" && now != *t {
		fmt.Fprintf(os.Stderr, "level=error msg=%q\n", now)
	}
	*t = now
}

// notifyReady tells systemd that the service is up.
func notifyReady() {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	if strings.HasPrefix(socket, "@") {
		socket = "\x00" + socket[1:]
	}
	connection, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer connection.Close()
	connection.Write([]byte("READY=1"))
}
