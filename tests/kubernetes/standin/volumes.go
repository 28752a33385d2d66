package standin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// files are the contents of a volume, by path in it.
type files map[string][]byte

// mountVolumes makes the volumes of a container in its root, or writes anew what is in them.
func (n *Node) mountVolumes(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, container *corev1.Container, root string) error {
	for _, mount := range container.VolumeMounts {
		folder := inside(root, mount.MountPath)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			contents, err := n.volume(ctx, api, pod, &volume.VolumeSource)
			if err != nil {
				return fmt.Errorf("volume %s: %w", volume.Name, err)
			}
			for path, content := range contents {
				if err := write(filepath.Join(folder, path), content); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (n *Node) volume(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, source *corev1.VolumeSource) (files, error) {
	switch {
	case source.EmptyDir != nil:
		return files{}, nil
	case source.ConfigMap != nil:
		return configMap(ctx, api, pod, source.ConfigMap.Name, source.ConfigMap.Items)
	case source.Secret != nil:
		return secret(ctx, api, pod, source.Secret.SecretName, source.Secret.Items)
	case source.DownwardAPI != nil:
		return n.downward(pod, source.DownwardAPI.Items)
	case source.Projected != nil:
		all := files{}
		for i := range source.Projected.Sources {
			part, err := n.projection(ctx, api, pod, &source.Projected.Sources[i])
			if err != nil {
				return nil, err
			}
			for path, content := range part {
				all[path] = content
			}
		}
		return all, nil
	}
	return nil, fmt.Errorf("this stand-in does not know its kind")
}

func (n *Node) projection(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, source *corev1.VolumeProjection) (files, error) {
	switch {
	case source.ServiceAccountToken != nil:
		return token(ctx, api, pod, source.ServiceAccountToken)
	case source.ConfigMap != nil:
		return configMap(ctx, api, pod, source.ConfigMap.Name, source.ConfigMap.Items)
	case source.Secret != nil:
		return secret(ctx, api, pod, source.Secret.Name, source.Secret.Items)
	case source.DownwardAPI != nil:
		return n.downward(pod, source.DownwardAPI.Items)
	}
	return nil, fmt.Errorf("this stand-in does not know its projection")
}

// token is one for the service account, which ends with the pod.
func token(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, source *corev1.ServiceAccountTokenProjection) (files, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	answer, err := api.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return files{source.Path: []byte(answer.Status.Token)}, nil
}

func configMap(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, name string, items []corev1.KeyToPath) (files, error) {
	object, err := api.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	contents := files{}
	for key, value := range object.Data {
		contents[key] = []byte(value)
	}
	return pick(contents, items), nil
}

func secret(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, name string, items []corev1.KeyToPath) (files, error) {
	object, err := api.CoreV1().Secrets(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return pick(object.Data, items), nil
}

// pick takes the keys that are asked for, to where they are asked for; all of them if none is.
func pick(contents files, items []corev1.KeyToPath) files {
	if len(items) == 0 {
		return contents
	}
	picked := files{}
	for _, item := range items {
		picked[item.Path] = contents[item.Key]
	}
	return picked
}

func (n *Node) downward(pod *corev1.Pod, items []corev1.DownwardAPIVolumeFile) (files, error) {
	contents := files{}
	for _, item := range items {
		if item.FieldRef == nil {
			return nil, fmt.Errorf("%s: this stand-in knows fields alone", item.Path)
		}
		value, err := n.field(pod, item.FieldRef.FieldPath)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", item.Path, err)
		}
		contents[item.Path] = []byte(value)
	}
	return contents, nil
}
