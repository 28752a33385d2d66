// Package standin behaves as k3s does towards whoever installs it: the same command line, configuration, paths, tokens and protocol
// for joining, as far as the product uses them. Behind that are a real etcd, kube-apiserver, controller manager and scheduler.
// What it does not have is a kubelet: a player says of pods what a kubelet would, and runs the programs of Flux.
package standin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Version is the release whose command line this follows: the one that the kit of the product is made for.
const Version = "v1.35.7+k3s1"

const usage = "usage: k3s --version | server | agent | kubectl ARGS | token rotate --token OLD --new-token NEW | etcd-snapshot save|ls | secrets-encrypt status"

// Main runs a command line and returns its exit status.
func Main(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, usage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	switch args[0] {
	case "--version", "-v":
		fmt.Printf("k3s version %s (standin)\ngo version standin\n", Version)
	case "kubectl":
		err = kubectl(args[1:])
	case "server", "agent":
		err = run(ctx, args[0], args[1:])
	case "token":
		err = tokenCommand(ctx, args[1:])
	case "etcd-snapshot":
		err = snapshotCommand(ctx, args[1:])
	case "secrets-encrypt":
		err = encryptionCommand(args[1:])
	case containCommand:
		err = contain(args[1:])
	default:
		err = fmt.Errorf("no such command: %s; %s", args[0], usage)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "level=fatal msg=%q\n", err.Error())
		return 1
	}
	return 0
}

func run(ctx context.Context, command string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("flag provided but not defined: %s", args[0])
	}
	config, err := readConfig(configFile, command)
	if err != nil {
		return err
	}
	if err := checkRegistries(registriesFile); err != nil {
		return err
	}
	node, err := newNode(config, command == "server")
	if err != nil {
		return err
	}
	return node.run(ctx)
}

func kubectl(args []string) error {
	if os.Getenv("KUBECONFIG") == "" {
		os.Setenv("KUBECONFIG", kubeconfigFile)
	}
	command := append([]string{"kubectl"}, args...)
	return syscall.Exec(program("kubectl"), command, os.Environ())
}

// program is where one of the real programs is: beside this one.
func program(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

// child starts a program that dies with this one; its lines go where ours go.
func child(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program(name), args...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}
