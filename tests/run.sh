#!/usr/bin/env bash
# Everything that must hold: format, lints, and every test of every crate. Ends with one line of totals. A fault of form
# counts as one that failed and keeps nothing from being tested; what cannot be built ends the run.
set -uo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
command -v cargo >/dev/null || . "$HOME/.cargo/env"

export SOVEREIGN_TEST_PYTHON="$PWD/.cache/venv/bin/python"
# Lints and tests build the same workspace with the same features, so that nothing is compiled twice for one purpose.
features=(--workspace --all-features)

say() { printf '==> %s\n' "$*"; }
faults=0
fault() { printf '==> failed: %s\n' "$*"; faults=$((faults + 1)); }
fail() { fault "$@"; printf '0 passed, %d failed\n' "$faults"; exit 1; }

say "format"
cargo fmt --all --check || fault "format: run 'make fmt'"
say "the test distribution of Kubernetes is built meanwhile"
distribution=$(mktemp)
nice tests/kubernetes.sh >"$distribution" 2>&1 &
building=$!
trap 'kill "$building" 2>/dev/null; rm -f "$distribution"' EXIT
say "lints"
cargo clippy "${features[@]}" --all-targets --locked -- -D warnings || fault "lints"
say "documentation"
RUSTDOCFLAGS='-D warnings' cargo doc "${features[@]}" --no-deps --locked --quiet || fault "documentation"
say "build"
# What tests need beside the crates themselves may turn on more features of them: one build, the one that tests run.
cargo test "${features[@]}" --locked --no-run || fail "build"
say "the agent that hosts get"
tests/agent.sh --crash-points || fail "agent"
say "the agent on aarch64"
CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc \
    cargo check --locked --package sovereign-agent --target aarch64-unknown-linux-musl --quiet || fault "agent on aarch64"
say "the test distribution of Kubernetes"
wait "$building" || { cat "$distribution"; fail "test distribution of Kubernetes"; }
say "tests"
log=$(mktemp)
trap 'rm -f "$log" "$distribution"' EXIT
cargo test "${features[@]}" --locked --no-fail-fast 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

read -r passed failed ignored < <(awk '
    /^test result:/ { passed += $4; failed += $6; ignored += $8 }
    END { print passed + 0, failed + 0, ignored + 0 }' "$log")
if ((status != 0 && failed == 0)); then failed=1; fi
failed=$((failed + faults))
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$ignored"
exit $((failed > 0))
