// Command k3s is the artifact that the product puts on hosts: a small file that hands over to the real programs, which every host
// of the lab has at /opt/test-kubernetes.
package main

import (
	"fmt"
	"os"
	"syscall"
)

const stand = "/opt/test-kubernetes/bin/k3s"

func main() {
	args := append([]string{"k3s"}, os.Args[1:]...)
	err := syscall.Exec(stand, args, os.Environ())
	fmt.Fprintf(os.Stderr, "level=fatal msg=\"%s cannot be run: %v\"\n", stand, err)
	os.Exit(1)
}
