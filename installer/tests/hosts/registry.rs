//! A host serves the kit to itself, whatever dies.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::{Bench, kill, parts};
use crate::harness::Run;

/// More than is handed over at once, so that the agent can die in the middle.
const NOISE: usize = 24 * 1024 * 1024;
/// Longest wait for something on a host.
const PATIENCE: Duration = Duration::from_mins(1);
/// As containerd asks: by the Sovereign's CA alone.
const ASK: &str = "curl -sf --cacert /etc/sovereign-agent/registry/ca.pem https://169.254.20.20:5443/v2";

/// A run that hands over a kit, and then a program that is no k3s: it comes as far as the registry.
fn to_the_registry(run: Run, kit: &Path) -> Run {
    run.env("SOVEREIGN_UNTIL", "cluster")
        .env("SOVEREIGN_K3S", "/bin/true")
        .env("SOVEREIGN_KIT", kit)
}

/// What is told of the registry's parts.
fn told(status: &Value, host: &str) -> String {
    let steps = status["parts"].as_array().into_iter().flatten();
    let step = steps.filter(|parts| parts["step"] == format!("registry/{host}"));
    step.map(|step| step["parts"].to_string()).collect()
}

/// The step is done: the agent has seen the registry serve.
fn is_served(status: &Value, host: &str) -> bool {
    status["parts"].is_array() && told(status, host).contains("serves at 169.254.20.20:5443")
}

/// Waits until a command on a host prints what is wanted: a registry that was killed is back in a second.
fn until_on(bench: &Bench, host: &str, command: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let began = Instant::now();
    loop {
        let printed = bench.on(host, command);
        if is_wanted(printed.trim()) {
            return printed;
        }
        assert!(began.elapsed() < PATIENCE, "`{command}` prints {printed}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Digest of the large blob, from the kit's own manifest as the host serves it.
fn large_blob(bench: &Bench, host: &str) -> String {
    let ask = format!("{ASK}/kit/manifests/1.0.0");
    let manifest = until_on(bench, host, &ask, |printed| !printed.is_empty());
    let manifest: Value = serde_json::from_str(&manifest).expect("a manifest");
    let digest = manifest["layers"][0]["digest"].as_str().expect("a digest");
    digest.trim_start_matches("sha256:").to_owned()
}

#[test]
fn a_host_serves_the_kit_through_deaths_and_a_reboot_and_is_left_without_a_trace() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-serve", 1, 0);
    let host = "acme-serve-fsn-cp-1";
    let kit = bench.place.kit(NOISE);
    let traces = "ls -d /var/lib/sovereign* /etc/sovereign* /etc/systemd/system/sovereign* 2>/dev/null; ip -4 -o address show dev lo";
    let up = to_the_registry(bench.called(&["up", &spec, "--yes", "--json"]), &kit).spawn();
    // Whenever a part begins that was not seen before, the agent is killed, and the registry with it.
    let mut seen = BTreeSet::new();
    bench.until("acme-serve", Duration::from_mins(4), |status| {
        if !status["parts"].is_array() {
            return false;
        }
        let begun: BTreeSet<String> = parts(status, &format!("registry/{host}")).into_iter().collect();
        if begun.difference(&seen).next().is_some() {
            bench.on(host, "pkill -9 -x sovereign-agent");
            seen.extend(begun);
            return false;
        }
        is_served(status, host)
    });
    assert!(seen.contains("registry archive"), "{seen:?}");
    // The installer is gone: from here on the host is on its own.
    kill(up);

    let blob = large_blob(&bench, host);
    let sum = format!("{ASK}/kit/blobs/sha256:{blob} | sha256sum | cut -d' ' -f1");
    // The last kill may have hit the registry, too.
    until_on(&bench, host, &sum, |printed| printed == blob);
    let unit = "sovereign-registry";
    let pid = bench.on(host, &format!("systemctl show -p MainPID --value {unit}"));
    let pid = pid.trim();
    let resident = bench.on(host, &format!("awk '/^VmRSS/ {{print $2}}' /proc/{pid}/status"));
    let resident: u64 = resident.trim().parse().expect("KiB");
    assert!(resident < 32 * 1024, "{resident} KiB");
    // Who serves is nobody: it may not even read its own key where it lies.
    let user = bench.on(host, &format!("stat -c %u /proc/{pid}"));
    assert!(user.trim().parse::<u32>().expect("a user") > 60_000, "{user}");
    let modes = bench.on(host, "stat -c '%a %U' /etc/sovereign-agent/registry/server.pem");
    assert_eq!(modes.trim(), "600 root");
    let stranger = bench.on(
        host,
        "curl -s https://169.254.20.20:5443/v2/ >/dev/null 2>&1; echo $?",
    );
    assert_eq!(stranger.trim(), "60", "nobody else's CA will do");

    bench.on(host, "pkill -9 -x sovereign-agent");
    until_on(&bench, host, &sum, |printed| printed == blob);
    bench.reset(host);
    until_on(&bench, host, &sum, |printed| printed == blob);
    let status = bench.on(host, "sovereign-agent status");
    assert!(
        status.contains("registry serves what it is to serve at 169.254.20.20:5443, active"),
        "{status}"
    );

    bench.on(host, "sovereign-agent uninstall");
    let left = bench.on(host, traces);
    assert!(
        !left.contains("sovereign") && !left.contains("169.254.20.20"),
        "{left}"
    );
    bench.destroy("acme-serve");
}

/// The kit that is handed over is not the one of the plan: both digests are told, and the right one goes on.
#[test]
fn a_kit_that_changed_behind_the_plan_is_named_and_the_right_one_goes_on() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-wrong", 1, 0);
    let host = "acme-wrong-fsn-cp-1";
    let kit = bench.place.kit(NOISE);
    let size = fs::metadata(&kit).expect("the kit is there").len();
    let flip = || {
        let file = File::options()
            .read(true)
            .write(true)
            .open(&kit)
            .expect("the kit is there");
        let mut byte = [0];
        file.read_exact_at(&mut byte, size / 2).expect("a byte");
        file.write_all_at(&[!byte[0]], size / 2).expect("a byte");
    };
    let up = to_the_registry(bench.called(&["up", &spec, "--yes", "--json"]), &kit).spawn();
    bench.until("acme-wrong", Duration::from_mins(2), |status| {
        status["parts"].is_array()
    });
    flip();
    let status = bench.until("acme-wrong", Duration::from_mins(3), |status| {
        told(status, host).contains("came with the SHA-256")
    });
    assert!(told(&status, host).contains("instead of"), "{status:#}");
    flip();
    bench.until("acme-wrong", Duration::from_mins(2), |status| {
        is_served(status, host)
    });
    kill(up);
    bench.destroy("acme-wrong");
}
