package standin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// renewal is how often volumes are written anew: tokens live an hour.
const renewal = 10 * time.Minute

// containers are the programs that run on this host, by the pods that they run for.
type containers struct {
	node    *Node
	byPod   map[types.UID]*running
	started int
	hosts   string
}

type running struct {
	*container
	pod     *corev1.Pod
	renewed time.Time
}

func newContainers(node *Node) *containers {
	endLeftovers()
	return &containers{node: node, byPod: map[types.UID]*running{}}
}

// endLeftovers ends programs that a node before this one has left behind: they are known by their root.
func endLeftovers() {
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	for _, link := range roots {
		root, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(root, containersDir+"/") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// keep stops the programs whose pods are not there any more.
func (c *containers) keep(pods []corev1.Pod) {
	there := map[types.UID]bool{}
	for i := range pods {
		there[pods[i].UID] = true
	}
	for uid, one := range c.byPod {
		if !there[uid] {
			c.end(uid, one)
		}
	}
}

// end asks a program to end and tells whether it has.
func (c *containers) end(uid types.UID, one *running) bool {
	one.stop()
	select {
	case <-one.stopped:
		os.RemoveAll(filepath.Dir(one.root))
		delete(c.byPod, uid)
		return true
	default:
		return false
	}
}

// gone ends the program of a pod that is being deleted, and tells whether none is left.
func (c *containers) gone(pod *corev1.Pod) bool {
	one := c.byPod[pod.UID]
	return one == nil || c.end(pod.UID, one)
}

// run makes the program of a pod run and returns what is to be said of it.
func (c *containers) run(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, spec *corev1.Container) corev1.ContainerStatus {
	one := c.byPod[pod.UID]
	if one == nil {
		started, err := c.start(ctx, api, pod, spec)
		if err != nil {
			return corev1.ContainerStatus{Name: spec.Name, Image: spec.Image, State: corev1.ContainerState{
				Waiting: &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}}}
		}
		one = started
		c.byPod[pod.UID] = one
	}
	if err := c.renew(ctx, api, one, spec); err != nil {
		fmt.Fprintf(os.Stderr, "level=error msg=%q\n", fmt.Sprintf("pod %s/%s: %v", pod.Namespace, pod.Name, err))
	}
	one.look(ctx)
	return one.status()
}

func (c *containers) start(ctx context.Context, api kubernetes.Interface, pod *corev1.Pod, spec *corev1.Container) (*running, error) {
	name := imageName(spec.Image)
	image := images[name]
	if err := image.check(name); err != nil {
		return nil, err
	}
	c.started++
	one := &running{pod: pod, renewed: time.Now(), container: &container{
		name: spec.Name, image: spec.Image, probe: spec.ReadinessProbe, ports: spec.Ports,
		root:     filepath.Join(containersDir, string(pod.UID), spec.Name),
		logs:     filepath.Join(podLogsDir, fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID), spec.Name),
		loopback: fmt.Sprintf("127.1.%d.%d", c.started/250, 1+c.started%250),
		grace:    grace(pod), restarts: restartsOf(pod, spec.Name), stopped: make(chan struct{}),
	}}
	if err := c.furnish(ctx, api, one, spec); err != nil {
		return nil, err
	}
	env, args, err := c.node.environment(ctx, api, pod, spec)
	if err != nil {
		return nil, err
	}
	if len(spec.Command) > 1 {
		args = append(append([]string{}, spec.Command[1:]...), args...)
	}
	args = append(args, image.flags(one.loopback, c.node.ip)...)
	life, stop := context.WithCancel(ctx)
	one.stop = stop
	go one.live(life, args, append(env, image.env...))
	return one, nil
}

// furnish makes the root that a program gets.
func (c *containers) furnish(ctx context.Context, api kubernetes.Interface, one *running, spec *corev1.Container) error {
	if err := os.MkdirAll(inside(one.root, "/tmp"), 0o777); err != nil {
		return err
	}
	resolver, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	contents := map[string]string{"/etc/resolv.conf": string(resolver), "/etc/nsswitch.conf": "hosts: files dns\n", "/etc/hosts": c.hosts}
	maps.Copy(contents, images[imageName(spec.Image)].files)
	for path, content := range contents {
		if err := write(inside(one.root, path), []byte(content)); err != nil {
			return err
		}
	}
	return c.node.mountVolumes(ctx, api, one.pod, spec, one.root)
}

// renew writes a container's volumes anew when it is time.
func (c *containers) renew(ctx context.Context, api kubernetes.Interface, one *running, spec *corev1.Container) error {
	if time.Since(one.renewed) < renewal {
		return nil
	}
	one.renewed = time.Now()
	return c.node.mountVolumes(ctx, api, one.pod, spec, one.root)
}

// name tells every container the names of Services.
func (c *containers) name(hosts string) error {
	if hosts == c.hosts {
		return nil
	}
	c.hosts = hosts
	for _, one := range c.byPod {
		if err := write(inside(one.root, "/etc/hosts"), []byte(hosts)); err != nil {
			return err
		}
	}
	return nil
}

func grace(pod *corev1.Pod) time.Duration {
	if pod.Spec.TerminationGracePeriodSeconds == nil {
		return 30 * time.Second
	}
	return time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second
}

// restartsOf is how often a container was started before; its host may have started anew since.
func restartsOf(pod *corev1.Pod, name string) int32 {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == name && status.State.Running != nil {
			return status.RestartCount + 1
		}
	}
	return 0
}
