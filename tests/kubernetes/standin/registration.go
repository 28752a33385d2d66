package standin

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// playNode registers the node and keeps it alive.
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

func capacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"),
		corev1.ResourcePods: resource.MustParse("110"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
}
