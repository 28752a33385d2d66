#!/usr/bin/env bash
# Builds the agent that hosts get, one static binary, and puts it beside the installer's builds, where the installer looks for it; and
# with `--crash-points` one more, for the test that has it die at every one of them.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

target=x86_64-unknown-linux-musl
builds=${CARGO_TARGET_DIR:-target}
build() { cargo build --locked --package sovereign-agent --profile agent --target "$target" "$@" >&2; }
put() {
    mkdir -p "$builds/$1"
    install -m 0755 "$builds/$target/agent/sovereign-agent" "$builds/$1/.agent"
    mv "$builds/$1/.agent" "$builds/$1/$2"
}

if [[ ${1:-} == --crash-points ]]; then
    build --features crash-points
    put debug sovereign-agent-x86_64-crash-points
fi
build
for profile in debug release; do
    put "$profile" sovereign-agent-x86_64
done
