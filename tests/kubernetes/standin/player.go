package standin

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// beat is how often a node and its pods are looked at.
const beat = time.Second

// play does what a kubelet does for the API: it registers the node, keeps it alive, and says of its pods that they run.
//
// As with a real kubelet, the node is not ready before a CNI is there: a pod of Cilium's DaemonSet on this node.
func (n *Node) play(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 50, 100
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	told := false
	var last error
	for {
		err := n.turn(ctx, api)
		if err == nil && !told {
			notifyReady()
			told = true
		}
		if err != nil && (last == nil || err.Error() != last.Error()) {
			fmt.Fprintf(os.Stderr, "level=error msg=%q\n", err.Error())
		}
		last = err
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(beat):
		}
	}
}

func (n *Node) turn(ctx context.Context, api kubernetes.Interface) error {
	pods, err := api.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.config.NodeName})
	if err != nil {
		return err
	}
	cni := false
	for i := range pods.Items {
		pod := &pods.Items[i]
		cni = cni || (pod.DeletionTimestamp == nil && imageOf(pod, "cilium"))
		if err := n.playPod(ctx, api, pod); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return err
		}
	}
	return n.playNode(ctx, api, cni)
}

// imageOf tells whether a container's image has that name, whatever its registry and version.
func imageOf(pod *corev1.Pod, name string) bool {
	for _, container := range pod.Spec.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		last := image[strings.LastIndex(image, "/")+1:]
		if short, _, _ := strings.Cut(last, ":"); short == name {
			return true
		}
	}
	return false
}

func (n *Node) playNode(ctx context.Context, api kubernetes.Interface, cni bool) error {
	nodes := api.CoreV1().Nodes()
	node, err := nodes.Get(ctx, n.config.NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node, err = nodes.Create(ctx, n.object(), metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	status := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady",
		Message: "container runtime network not ready: cni plugin not initialized"}
	if cni {
		status.Status, status.Reason, status.Message = corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"
	}
	now := metav1.Now()
	status.LastHeartbeatTime, status.LastTransitionTime = now, now
	for i, before := range node.Status.Conditions {
		if before.Type == corev1.NodeReady {
			if before.Status == status.Status {
				if now.Sub(before.LastHeartbeatTime.Time) < 5*time.Second {
					return nil
				}
				status.LastTransitionTime = before.LastTransitionTime
			}
			node.Status.Conditions = append(node.Status.Conditions[:i], node.Status.Conditions[i+1:]...)
			break
		}
	}
	node.Status.Conditions = append(node.Status.Conditions, status)
	node.Status.Addresses = n.addresses()
	node.Status.NodeInfo.KubeletVersion = Version
	node.Status.Capacity, node.Status.Allocatable = capacity(), capacity()
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (n *Node) object() *corev1.Node {
	labels := map[string]string{"kubernetes.io/hostname": n.config.NodeName, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
	for _, label := range n.config.NodeLabel {
		key, value, _ := strings.Cut(label, "=")
		labels[key] = value
	}
	if n.server {
		labels["node-role.kubernetes.io/control-plane"] = "true"
		labels["node-role.kubernetes.io/etcd"] = "true"
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.config.NodeName, Labels: labels},
		Spec:       corev1.NodeSpec{ProviderID: "k3s://" + n.config.NodeName},
	}
}

func (n *Node) addresses() []corev1.NodeAddress {
	addresses := []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: n.ip}, {Type: corev1.NodeHostName, Address: n.config.NodeName}}
	if n.config.NodeExternalIP != "" {
		addresses = append(addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: n.config.NodeExternalIP})
	}
	return addresses
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
