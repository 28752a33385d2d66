//! Hosts become nodes of one cluster, with a real API server and a real etcd behind the stand-in for k3s.

use std::path::PathBuf;
use std::time::Duration;

use crate::bench::{Bench, ends_well, kill, parts};
use crate::harness::Run;
use crate::kit::until_kubectl;

/// What `tests/kubernetes.sh` builds.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/kubernetes")).join(name);
    assert!(path.exists(), "no {}: run `tests/kubernetes.sh`", path.display());
    path
}

pub(crate) fn bench() -> Bench {
    let share = format!("{}:/opt/test-kubernetes", built("share").display());
    Bench::start(&["--share", &share])
}

/// A run that goes as far as the cluster.
pub(crate) fn to_the_cluster(bench: &Bench, run: Run) -> Run {
    run.env("SOVEREIGN_UNTIL", "cluster")
        .env("SOVEREIGN_K3S", built("k3s"))
        .env("SOVEREIGN_KIT", bench.place.kit(0))
}

/// What kubectl prints on a server.
pub(crate) fn kubectl(bench: &Bench, host: &str, args: &str) -> String {
    bench.on(host, &format!("k3s kubectl {args}"))
}

/// Names of the nodes, in order.
pub(crate) fn nodes(bench: &Bench, host: &str) -> Vec<String> {
    let names = kubectl(bench, host, "get nodes -o name");
    let mut names: Vec<String> = names.lines().map(|line| line.replace("node/", "")).collect();
    names.sort();
    names
}

const ONE: &str = "acme-one-fsn-cp-1";

#[test]
fn one_server_makes_a_cluster_and_again_changes_nothing() {
    let bench = bench();
    let spec = bench.spec("acme-one", 1, 0);
    to_the_cluster(&bench, bench.sovereign(&["up", &spec, "--yes", "--json"])).success();
    assert_eq!(nodes(&bench, ONE), [ONE]);
    let status = bench.status("acme-one");
    assert_eq!(
        parts(&status, &format!("k3s/{ONE}")),
        ["k3s binary", "k3s configuration", "k3s unit", "k3s runs"]
    );
    // containerd fetches from the node's own registry, which was there before k3s.
    let registries = bench.on(ONE, "cat /etc/rancher/k3s/registries.yaml");
    assert!(registries.contains("https://169.254.20.20:5443"), "{registries}");
    // Secrets are encrypted in etcd, and the token is where k3s reads it and nowhere else.
    let token = bench.on(ONE, "cat /etc/rancher/k3s/token");
    let token = token.trim();
    assert_eq!(token.len(), 64, "256 bits in hex");
    let known = bench.on(
        ONE,
        &format!("grep -rlF {token} /etc /var/log /run /var/lib/cloud 2>/dev/null; true"),
    );
    assert_eq!(known.trim(), "/etc/rancher/k3s/token");
    let told = bench.sovereign(&["logs", "acme-one", "--json"]).success().stdout;
    assert!(!told.contains(token), "the journal has the token");

    let started = bench.on(ONE, "systemctl show -p ExecMainStartTimestampMonotonic k3s");
    to_the_cluster(&bench, bench.sovereign(&["up", "acme-one", "--yes", "--json"])).success();
    assert_eq!(
        bench.on(ONE, "systemctl show -p ExecMainStartTimestampMonotonic k3s"),
        started
    );
    bench.destroy("acme-one");
}

/// Three servers and two agents over HTTPS; the installer dies on the way, and one server is lost afterwards.
#[test]
fn servers_and_agents_join_and_the_loss_of_one_is_survived() {
    let bench = bench();
    let spec = bench.spec("acme-ha", 3, 2);
    let up = to_the_cluster(&bench, bench.called(&["up", &spec, "--yes", "--json"])).spawn();
    bench.until("acme-ha", Duration::from_mins(10), |status| {
        status.to_string().contains("k3s binary")
    });
    kill(up);
    to_the_cluster(&bench, bench.called(&["up", "acme-ha", "--yes", "--json"])).success();
    let all = ["cp-1", "cp-2", "cp-3", "general-1", "general-2"].map(|host| format!("acme-ha-fsn-{host}"));
    assert_eq!(nodes(&bench, &all[0]), all);
    // Exactly one made the cluster.
    let inits = all.iter().filter(|host| {
        bench
            .on(host, "grep -c cluster-init /etc/rancher/k3s/config.yaml")
            .trim()
            == "1"
    });
    assert_eq!(inits.count(), 1);

    let make = "create configmap kept --from-literal=a=b -o name";
    until_kubectl(&bench, &all[0], make, |printed| printed.ends_with("/kept"));
    bench.sovereign(&["lab", "host", "kill", &all[0]]).success();
    // The others elect a leader first.
    let kept = "--request-timeout=30s get configmap kept -o jsonpath={.data.a}";
    until_kubectl(&bench, &all[1], kept, |printed| printed == "b");
    bench.destroy("acme-ha");
}

/// What does not start is said in k3s' own words, and goes on once it is mended.
#[test]
fn a_k3s_that_does_not_start_is_named_in_its_own_words() {
    let bench = bench();
    let spec = bench.spec("acme-bad", 1, 0);
    bench.called(&["up", &spec, "--yes", "--json"]).success();
    let host = "acme-bad-fsn-cp-1";
    bench.on(host, "mkdir -p /etc/systemd/system/k3s.service.d && printf '[Service]\\nEnvironment=PATH=/nowhere\\nExecStartPre=/bin/false\\n' > /etc/systemd/system/k3s.service.d/bad.conf");
    let up = to_the_cluster(&bench, bench.called(&["up", "acme-bad", "--yes", "--json"])).spawn();
    let told = bench.until("acme-bad", Duration::from_mins(10), |status| {
        status.to_string().contains("died 2 times")
    });
    assert!(told.to_string().contains("k3s"), "{told}");
    bench.on(
        host,
        "rm -r /etc/systemd/system/k3s.service.d && systemctl daemon-reload",
    );
    ends_well(up);
    bench.destroy("acme-bad");
}
