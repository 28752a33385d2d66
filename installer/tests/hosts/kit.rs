//! The kit goes into the cluster, Flux takes it over, and the Sovereign goes on by itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::{Bench, ends_well, kill, mortal_agent, parts};
use crate::cluster::{bench, built, kubectl, nodes};
use crate::harness::Run;
use crate::token;

/// The kit of this program, with small charts in the place of the true ones.
pub(crate) const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kit");
/// As long as the slowest machine may take for a kit, deaths included.
pub(crate) const PATIENCE: Duration = Duration::from_mins(12);
/// Most that the agent and a registry may hold in memory, in KiB.
const BUDGETS: [(&str, u64); 2] = [("sovereign-agent", 15 * 1024), ("sovereign-registry", 32 * 1024)];
/// Packed once for all tests; the folder goes with the process.
pub(crate) static PACKED: LazyLock<Packed> = LazyLock::new(|| Packed::of(Path::new(KIT)));

/// A kit in its archive, and the key that it is signed by.
pub(crate) struct Packed(TempDir);

impl Packed {
    /// Packs a kit, and makes a key for it.
    pub(crate) fn of(kit: &Path) -> Self {
        let packed = Self(tempfile::tempdir().expect("a folder"));
        let ran = Command::new(env!("CARGO_BIN_EXE_sovereign"))
            .args(["kit", "pack", "--kit"])
            .arg(kit)
            .arg("--generate-key")
            .arg(packed.0.path())
            .arg("--out")
            .arg(packed.archive())
            .env("SOVEREIGN_HELM", built("share/bin/helm"))
            .output()
            .expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        packed
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.0.path().join("kit.tar")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.path().join("cosign.pub")
    }

    /// A run with this kit that goes so far.
    pub(crate) fn until(&self, phase: &str, run: Run) -> Run {
        run.env("SOVEREIGN_UNTIL", phase)
            .env("SOVEREIGN_K3S", built("k3s"))
            .env("SOVEREIGN_KIT", self.archive())
            .env("SOVEREIGN_KIT_KEY", self.key())
    }
}

/// An operator with a key of his own.
struct Operator(TempDir);

