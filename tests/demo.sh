#!/usr/bin/env bash
# The main job on this machine: a spec becomes a Sovereign in a lab cloud, is interrupted, goes on, and goes without a trace.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
run() { printf '$ sovereign %s\n' "$*"; "$sovereign" "$@"; }

say "building the installer"
cargo build --locked --bin sovereign
sovereign=$PWD/target/debug/sovereign

place=$(mktemp -d)
export SOVEREIGN_STATE_DIR=$place/state
trap '"$sovereign" lab down >/dev/null 2>&1 || true; rm -rf "$place"' EXIT

say "a cloud of our own: the lab answers as the Hetzner API does"
"$sovereign" lab up --api-only --detach --listen 127.0.0.1:0 --create-seconds 3
eval "$("$sovereign" lab env)"

say "the plan: every resource, every price, every doubt, before anything is made"
run plan examples/ha.yaml

say "bringing it up, and pulling the plug in the middle of it"
"$sovereign" up examples/ha.yaml --yes &
installer=$!
sleep 2
kill -9 "$installer"
wait "$installer" 2>/dev/null || true
run status acme-prod

say "going on: nothing is made twice"
run up acme-prod --yes
run up acme-prod --yes

say "what the account holds, and whether anything in it is odd"
run list
run scan

say "removing it; the cluster has made a volume and a load balancer of its own meanwhile"
run lab inside acme-prod-fsn-net --volumes 3 --load-balancers 1
run destroy acme-prod --yes
run scan
say "nothing is left"
