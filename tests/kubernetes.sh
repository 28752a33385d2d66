#!/usr/bin/env bash
# Builds the test distribution of Kubernetes: a real control plane, and a stand-in for k3s that assembles it as k3s does.
#   target/kubernetes/share  what every host of the lab gets at /opt/test-kubernetes
#   target/kubernetes/k3s    the artifact that the installer brings to hosts
set -euo pipefail
cd "$(dirname "$0")/kubernetes"
out=$PWD/../../target/kubernetes
command -v go >/dev/null || { echo "no Go toolchain: install it from https://go.dev/dl" >&2; exit 1; }
mkdir -p "$out/share/bin"
stamp=$(find . -type f \( -name '*.go' -o -name 'go.*' \) -print0 | sort -z | xargs -0 sha256sum | sha256sum)
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then
    echo "the test distribution of Kubernetes is built"
    exit 0
fi
echo "building the test distribution of Kubernetes; the first time takes some minutes"
export CGO_ENABLED=0 GOFLAGS=-trimpath
test -z "$(gofmt -l .)" || { echo "gofmt these: $(gofmt -l .)" >&2; exit 1; }
go vet ./standin ./cmd/...
go test ./standin
go build -ldflags "-s -w" -o "$out/share/bin/kubernetes" ./cmd/kubernetes
go build -ldflags "-s -w" -o "$out/k3s" ./cmd/k3s
for name in kube-apiserver kube-controller-manager kube-scheduler kubectl etcd k3s; do
    ln -sf kubernetes "$out/share/bin/$name"
done
echo "$stamp" >"$out/stamp"
