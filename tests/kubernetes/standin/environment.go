package standin

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// environment is what a container finds in its environment, and its arguments with what they refer to there.
func (n *Node) environment(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, container *corev1.Container) (env, args []string, err error) {
	if len(container.EnvFrom) > 0 {
		return nil, nil, fmt.Errorf("container %s: this stand-in does not know envFrom", container.Name)
	}
	values := map[string]string{
		"HOME": "/", "PATH": "/", "HOSTNAME": pod.Name,
		"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": fmt.Sprint(loopbackPort),
	}
	mapping := expansion.MappingFuncFor(values)
	for _, variable := range container.Env {
		value := expansion.Expand(variable.Value, mapping)
		if variable.ValueFrom != nil {
			if value, err = n.valueFrom(ctx, api, pod, container, variable.ValueFrom); err != nil {
				return nil, nil, fmt.Errorf("container %s: variable %s: %w", container.Name, variable.Name, err)
			}
		}
		values[variable.Name] = value
	}
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	for _, arg := range container.Args {
		args = append(args, expansion.Expand(arg, mapping))
	}
	return env, args, nil
}

func (n *Node) valueFrom(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, container *corev1.Container, from *corev1.EnvVarSource) (string, error) {
	switch {
	case from.FieldRef != nil:
		return n.field(pod, from.FieldRef.FieldPath)
	case from.ResourceFieldRef != nil:
		return resource.ExtractContainerResourceValue(from.ResourceFieldRef, container)
	case from.ConfigMapKeyRef != nil:
		object, err := api.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, from.ConfigMapKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return object.Data[from.ConfigMapKeyRef.Key], nil
	case from.SecretKeyRef != nil:
		object, err := api.CoreV1().Secrets(pod.Namespace).Get(ctx, from.SecretKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return string(object.Data[from.SecretKeyRef.Key]), nil
	}
	return "", fmt.Errorf("this stand-in does not know its source")
}

func (n *Node) field(pod *corev1.Pod, path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return n.config.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.podIP", "status.hostIPs", "status.podIPs":
		return n.ip, nil
	}
	return fieldpath.ExtractFieldPathAsString(pod, path)
}
