#!/usr/bin/env bash
# Builds the test distribution of Kubernetes: a real control plane and a real Flux, and a stand-in for k3s that assembles them as
# k3s does. What has not changed is not built again.
#   target/kubernetes/share  what every host of the lab gets at /opt/test-kubernetes: programs, Flux's manifests, test charts
#   target/kubernetes/k3s    the artifact that the installer brings to hosts
set -euo pipefail
cd "$(dirname "$0")/kubernetes"
out=$PWD/../../target/kubernetes
bin=$out/share/bin
command -v go >/dev/null || { echo "no Go toolchain: install it from https://go.dev/dl" >&2; exit 1; }
mkdir -p "$bin"
export CGO_ENABLED=0 GOFLAGS="-trimpath -p=2"
# The compiler's own garbage: memory is cheaper here than time.
export GOGC=400

# part NAME FILES COMMAND: runs a command if the files that FILES lists, or this script, are not those of its last run.
part() {
    local name=$1 files=$2 command=$3 stamp
    stamp=$( (eval "$files"; printf '../kubernetes.sh\0') | sort -z | xargs -0 sha256sum | sha256sum)
    if [ "$(cat "$out/stamp-$name" 2>/dev/null)" = "$stamp" ]; then
        echo "$name: built"
        return
    fi
    echo "$name: building; the first time takes some minutes"
    rm -f "$out/stamp-$name"
    "$command"
    echo "$stamp" >"$out/stamp-$name"
}

kubernetes() {
    test -z "$(gofmt -l .)" || { echo "gofmt these: $(gofmt -l .)" >&2; exit 1; }
    # Not cmd/kubernetes: a vet looks at all that is imported, there at the whole of Kubernetes.
    go vet ./standin ./cmd/k3s
    go test ./standin
    go build -ldflags "-s -w" -o "$bin/kubernetes" ./cmd/kubernetes
    go build -ldflags "-s -w" -o "$out/k3s" ./cmd/k3s
    local program
    for program in kube-apiserver kube-controller-manager kube-scheduler kubectl etcd k3s; do
        ln -sf kubernetes "$bin/$program"
    done
}

# The operator embeds pages of its web interface, which its module does not have: it is built from a copy with an empty one.
flux() (
    cd flux
    copy=$out/flux-operator
    go mod download github.com/controlplaneio-fluxcd/flux-operator
    rm -rf "$copy"
    cp -r "$(go list -m -f '{{.Dir}}' github.com/controlplaneio-fluxcd/flux-operator)" "$copy"
    chmod -R u+w "$copy"
    mkdir "$copy/web/dist"
    touch "$copy/web/dist/index.html"
    cp go.mod "$out/flux.mod"
    cp go.sum "$out/flux.sum"
    go mod edit -replace "github.com/controlplaneio-fluxcd/flux-operator=$copy" "$out/flux.mod"
    go build -modfile "$out/flux.mod" -ldflags "-s -w" -o "$bin/" tool
    mv "$bin/operator" "$bin/flux-operator"
    data=$out/share/flux-operator/data
    rm -rf "$data"
    mkdir -p "$data/flux" "$data/flux-images"
    cp -r "$copy/config/data/flux/$flux_version" "$data/flux/"
    cp -r "$copy/config/data/flux-images/$flux_version" "$data/flux-images/"
    echo "$flux_version" >"$data/flux-images/VERSION"
)

# Charts are checked by the helm that was built. The CRDs of Flux's operator come from its module.
#   target/kubernetes/charts        as folders, for a kit that is packed of them
#   target/kubernetes/share/charts  packaged
charts() {
    local packed=$out/share/charts folders=$out/charts
    rm -rf "$packed" "$folders"
    cp -r ../charts "$folders"
    rm "$folders/README.md"
    mkdir "$folders/flux-operator/module-crds"
    cp "$out"/flux-operator/config/crd/bases/*.yaml "$folders/flux-operator/module-crds/"
    for chart in "$folders"/*/; do
        "$bin/helm" lint --strict --quiet "$chart"
        "$bin/helm" template "$(basename "$chart")" "$chart" --include-crds >/dev/null
        "$bin/helm" package "$chart" --destination "$packed" >/dev/null
    done
}

flux_version=v2.9.2
part kubernetes "find . -path ./flux -prune -o -type f ! -name '*.md' -print0" kubernetes
part flux "find flux -type f -print0" flux
part charts "find ../charts flux/go.mod -type f -print0" charts
