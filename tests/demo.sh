#!/usr/bin/env bash
# The main job on this machine: a spec becomes servers in a lab cloud, the servers become nodes of a cluster that Flux reconciles
# from a source of its own, the Sovereign's names lead to it, and the installer leaves; it is interrupted, goes on, and goes without a trace.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
run() { printf '$ sovereign %s\n' "$*"; "$sovereign" "$@"; }

say "building the installer, and the agent that it brings to hosts"
cargo build --locked --bin sovereign
tests/agent.sh
tests/kubernetes.sh
sovereign=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/sovereign

place=$(mktemp -d)
export SOVEREIGN_STATE_DIR=$place/state
trap '"$sovereign" lab down >/dev/null 2>&1 || true; rm -rf "$place"' EXIT

say "a cloud of our own: the API answers as Hetzner's does, servers are real hosts, and beside it is a DNS with a customer's domain"
"$sovereign" lab up --dns --registrar cloudflare:acme.example+signed+mail --share target/kubernetes/share:/opt/test-kubernetes --detach --listen 127.0.0.1:0 --create-seconds 1
eval "$("$sovereign" lab env)"
# A stand-in with the command line and paths of k3s, over a real API server, a real etcd and a real Flux. With k3s, a kit and the
# kit's key a run goes as far as the hand-off.
export SOVEREIGN_K3S=target/kubernetes/k3s
export SOVEREIGN_KIT=$place/kit.tar SOVEREIGN_KIT_KEY=$place/cosign.pub SOVEREIGN_HELM=$PWD/target/kubernetes/share/bin/helm

say "the kit: twelve components and what they need, small charts in place of the true ones, packed and signed"
run kit pack --kit tests/kit --generate-key "$place" --out "$SOVEREIGN_KIT"
spec=$place/acme-prod.yaml
sed "s#\"PDNS_API_URL\"#$PDNS_API_URL#; s#\"PDNS_API_URL_2\"#$PDNS_API_URL_2#" tests/fixtures/demo.yaml >"$spec"

say "the plan: every resource, every price, every doubt, and how large the user data are, before anything is made"
run plan "$spec"

say "bringing it up, and pulling the plug in the middle of it"
"$sovereign" up "$spec" --yes &
installer=$!
until "$sovereign" status acme-prod --json 2>/dev/null | grep -q '"kind": "server"'; do
    kill -0 "$installer"
    sleep 0.5
done
kill -9 "$installer"
wait "$installer" 2>/dev/null || true
run status acme-prod

say "going on: nothing is made twice; hosts, cluster, kit and hand-off, each part by proof"
run up acme-prod --yes
run up acme-prod --yes

say "one of the hosts, seen from its own console: what it lets in, and what it serves to itself and its pods"
run lab host exec acme-prod-fsn-cp-1 -- nft list chain inet sovereign input
run lab host exec acme-prod-fsn-cp-1 -- curl -s --cacert /etc/sovereign-agent/registry/ca.pem https://169.254.20.20:5443/v2/sovereign/kit/tags/list

say "the cluster, which Flux reconciles and the installer has no way into any more"
run lab host exec acme-prod-fsn-cp-1 -- k3s kubectl get nodes
run lab host exec acme-prod-fsn-cp-1 -- k3s kubectl get kustomizations -n flux-system

say "what was proven, what was not, and the kubeconfig that only the operator opens"
run report acme-prod --out "$place/handed-over"
ls "$place/handed-over"
openssl dgst -sha256 -verify "$place/handed-over/cosign.pub" \
    -signature <(base64 -d "$place/handed-over/report.json.sig") "$place/handed-over/report.json"

say "its names, asked of the name server"
for name in prod.acme.example console.prod.acme.example anything.prod.acme.example; do
    printf '%-30s %s\n' "$name" "$(dig +short -p "${SOVEREIGN_LAB_DNS##*:}" @"${SOVEREIGN_LAB_DNS%:*}" "$name" A "$name" AAAA | tr '\n' ' ')"
done

say "the way to them from the root of the DNS, and the chain of trust; the zone above was changed through its host's API"
run dns check prod.acme.example
run lab registrar show

say "what the account holds, and whether anything in it is odd"
run list
run scan

say "caches may remember its names for an hour; here a second is enough"
run lab shorten prod.acme.example

say "removing it; the cluster has made a volume and a load balancer of its own meanwhile"
run lab inside acme-prod-fsn-net --volumes 3 --load-balancers 1
run destroy acme-prod --yes
run scan
say "nothing is left"
