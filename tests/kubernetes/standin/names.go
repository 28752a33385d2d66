package standin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// names are the lines of an /etc/hosts in which every Service has the address of an endpoint that is ready.
func names(ctx context.Context, api kubernetes.Interface) (string, error) {
	slices, err := api.DiscoveryV1().EndpointSlices("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	return hosts(slices.Items), nil
}

func hosts(all []discoveryv1.EndpointSlice) string {
	addresses := map[string]string{}
	for i := range all {
		service := all[i].Labels[discoveryv1.LabelServiceName] + "." + all[i].Namespace
		for _, endpoint := range all[i].Endpoints {
			ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
			if before, known := addresses[service]; ready && len(endpoint.Addresses) > 0 && (!known || endpoint.Addresses[0] < before) {
				addresses[service] = endpoint.Addresses[0]
			}
		}
	}
	lines := []string{"127.0.0.1 localhost\n"}
	for service, address := range addresses {
		lines = append(lines, fmt.Sprintf("%s %s.svc.cluster.local %s.svc %s\n", address, service, service, service))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "")
}
