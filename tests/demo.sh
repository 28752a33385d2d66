#!/usr/bin/env bash
# The main job on this machine: a spec becomes servers in a lab cloud, the servers become hosts that answer and nodes of a
# cluster, the Sovereign's names lead to it; it is interrupted, goes on, and goes without a trace.
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
sovereign=$PWD/target/debug/sovereign

place=$(mktemp -d)
export SOVEREIGN_STATE_DIR=$place/state
trap '"$sovereign" lab down >/dev/null 2>&1 || true; rm -rf "$place"' EXIT

say "a cloud of our own: the API answers as Hetzner's does, servers are real hosts, and a PowerDNS answers beside it"
"$sovereign" lab up --dns --share target/kubernetes/share:/opt/test-kubernetes --detach --listen 127.0.0.1:0 --create-seconds 1
eval "$("$sovereign" lab env)"
# A stand-in with the command line and paths of k3s, over a real API server and a real etcd.
export SOVEREIGN_UNTIL=cluster SOVEREIGN_K3S=target/kubernetes/k3s
spec=$place/acme-prod.yaml
sed "s#PDNS_API_URL#$PDNS_API_URL#" tests/fixtures/demo.yaml >"$spec"

say "the plan: every resource, every price, every doubt, and how large the user data are, before anything is made"
run plan "$spec"

say "bringing it up, and pulling the plug in the middle of it"
"$sovereign" up "$spec" --yes &
installer=$!
sleep 4
kill -9 "$installer"
wait "$installer" 2>/dev/null || true
run status acme-prod

say "going on: nothing is made twice; every host is told what it is to be, and says when it is"
run up acme-prod --yes
run up acme-prod --yes

say "one of the hosts, seen from its own console"
run lab host exec acme-prod-fsn-cp-1 -- sovereign-agent status
run lab host exec acme-prod-fsn-cp-1 -- nft list chain inet sovereign input

say "the cluster, seen from it: nodes wait for a network for pods"
run lab host exec acme-prod-fsn-cp-1 -- k3s kubectl get nodes -o wide

say "its names, asked of the name server"
for name in prod.acme.example console.prod.acme.example anything.prod.acme.example; do
    printf '%-30s %s\n' "$name" "$(dig +short -p "${SOVEREIGN_LAB_DNS##*:}" @"${SOVEREIGN_LAB_DNS%:*}" "$name" A "$name" AAAA | tr '\n' ' ')"
done

say "what the account holds, and whether anything in it is odd"
run list
run scan

say "removing it; the cluster has made a volume and a load balancer of its own meanwhile"
run lab inside acme-prod-fsn-net --volumes 3 --load-balancers 1
run destroy acme-prod --yes
run scan
say "nothing is left"
