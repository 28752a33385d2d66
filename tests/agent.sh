#!/usr/bin/env bash
# Builds the agent that hosts get, one static binary, and puts it beside the installer's builds, where the installer looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

target=x86_64-unknown-linux-musl
builds=${CARGO_TARGET_DIR:-target}
cargo build --locked --package sovereign-agent --profile agent --target "$target" >&2
for build in debug release; do
    mkdir -p "$builds/$build"
    install -m 0755 "$builds/$target/agent/sovereign-agent" "$builds/$build/.agent"
    mv "$builds/$build/.agent" "$builds/$build/sovereign-agent-x86_64"
done
