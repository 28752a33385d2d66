package standin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	containersDir = "/run/k3s/containers"
	podLogsDir    = "/var/log/pods"
	// backOff is how long a program that died stays dead, times the number of its deaths, up to the longest.
	backOff        = time.Second
	longestBackOff = 30 * time.Second
)

// container is a program that runs for a pod, again and again until it is stopped.
type container struct {
	name     string
	image    string
	root     string
	logs     string
	loopback string
	probe    *corev1.Probe
	ports    []corev1.ContainerPort
	grace    time.Duration
	stop     context.CancelFunc
	stopped  chan struct{}

	lock     sync.Mutex
	restarts int32
	last     corev1.ContainerState
	state    corev1.ContainerState
	ready    bool
}

// live runs the program until it is stopped.
func (c *container) live(ctx context.Context, args, env []string) {
	defer close(c.stopped)
	for {
		began := metav1.Now().Rfc3339Copy()
		err := c.once(ctx, args, env, began)
		if ctx.Err() != nil {
			return
		}
		c.died(began, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(backOff*time.Duration(c.restarts+1), longestBackOff)):
		}
		c.lock.Lock()
		c.restarts++
		c.lock.Unlock()
	}
}

// once runs the program until it ends; if it is stopped, it may end by itself within its grace.
func (c *container) once(ctx context.Context, args, env []string, began metav1.Time) error {
	log, err := c.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	command := sandbox(c.root, imageName(c.image), args, env)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return err
	}
	c.lock.Lock()
	c.state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}}
	c.lock.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		return err
	case <-time.After(c.grace):
		command.Process.Kill()
		return <-ended
	}
}

func (c *container) died(began metav1.Time, err error) {
	terminated := &corev1.ContainerStateTerminated{Reason: "Error", StartedAt: began, FinishedAt: metav1.Now().Rfc3339Copy()}
	if exit, ok := err.(*exec.ExitError); ok {
		terminated.ExitCode = int32(exit.ExitCode())
	} else if err != nil {
		terminated.ExitCode, terminated.Message = 128, err.Error()
	} else {
		terminated.Reason = "Completed"
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	c.last = corev1.ContainerState{Terminated: terminated}
	c.state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off restarting failed container " + c.name}}
	c.ready = false
}

// look asks the readiness probe.
func (c *container) look(ctx context.Context) {
	ready := c.answers(ctx)
	c.lock.Lock()
	defer c.lock.Unlock()
	c.ready = ready && c.state.Running != nil
}

// answers tells whether the readiness probe succeeds; one that is none always does.
func (c *container) answers(ctx context.Context) bool {
	if c.probe == nil || c.probe.HTTPGet == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	address := net.JoinHostPort(c.loopback, fmt.Sprint(c.port(c.probe.HTTPGet.Port)))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+c.probe.HTTPGet.Path, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode >= 200 && answer.StatusCode < 400
}

func (c *container) port(port intstr.IntOrString) int32 {
	for _, known := range c.ports {
		if known.Name == port.StrVal {
			return known.ContainerPort
		}
	}
	return port.IntVal
}

// status is what a kubelet says of a container.
func (c *container) status() corev1.ContainerStatus {
	c.lock.Lock()
	defer c.lock.Unlock()
	started := c.state.Running != nil
	return corev1.ContainerStatus{
		Name: c.name, Image: c.image, ImageID: c.image, State: c.state, LastTerminationState: c.last,
		Ready: c.ready, RestartCount: c.restarts, Started: &started,
	}
}

// openLog opens a log as container runtimes keep them: a time, a stream and a line.
func (c *container) openLog() (io.WriteCloser, error) {
	if err := os.MkdirAll(c.logs, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(c.logs, fmt.Sprintf("%d.log", c.restarts)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	reader, writer := io.Pipe()
	go func() {
		defer file.Close()
		lines := bufio.NewReader(reader)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				fmt.Fprintf(file, "%s stderr F %s", time.Now().UTC().Format(time.RFC3339Nano), line)
			}
			if err != nil {
				return
			}
		}
	}()
	return writer, nil
}
