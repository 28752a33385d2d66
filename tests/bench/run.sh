#!/usr/bin/env bash
# Every speed and size claim as one JSON object a line: name, value, unit, against, budget. Progress goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

cargo build --locked --release --bin sovereign >&2
# Its crash points tell every write of the journal; the tests build the same.
cargo build --locked --workspace --all-features >&2
tests/agent.sh
tests/kubernetes.sh >&2
cargo build --locked --release --package sovereign-remote --all-features --example crowd >&2
cargo build --locked --release --package sovereign-dns --example probe_figures >&2
cargo build --locked --package sovereign-images --features certificate,registry --example serve_blobs \
    --profile agent --target x86_64-unknown-linux-musl >&2
exec .cache/venv/bin/python tests/bench/figures.py target/release/sovereign target/debug/sovereign "$@"
