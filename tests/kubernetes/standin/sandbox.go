package standin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// containCommand is how this program calls itself to become a container.
const containCommand = "contain"

// sandbox starts a program whose root is a folder, in a mount namespace of its own, so that nothing is left mounted when it dies.
func sandbox(root, name string, args, env []string) *exec.Cmd {
	command := exec.Command(program("k3s"), append([]string{containCommand, root, name}, args...)...)
	command.Env = env
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	return command
}

// contain puts a program and the folders of its image into a root, and becomes that program in there.
func contain(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: k3s %s ROOT IMAGE ARGS", containCommand)
	}
	root, name := args[0], args[1]
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts cannot be made private: %w", err)
	}
	file := filepath.Join(root, name)
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		return err
	}
	if err := bind(program(name), file); err != nil {
		return err
	}
	for target, source := range images[name].folders {
		target = filepath.Join(root, target)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := bind(shared(source), target); err != nil {
			return err
		}
	}
	if err := syscall.Chroot(root); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return syscall.Exec("/"+name, append([]string{name}, args[2:]...), os.Environ())
}

func bind(source, target string) error {
	if err := syscall.Mount(source, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("%s cannot be mounted at %s: %w", source, target, err)
	}
	return nil
}

// inside is a path in a root; what would lead out of it stays in it.
func inside(root, path string) string {
	return filepath.Join(root, filepath.Clean("/"+strings.TrimSpace(path)))
}
