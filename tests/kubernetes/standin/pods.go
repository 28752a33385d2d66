package standin

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// neverReady is set on what is to stay as it is: "true", or for a pod the reason for which its containers wait.
const neverReady = "play.sovereign.dev/never-ready"

// pod does with a pod what a kubelet would: it is gone if it is deleted; its program runs, or is said to run.
func (p *player) pod(ctx context.Context, pod *corev1.Pod) error {
	switch spec := programOf(pod); {
	case pod.DeletionTimestamp != nil:
		if !p.containers.gone(pod) {
			return nil
		}
		now := int64(0)
		return p.api.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
			metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
	case pod.Annotations[neverReady] == "true":
		return nil
	case pod.Annotations[neverReady] != "":
		return p.say(ctx, pod, corev1.PodPending, waiting(pod, pod.Annotations[neverReady])...)
	case spec != nil:
		return p.say(ctx, pod, corev1.PodRunning, p.containers.run(ctx, p.api, pod, spec))
	case pod.Status.Phase == corev1.PodSucceeded, isReady(pod):
		return p.work(ctx, pod)
	}
	if err := p.makeFolders(ctx, pod); err != nil {
		return err
	}
	return p.say(ctx, pod, played(pod), statuses(pod)...)
}

// isReady is false for a pod that runs and was said not to be ready while its node was silent.
func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// work does what a pod that is played does for the cluster.
func (p *player) work(ctx context.Context, pod *corev1.Pod) error {
	operands := operandsOf(pod)
	provisions := imageOf(pod, "local-path-provisioner")
	if operands == nil && !provisions {
		return nil
	}
	self, err := p.as(ctx, pod)
	if err != nil {
		return err
	}
	if provisions {
		return provision(ctx, self.api)
	}
	return operate(ctx, self.objects, operands)
}

// played is what becomes of a pod that is played: it runs, or is done if it is one that ends.
func played(pod *corev1.Pod) corev1.PodPhase {
	if pod.Spec.RestartPolicy == corev1.RestartPolicyAlways {
		return corev1.PodRunning
	}
	return corev1.PodSucceeded
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	now := metav1.Now().Rfc3339Copy()
	runs := played(pod) == corev1.PodRunning
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	if !runs {
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
	}
	var all []corev1.ContainerStatus
	for _, container := range pod.Spec.Containers {
		all = append(all, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image, State: state, Ready: runs, Started: &runs,
		})
	}
	return all
}

// waiting is what a kubelet says of containers that it cannot start.
func waiting(pod *corev1.Pod, reason string) []corev1.ContainerStatus {
	var all []corev1.ContainerStatus
	for _, container := range pod.Spec.Containers {
		all = append(all, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "as played: " + reason}},
		})
	}
	return all
}

// say writes a pod's status if it is not what it says already.
func (p *player) say(ctx context.Context, pod *corev1.Pod, phase corev1.PodPhase, containers ...corev1.ContainerStatus) error {
	before := pod.Status.DeepCopy()
	now := metav1.Now().Rfc3339Copy()
	ready := corev1.ConditionTrue
	for _, container := range containers {
		if !container.Ready {
			ready = corev1.ConditionFalse
		}
	}
	pod.Status.Phase, pod.Status.ContainerStatuses = phase, containers
	if pod.Status.StartTime == nil {
		pod.Status.StartTime = &now
	}
	// Pods share their host's network.
	pod.Status.HostIP, pod.Status.HostIPs = p.ip, []corev1.HostIP{{IP: p.ip}}
	pod.Status.PodIP, pod.Status.PodIPs = p.ip, []corev1.PodIP{{IP: p.ip}}
	for kind, status := range map[corev1.PodConditionType]corev1.ConditionStatus{
		corev1.PodScheduled: corev1.ConditionTrue, corev1.PodInitialized: corev1.ConditionTrue,
		corev1.ContainersReady: ready, corev1.PodReady: ready,
	} {
		setCondition(&pod.Status, kind, status, now)
	}
	if equality.Semantic.DeepEqual(before, &pod.Status) {
		return nil
	}
	_, err := p.api.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, value corev1.ConditionStatus, now metav1.Time) {
	for i := range status.Conditions {
		if one := &status.Conditions[i]; one.Type == kind {
			if one.Status != value {
				one.Status, one.LastTransitionTime = value, now
			}
			return
		}
	}
	status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: value, LastTransitionTime: now})
}

// waitReady waits until the API server answers, or something dies.
func waitReady(ctx context.Context, dead <-chan error, kubeconfig string) error {
	api, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	for {
		if _, err := api.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-dead:
			return err
		case <-time.After(beat):
		}
	}
}
