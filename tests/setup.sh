#!/usr/bin/env bash
# Installs what the build, the tests and the demo need. Says what it does; does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

packages=(build-essential cmake pkg-config python3 python3-venv curl ca-certificates hcloud-cli)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null && [[ -f $HOME/.cargo/env ]]; then
    # shellcheck disable=SC1091
    . "$HOME/.cargo/env"
fi
if ! command -v cargo >/dev/null; then
    say "installing the stable Rust toolchain"
    curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt
fi

# An independent client of the cloud's API judges the lab.
venv=.cache/venv
if ! "$venv/bin/python" -c 'import hcloud, sys; sys.exit(hcloud.__version__ != "2.27.0")' 2>/dev/null; then
    say "installing the hcloud Python client into $venv"
    mkdir -p .cache
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check hcloud==2.27.0
fi
