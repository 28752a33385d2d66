package standin

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// identity is a connection by the token of a pod's service account.
type identity struct {
	api     kubernetes.Interface
	objects dynamic.Interface
	made    time.Time
}

// as connects with the rights of a pod.
func (p *player) as(ctx context.Context, pod *corev1.Pod) (identity, error) {
	if known, ok := p.identities[pod.UID]; ok && time.Since(known.made) < renewal {
		return known, nil
	}
	hour := int64(3600)
	contents, err := token(ctx, p.api, pod, &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &hour})
	if err != nil {
		return identity{}, err
	}
	config := rest.AnonymousClientConfig(p.rest)
	config.BearerToken = string(contents["token"])
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return identity{}, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return identity{}, err
	}
	fresh := identity{api: api, objects: objects, made: time.Now()}
	if p.identities == nil {
		p.identities = map[types.UID]identity{}
	}
	p.identities[pod.UID] = fresh
	return fresh, nil
}