impl Operator {
    fn new() -> Self {
        let operator = Self(tempfile::tempdir().expect("a folder"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f"])
            .arg(operator.key())
            .status();
        assert!(made.expect("ssh-keygen runs: install openssh-client").success());
        operator
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("id")
    }

    /// Writes himself into a spec.
    fn sign(&self, spec: &str) {
        let own = std::fs::read_to_string(self.0.path().join("id.pub")).expect("a public key");
        let text = std::fs::read_to_string(spec).expect("the spec");
        let lines = text.lines().map(|line| match line.find("sshKeys:") {
            Some(at) => format!("{}sshKeys: [{}]", &line[..at], own.trim()),
            None => line.to_owned(),
        });
        std::fs::write(spec, lines.collect::<Vec<_>>().join("\n")).expect("the spec is written");
    }

    /// Opens what was sealed to him.
    fn open(&self, sealed: &str) -> String {
        let file = self.0.path().join("sealed");
        std::fs::write(&file, sealed).expect("it is written");
        let ran = Command::new("age")
            .args(["-d", "-i"])
            .arg(self.key())
            .arg(&file)
            .output()
            .expect("age runs: install age");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("UTF-8")
    }
}

/// Waits until kubectl prints what is wanted.
pub(crate) fn until_kubectl(bench: &Bench, host: &str, args: &str, wanted: impl Fn(&str) -> bool) {
    let began = Instant::now();
    loop {
        let printed = kubectl(bench, host, args);
        if wanted(printed.trim()) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "`kubectl {args}` prints {printed}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What is told of a part of a step.
pub(crate) fn told(status: &Value, step: &str, part: &str) -> String {
    let steps = status["parts"].as_array().into_iter().flatten();
    let parts = steps.filter(|one| one["step"] == step);
    let parts = parts.flat_map(|step| step["parts"].as_array().into_iter().flatten());
    parts
        .filter(|one| one["name"] == part)
        .map(Value::to_string)
        .collect()
}

/// Parts at which the host loses its power.
const POWER: [&str; 3] = ["storage", "component keycloak", "steady"];

/// One server, called over SSH. The agent dies before and after everything that it does in the cluster, and whenever a part of the kit or
/// of the hand-off shows up that was not seen before, or the whole host does; the installer once in each.
#[test]
fn a_sovereign_is_handed_off_whoever_dies_and_goes_on_by_itself() {
    let bench = bench();
    let operator = Operator::new();
    let spec = bench.spec("acme-kit", 1, 0);
    operator.sign(&spec);
    token::keep_one(&spec);
    let host = "acme-kit-fsn-cp-1";
    let run = |args: &[&str]| {
        let run = bench.sovereign(args).env("SOVEREIGN_AGENT", mortal_agent());
        PACKED.until("hand-off", run)
    };
    let mut up = Some(run(&["up", &spec, "--yes", "--json"]).spawn());
    let (mut seen, mut deaths, mut told) = (BTreeSet::new(), 0, false);
    let mut peaks = [0; BUDGETS.len()];
    let state = bench.until("acme-kit", 2 * PATIENCE, |status| {
        told = told || bench.dies_everywhere(host);
        if !status["parts"].is_array() {
            return false;
        }
        let begun: BTreeSet<String> = ["kit", "hand_off"]
            .iter()
            .flat_map(|step| parts(status, step))
            .collect();
        let new: Vec<&String> = begun.difference(&seen).collect();
        if !new.is_empty() {
            // Of a life that ends here; the parts of the hand-off come once every component is proven.
            for (peak, (unit, _)) in peaks.iter_mut().zip(BUDGETS) {
                *peak = bench.peak(host, unit).max(*peak);
            }
        }
        if new.iter().any(|part| POWER.contains(&part.as_str())) {
            bench.reset(host);
        } else if !new.is_empty() {
            bench.on(host, "pkill -9 -x sovereign-agent");
        }
        seen.extend(begun);
        let due = match deaths {
            0 => seen.contains("component cert-manager"),
            1 => seen.contains("steady"),
            _ => false,
        };
        if due && let Some(life) = up.take() {
            deaths += 1;
            kill(life);
            up = Some(run(&["up", "acme-kit", "--yes", "--json"]).spawn());
        }
        status["state"] == "handed_off" || status["state"] == "failed"
    });
    assert_eq!(state["state"], "handed_off", "{state:#}");
    let said = ends_well(up.expect("the last life"));
    assert_eq!(deaths, 2);
    for part in [
        "seed cilium",
        "storage",
        "tree",
        "component catalyst-platform",
        "drift",
        "cloud token",
        "kubeconfig",
    ] {
        assert!(seen.contains(part), "no `{part}`: {seen:?}");
    }
    bench.died(host, &["cilium", "values", "tree", "join-token"]);
    for (peak, (unit, budget)) in peaks.iter().zip(BUDGETS) {
        assert!((1..budget).contains(peak), "{unit} held {peak} KiB");
    }
    reported(&bench, &operator);
    nothing_of_the_installer(&bench, host);
    token::is_in_the_cluster_alone(&bench, "acme-kit", host, &said);
    token::installers_is_asked_about(&bench, "acme-kit");

    // Nobody is there any more. Flux changes nothing that is as it was, and what is taken away comes back.
    reconciling_changes_nothing(&bench, host);
    kubectl(&bench, host, "-n gitea delete service gitea-http --wait=false");
    kubectl(&bench, host, "-n flux-system delete ocirepository nats-jetstream");
    for kept in [
        "-n flux-system get ocirepository nats-jetstream -o name",
        "-n gitea get service gitea-http -o name",
    ] {
        until_kubectl(&bench, host, kept, |printed| {
            printed.ends_with("/nats-jetstream") || printed.ends_with("/gitea-http")
        });
    }

    // It is done, and nothing is begun again.
    let again = run(&["up", "acme-kit", "--yes", "--json"]).success();
    let summary = again.json_lines().pop().expect("a summary");
    assert_eq!(summary["summary"]["unchanged"], true, "{summary:#}");
    bench.make_inside("acme-kit");
    bench.destroy("acme-kit");
}

/// Asked to reconcile everything, Flux writes no object of the kinds whose version its writes alone move. It is asked under the name that
/// its documentation gives: what any other kubectl writes, the layer above takes away again, perhaps before it was read.
fn reconciling_changes_nothing(bench: &Bench, host: &str) {
    let versions = || {
        let kinds = "configmaps,services,serviceaccounts,namespaces,clusterroles,clusterrolebindings";
        let columns =
            "KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,VERSION:.metadata.resourceVersion";
        kubectl(
            bench,
            host,
            &format!(
                "get {kinds} -A -l kustomize.toolkit.fluxcd.io/name --no-headers -o custom-columns={columns}"
            ),
        )
    };
    let before = versions();
    assert!(before.lines().count() > 12, "{before}");
    kubectl(
        bench,
        host,
        "-n flux-system annotate --field-manager=flux-client-side-apply --overwrite kustomization --all \
         reconcile.fluxcd.io/requestedAt=afterwards",
    );
    let handled =
        "-n flux-system get kustomization --no-headers -o custom-columns=AT:.status.lastHandledReconcileAt";
    until_kubectl(bench, host, handled, |printed| {
        printed.lines().all(|at| at == "afterwards")
    });
    assert_eq!(versions(), before);
}

/// The report says what was proven and what was not, and the kubeconfig is the operator's alone.
fn reported(bench: &Bench, operator: &Operator) {
    let report = bench.sovereign(&["report", "acme-kit"]).success().json();
    let proofs = report["proofs"].to_string();
    for proof in [
        "0 of",
        "came back",
        "is refused",
        "refuses the installer's key",
        "Secret kube-system/hcloud",
        "the same servers as the installer's: 1 of 1",
        "it lets go of the host",
        "secure; ",
    ] {
        assert!(proofs.contains(proof), "no `{proof}` in {proofs}");
    }
    let not_proven = report["notProven"].to_string();
    assert!(
        not_proven.contains("backups") && !not_proven.contains("delegation"),
        "{not_proven}"
    );
    let sealed = bench.sovereign(&["kubeconfig", "acme-kit"]).success().stdout;
    assert!(!sealed.contains("client-key-data"));
    let opened = operator.open(&sealed);
    assert!(opened.contains("client-key-data"));
    let kubeconfig = bench.place.file("kubeconfig", &opened);
    let nodes = Command::new(built("share/bin/kubectl"))
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["get", "nodes", "-o", "name"])
        .output()
        .expect("kubectl runs");
    let said = String::from_utf8_lossy(&nodes.stdout);
    assert_eq!(said.trim(), "node/acme-kit-fsn-cp-1", "{nodes:?}");
}

/// No key, no token and no daemon of the installer, on the host or with the installer.
fn nothing_of_the_installer(bench: &Bench, host: &str) {
    // An agent that was killed at its last word goes on leaving by itself. Of keys there is one between two marks: the operator's.
    let look = "ls /etc/sovereign /etc/sovereign-agent/config.json /var/lib/sovereign-agent/*.pem 2>/dev/null; \
                systemctl is-active sovereign-agent; grep -c . /root/.ssh/authorized_keys; systemctl is-active sovereign-registry k3s";
    let began = Instant::now();
    loop {
        let left = bench.on(host, look);
        let left: Vec<&str> = left.split_whitespace().collect();
        // An agent that was killed when systemd had forgotten its unit already has ended as "failed".
        if let ["inactive" | "failed", rest @ ..] = left.as_slice()
            && rest == ["3", "active", "active"]
        {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{left:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let token = bench.on(host, "cat /etc/rancher/k3s/token");
    let store = std::fs::read(bench.place.state().join("journal.db")).expect("the journal is there");
    let token = token.trim().as_bytes();
    assert!(!store.windows(token.len()).any(|window| window == token));
    let names = Command::new("sqlite3")
        .arg(bench.place.state().join("journal.db"))
        .arg("SELECT name FROM sealed WHERE name LIKE '%acme-kit%'")
        .output()
        .expect("sqlite3 runs: install sqlite3");
    assert_eq!(String::from_utf8_lossy(&names.stdout).trim(), "");
}

/// Three servers and two agents that call, and the kit in its profile for them: one is lost while the kit comes and named until it is back, every one of them is let go,
/// and the loss of another is survived without the installer.
#[test]
fn five_hosts_are_handed_off_though_one_is_lost_before_and_one_afterwards() {
    let bench = bench();
    let spec = bench.spec("acme-five", 3, 2);
    let [first, second, third] = [1, 2, 3].map(|number| format!("acme-five-fsn-cp-{number}"));
    let (first, second) = (first.as_str(), second.as_str());
    let up = PACKED
        .until("hand-off", bench.called(&["up", &spec, "--yes", "--json"]))
        .spawn();
    let kit = |status: &Value| told(status, "kit", "nodes");
    bench.until("acme-five", PATIENCE, |status| {
        !told(status, "kit", "tree").is_empty()
    });
    bench.sovereign(&["lab", "host", "kill", &third]).success();
    let lost = bench.until("acme-five", PATIENCE, |status| kit(status).contains("is lost"));
    assert!(
        kit(&lost).contains(&third) && kit(&lost).contains("console"),
        "{}",
        kit(&lost)
    );
    bench.reset(&third);
    ends_well(up);
    assert_eq!(bench.status("acme-five")["state"], "handed_off");
    assert_eq!(nodes(&bench, second).len(), 5);
    // Flux looks again now and then, and whoever waits for one of those that it looks at is not ready meanwhile.
    let all = "-n flux-system get kustomizations --no-headers";
    until_kubectl(&bench, second, all, |ready| {
        ready.lines().count() > 12 && !ready.contains("False") && !ready.contains("Unknown")
    });
    bench.sovereign(&["lab", "host", "kill", first]).success();
    until_kubectl(
        &bench,
        second,
        "--request-timeout=10s -n flux-system get kustomization sovereign -o name",
        |printed| printed.ends_with("/sovereign"),
    );
    // No API answers any more; what the cluster made is cleared away all the same.
    bench.make_inside("acme-five");
    for host in [second, &third] {
        bench.sovereign(&["lab", "host", "kill", host]).success();
    }
    bench.destroy("acme-five");
}

/// What keeps the kit back is named within a look or two, with what to do, and gone on with once it is mended.
#[test]
fn a_cluster_without_storage_is_named_and_gone_on_with_once_it_has_some() {
    let bench = bench();
    let spec = bench.spec("acme-bare", 1, 0);
    let host = "acme-bare-fsn-cp-1";
    PACKED
        .until("cluster", bench.sovereign(&["up", &spec, "--yes", "--json"]))
        .success();
    // k3s brings it a moment after its API answers.
    until_kubectl(&bench, host, "get storageclass -o name", |printed| {
        printed.ends_with("/local-path")
    });
    // As it was, without what the cluster itself wrote into it.
    let own = "uid:|resourceVersion:|creationTimestamp:";
    bench.on(
        host,
        &format!("k3s kubectl get storageclass local-path -o yaml | grep -vE '{own}' > /tmp/class.yaml"),
    );
    // k3s would bring it back at its next look at the folder.
    bench.on(
        host,
        "touch /var/lib/rancher/k3s/server/manifests/local-storage.yaml.skip",
    );
    kubectl(&bench, host, "delete storageclass local-path");
    until_kubectl(&bench, host, "get storageclass -o name", str::is_empty);
    let up = PACKED
        .until("kit", bench.sovereign(&["up", "acme-bare", "--yes", "--json"]))
        .spawn();
    bench.until("acme-bare", PATIENCE, |status| {
        let storage = told(status, "kit", "storage");
        storage.contains("\"failed\"") && storage.contains("there is no default StorageClass")
    });
    kubectl(&bench, host, "create -f /tmp/class.yaml");
    ends_well(up);
    bench.destroy("acme-bare");
}

/// A kit that another key signed never comes near a cluster.
#[test]
fn a_kit_by_a_stranger_is_refused_before_anything_is_planned() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-alien", 1, 0);
    let stranger = Packed::of(Path::new(KIT));
    let run = PACKED.until("kit", bench.sovereign(&["up", &spec, "--yes"]));
    let ended = run.env("SOVEREIGN_KIT_KEY", stranger.key()).ends();
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("cannot be used") && ended.stderr.contains("hint:"),
        "{}",
        ended.stderr
    );
    assert_eq!(bench.held("servers"), 0);
}
