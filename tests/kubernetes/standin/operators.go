package standin

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// operand is a kind of objects that an operator looks after, and the conditions by which it says that all is well with one.
type operand struct {
	resource   schema.GroupVersionResource
	conditions []string
}

// operators are pods that are played, by their image: they say of the objects they look after what the true ones say in the end.
var operators = map[string][]operand{
	"cert-manager-controller": {
		{kind("cert-manager.io", "v1", "clusterissuers"), []string{"Ready"}},
		{kind("cert-manager.io", "v1", "issuers"), []string{"Ready"}},
		{kind("cert-manager.io", "v1", "certificates"), []string{"Ready"}},
	},
	"operator-generic": {
		{kind("gateway.networking.k8s.io", "v1", "gatewayclasses"), []string{"Accepted"}},
		{kind("gateway.networking.k8s.io", "v1", "gateways"), []string{"Accepted", "Programmed"}},
	},
	"cloudnative-pg": {
		{kind("postgresql.cnpg.io", "v1", "clusters"), []string{"Ready"}},
	},
}

func kind(group, version, plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
}

// operandsOf are the kinds that a pod looks after, if it is an operator's.
func operandsOf(pod *corev1.Pod) []operand {
	for _, container := range pod.Spec.Containers {
		if operands, ok := operators[imageName(container.Image)]; ok {
			return operands
		}
	}
	return nil
}

// operate looks once at every object of these kinds. A kind that the cluster does not know has no objects.
func operate(ctx context.Context, api dynamic.Interface, operands []operand) error {
	for _, operand := range operands {
		listed, err := api.Resource(operand.resource).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		for i := range listed.Items {
			if err := operand.settle(ctx, api, &listed.Items[i]); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// settle says that all is well with an object, unless it is said already or the object is to stay as it is.
func (o operand) settle(ctx context.Context, api dynamic.Interface, object *unstructured.Unstructured) error {
	if object.GetAnnotations()[neverReady] == "true" || o.isSettled(object) {
		return nil
	}
	conditions := []map[string]any{}
	for _, name := range o.conditions {
		conditions = append(conditions, map[string]any{
			"type": name, "status": "True", "reason": name, "message": "played", "observedGeneration": object.GetGeneration(),
			"lastTransitionTime": metav1.Now().UTC().Format("2006-01-02T15:04:05Z"),
		})
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": conditions}})
	if err != nil {
		return err
	}
	_, err = api.Resource(o.resource).Namespace(object.GetNamespace()).
		Patch(ctx, object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func (o operand) isSettled(object *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	said := map[string]bool{}
	for _, one := range conditions {
		condition, _ := one.(map[string]any)
		name, _ := condition["type"].(string)
		generation, _ := condition["observedGeneration"].(int64)
		said[name] = condition["status"] == "True" && generation == object.GetGeneration()
	}
	for _, name := range o.conditions {
		if !said[name] {
			return false
		}
	}
	return true
}
