#!/usr/bin/env bash
# Installs what the build, the tests and the demo need. Says what it does; does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

packages=(
    build-essential cmake pkg-config musl-tools gcc-aarch64-linux-gnu libc6-dev-arm64-cross python3 python3-venv curl ca-certificates
    # clients and servers that judge or play the other side
    hcloud-cli openssh-server openssh-client pdns-server pdns-backend-sqlite3 sqlite3 bind9 bind9-dnsutils
    skopeo nginx-light openssl age
    # clocks that are off
    faketime
    # what cloud-init needs to judge user data
    python3-configobj python3-jinja2 python3-jsonpatch python3-jsonschema python3-requests python3-yaml
    # the lab's hosts
    systemd-container mmdebstrap e2fsprogs nftables iproute2 haproxy qemu-system-x86 qemu-utils
)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Servers among them are started by the tests alone.
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
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

# The agent is one static binary, and stays one that can be built for the other architecture.
for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx "$target"; then
        say "installing the Rust target $target"
        rustup target add "$target"
    fi
done

# The control plane of test clusters is built from the Go module proxy; go.mod names the release, which an older Go fetches by itself.
if ! command -v go >/dev/null; then
    say "installing a Go toolchain"
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends -t "$release-backports" golang-go >/dev/null
fi

# An independent client of the cloud's API judges the lab.
venv=.cache/venv
if ! "$venv/bin/python" -c 'import hcloud, sys; sys.exit(hcloud.__version__ != "2.27.0")' 2>/dev/null; then
    say "installing the hcloud Python client into $venv"
    mkdir -p .cache
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check hcloud==2.27.0
fi

# cloud-init judges user data. It is unpacked and not installed: its units could act at this machine's next boot.
cloud_init=.cache/cloud-init
if [[ ! -x $cloud_init/cloud-init ]]; then
    say "unpacking cloud-init into $cloud_init"
    mkdir -p "$cloud_init"
    apt-get update -qq
    (cd "$cloud_init" && apt-get download -qq cloud-init && dpkg -x cloud-init_*.deb root && rm cloud-init_*.deb)
    cat >"$cloud_init/cloud-init" <<'EOF'
#!/bin/sh
PYTHONPATH=$(dirname "$0")/root/usr/lib/python3/dist-packages exec /usr/bin/python3 -m cloudinit.cmd.main "$@"
EOF
    chmod 0755 "$cloud_init/cloud-init"
fi
