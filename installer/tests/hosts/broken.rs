//! Parts of a kit that are broken on purpose: each is named with its cause and what to do, and a mended kit finishes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::{Bench, kill, parts};
use crate::cluster::{bench, built};
use crate::kit::{KIT, PACKED, PATIENCE, told};

const HOST: &str = "acme-broken-fsn-cp-1";
/// A program that never runs, a definition that nobody brings, and an object that needs it.
const BROKEN: [(&str, &str); 3] = [
    (
        "stuck",
        "about: a program whose image nobody has
namespace: stuck
dependsOn: [cilium]
timeout: 1m
manifests:
  common:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: { name: stuck, namespace: stuck }
      spec:
        selector: { matchLabels: { app: stuck } }
        template:
          metadata:
            labels: { app: stuck }
            annotations: { play.sovereign.dev/never-ready: ImagePullBackOff }
          spec: { containers: [{ name: stuck, image: 'docker.io/acme/stuck:1.0.0' }] }
proofs:
  - { proof: rollout, kind: Deployment, namespace: stuck, name: stuck }
",
    ),
    (
        "promised",
        "about: says that it brings a definition, and does not
namespace: promised
dependsOn: [cilium]
provides: [nobody.example]
manifests:
  common:
    - apiVersion: apps/v1
      kind: Deployment
      metadata: { name: promised, namespace: promised }
      spec:
        selector: { matchLabels: { app: promised } }
        template:
          metadata: { labels: { app: promised } }
          spec: { containers: [{ name: promised, image: 'docker.io/acme/promised:1.0.0' }] }
proofs:
  - { proof: rollout, kind: Deployment, namespace: promised, name: promised }
",
    ),
    (
        "lonely",
        "about: needs what was promised
namespace: lonely
dependsOn: [promised]
manifests:
  common:
    - apiVersion: nobody.example/v1
      kind: Thing
      metadata: { name: lonely, namespace: lonely }
proofs:
  - { proof: condition, apiVersion: nobody.example/v1, kind: Thing, namespace: lonely, name: lonely, type: Ready, status: 'True' }
",
    ),
];
/// What is told of each, and what to do about it.
const TOLD: [(&str, &[&str]); 5] = [
    (
        "component crossplane",
        &["OCIRepository flux-system/crossplane", "node registry"],
    ),
    (
        "component sealed-secrets",
        &["OCIRepository flux-system/sealed-secrets", "node registry"],
    ),
    ("component nats-jetstream", &["VerificationError", "--kit-key"]),
    (
        "component stuck",
        &["ImagePullBackOff", "nobody gives the node that image"],
    ),
    (
        "component lonely",
        &["no matches for kind \"Thing\"", "sovereign kit lint"],
    ),
];

/// The kit of the lab with what is broken in it, signed by the same key.
fn broken(folder: &Path) -> PathBuf {
    let kit = folder.join("kit");
    fs::create_dir_all(kit.join("components")).expect("a folder");
    let charts = built("charts").display().to_string();
    for from in ["kit.yaml", "components/flux.yaml"] {
        let text = fs::read_to_string(Path::new(KIT).join(from)).expect("the kit of the lab");
        let text = text.replace("../../target/kubernetes/charts", &charts);
        fs::write(kit.join(from), text).expect("it is written");
    }
    for (name, text) in BROKEN {
        fs::write(kit.join(format!("components/{name}.yaml")), text).expect("it is written");
    }
    let archive = folder.join("broken.tar");
    let ran = Command::new(env!("CARGO_BIN_EXE_sovereign"))
        .args(["kit", "pack", "--kit"])
        .arg(kit)
        .arg("--key")
        .arg(PACKED.key().with_file_name("cosign.key"))
        .arg("--out")
        .arg(&archive)
        .env("SOVEREIGN_HELM", built("share/bin/helm"))
        .output()
        .expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    archive
}

/// A file of an archive, as JSON.
fn file(archive: &Path, name: &str) -> Value {
    let ran = Command::new("tar")
        .args(["-xOf"])
        .arg(archive)
        .arg(name)
        .output()
        .expect("tar runs");
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

/// Digest of the manifest of a chart in an archive, or of its signature.
fn manifest(archive: &Path, chart: &str, is_signature: bool) -> String {
    let index = file(archive, "index.json");
    let entries = index["manifests"].as_array().expect("a list");
    let entry = entries.iter().find(|entry| {
        let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
        name.is_some_and(|name| {
            name.contains(&format!("charts/{chart}:")) && name.contains(":sha256-") == is_signature
        })
    });
    hex(&entry.expect("the chart is in the kit")["digest"])
}

fn hex(digest: &Value) -> String {
    let digest = digest.as_str().expect("a digest");
    digest.trim_start_matches("sha256:").to_owned()
}

/// Damages what the node's registry holds: a chart is gone, another is not what its digest says, a third one's signature is wrong.
fn damage(bench: &Bench, archive: &Path) {
    let blob = |digest: &str| format!("/var/lib/sovereign-registry/*/blobs/sha256/{digest}");
    let gone = manifest(archive, "crossplane", false);
    let changed = file(
        archive,
        &format!("blobs/sha256/{}", manifest(archive, "sealed-secrets", false)),
    );
    let changed = hex(&changed["layers"][0]["digest"]);
    let signature = manifest(archive, "nats-jetstream", true);
    let printed = bench.on(
        HOST,
        &format!(
            "set -e; rm {}; printf X | dd of=$(echo {}) bs=1 seek=100 conv=notrunc status=none; \
             sed -i 's,cosign/signature\":\"M,cosign/signature\":\"N,' {}; echo damaged",
            blob(&gone),
            blob(&changed),
            blob(&signature)
        ),
    );
    assert_eq!(printed.trim(), "damaged");
}

#[test]
fn what_is_broken_is_named_with_what_to_do_and_a_mended_kit_finishes() {
    let bench = bench();
    let folder = TempDir::new().expect("a folder");
    let archive = broken(folder.path());
    let spec = bench.spec("acme-broken", 1, 0);
    let up = ["up", &spec, "--yes", "--json"];
    let first = PACKED
        .until("kit", bench.sovereign(&up))
        .env("SOVEREIGN_KIT", &archive)
        .spawn();
    // The registry is whole when it begins, and broken before Flux asks it for charts.
    bench.until("acme-broken", PATIENCE, |status| {
        status["parts"].is_array() && parts(status, "kit").contains(&"seed cilium".to_owned())
    });
    damage(&bench, &archive);
    for (part, words) in TOLD {
        let seen = bench.until("acme-broken", PATIENCE, |status| {
            let told = told(status, "kit", part);
            words.iter().all(|word| told.replace('\\', "").contains(word))
        });
        println!("{}", told(&seen, "kit", part));
    }
    kill(first);
    // The older kit's own components go with it; what is served is the new kit, and whole.
    PACKED
        .until("kit", bench.sovereign(&["up", "acme-broken", "--yes", "--json"]))
        .success();
    let left = bench.on(HOST, "k3s kubectl -n flux-system get kustomizations -o name");
    for (name, _) in BROKEN {
        assert!(!left.contains(name), "{name} is left: {left}");
    }
    bench.destroy("acme-broken");
}
