package standin

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func node() *Node { return &Node{config: &Config{NodeName: "cp-1"}, ip: "10.0.0.2"} }

// A pod as Flux has them.
func pod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "source-controller-1", Namespace: "flux-system", UID: "u"},
		Spec: corev1.PodSpec{
			Volumes: []corev1.Volume{
				{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "ca", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
						Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
					{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
						{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
				}}}},
			},
			Containers: []corev1.Container{{
				Name: "manager", Image: "registry.example:5000/fluxcd/source-controller:v1@sha256:0",
				Args: []string{"--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc", "$(NOBODY)"},
				Env: []corev1.EnvVar{
					{Name: "RUNTIME_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
					{Name: "HOST", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.hostIP"}}},
					{Name: "GOMEMLIMIT", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory"}}},
				},
				Resources:    corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}},
				VolumeMounts: []corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}, {Name: "ca", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}},
			}},
		},
	}
}

func TestProgramsAreKnownByTheirImage(t *testing.T) {
	if programOf(pod()) == nil {
		t.Error("a source-controller is run for real")
	}
	other := pod()
	other.Spec.Containers[0].Image = "quay.io/cilium/cilium:v1"
	if programOf(other) != nil || !imageOf(other, "cilium") {
		t.Error("Cilium is played")
	}
}

func TestEnvironmentIsWhatThePodSays(t *testing.T) {
	one := pod()
	env, args, err := node().environment(context.Background(), fake.NewClientset(), one, &one.Spec.Containers[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"RUNTIME_NAMESPACE=flux-system", "HOST=10.0.0.2", "GOMEMLIMIT=1073741824", "KUBERNETES_SERVICE_PORT=6444"} {
		if !slices.Contains(env, wanted) {
			t.Errorf("%v has no %s", env, wanted)
		}
	}
	if wanted := []string{"--storage-adv-addr=source-controller.flux-system.svc", "$(NOBODY)"}; !slices.Equal(args, wanted) {
		t.Errorf("%v is not %v", args, wanted)
	}
}

func TestVolumesAreFilesInTheRoot(t *testing.T) {
	root, one := t.TempDir(), pod()
	api := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kube-root-ca.crt", Namespace: "flux-system"}, Data: map[string]string{"ca.crt": "CA", "more": "x"}})
	if err := node().mountVolumes(context.Background(), api, one, &one.Spec.Containers[0], root); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "var/run/secrets/kubernetes.io/serviceaccount")
	for name, wanted := range map[string]string{"ca.crt": "CA", "namespace": "flux-system"} {
		if content, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(content) != wanted {
			t.Errorf("%s is %q, %v", name, content, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "more")); err == nil {
		t.Error("a key is there that was not asked for")
	}
	one.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}
	if err := node().mountVolumes(context.Background(), api, one, &one.Spec.Containers[0], root); err == nil {
		t.Error("a volume of an unknown kind is mounted")
	}
}

func TestServicesHaveTheAddressOfAnEndpointThatIsReady(t *testing.T) {
	no := false
	slice := discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "seed", Labels: map[string]string{discoveryv1.LabelServiceName: "registry"}},
		Endpoints: []discoveryv1.Endpoint{
			{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &no}},
			{Addresses: []string{"10.0.0.3"}}, {Addresses: []string{"10.0.0.2"}},
		},
	}
	if lines := hosts([]discoveryv1.EndpointSlice{slice}); !strings.Contains(lines, "10.0.0.2 registry.seed.svc.cluster.local registry.seed.svc registry.seed\n") {
		t.Error(lines)
	}
}

func TestAClaimGetsAVolumeWhenANodeIsChosen(t *testing.T) {
	class, policy := "local-path", corev1.PersistentVolumeReclaimDelete
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data", Namespace: "bao", UID: "1", Annotations: map[string]string{claimProvisioner: provisioner}},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}},
	}
	api := fake.NewClientset(claim, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: provisioner, ReclaimPolicy: &policy})
	volumes := func() []corev1.PersistentVolume {
		if err := provision(context.Background(), api); err != nil {
			t.Fatal(err)
		}
		list, err := api.CoreV1().PersistentVolumes().List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return list.Items
	}
	if made := volumes(); len(made) != 0 {
		t.Fatalf("%v is made before a node is chosen", made)
	}
	claim.Annotations[selectedNode] = "cp-1"
	if _, err := api.CoreV1().PersistentVolumeClaims("bao").Update(context.Background(), claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	made := volumes()
	if len(made) != 1 || made[0].Spec.HostPath.Path != storageDir+"/pvc-1_bao_data" || made[0].Spec.ClaimRef.Name != "data" {
		t.Fatalf("%v", made)
	}
	made[0].Status.Phase = corev1.VolumeReleased
	if _, err := api.CoreV1().PersistentVolumes().UpdateStatus(context.Background(), &made[0], metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	claim.Spec.VolumeName = made[0].Name
	if _, err := api.CoreV1().PersistentVolumeClaims("bao").Update(context.Background(), claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if left := volumes(); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
