//! `sovereign kit`: the kit in the program, an operator's own, and one packed from charts in folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use sovereign_images::certificate::{authority, issue};
use sovereign_images::kit::PackedKit;
use sovereign_images::signature::PublicKey;
use sovereign_images::{Layout, artifact, registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::{Place, Run};

const KIT: &str = "
name: own
version: 1.0.0
k3s: v1.35.7+k3s1
variables: {SOVEREIGN_FQDN: its domain name}
";
const SEED: &str = "
about: the ground
namespace: ground
seed: true
prune: false
chart: {path: ../chart}
values: {common: {host: \"a.${SOVEREIGN_FQDN}\"}}
proofs: [{proof: rollout, kind: Deployment, namespace: ground, name: demo}]
";
const RELEASE: &str = "
about: what stands on it
namespace: house
dependsOn: [ground]
chart: {path: ../chart}
proofs: [{proof: rollout, kind: Deployment, namespace: house, name: demo}]
";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo}
spec: {template: {spec: {containers: [{name: a, image: \"demo.example/a:1.0\", args: [\"${HOME}\"]}]}}}
";
/// A helm that knows one chart: it shows that it was asked for the right thing, and the program's own part is tested.
const HELM: &str = r#"#!/bin/sh
set -e
[ "$1" = template ] && [ -s "${10}" ] || { echo "unexpected: $*" >&2; exit 1; }
tar -xzOf "${10}" demo/templates/a.yaml
"#;

/// A place with a kit of its own, a chart, and a helm.
fn bench() -> Place {
    let place = Place::new();
    for folder in ["kit/components", "chart/templates"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    place.file("kit/kit.yaml", KIT);
    place.file("kit/components/ground.yaml", SEED);
    place.file("kit/components/house.yaml", RELEASE);
    place.file("chart/Chart.yaml", "name: demo\nversion: 1.2.3\n");
    place.file("chart/templates/a.yaml", DEPLOYMENT);
    let helm = place.file("helm", HELM);
    fs::set_permissions(helm, fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn kit(place: &Place, args: &[&str]) -> Run {
    let run = place.sovereign(["kit"].iter().chain(args));
    run.env("SOVEREIGN_HELM", place.path().join("helm").to_str().unwrap())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_kit_in_the_program_is_shown_and_has_no_error() {
    let place = Place::new();
    let shown = place.sovereign(["kit", "show"]).success().stdout;
    assert!(shown.starts_with("COMPONENT"), "{shown}");
    let manifest: Value =
        serde_json::from_str(&place.sovereign(["kit", "show", "--json"]).success().stdout).unwrap();
    assert_eq!(manifest["seeds"][0]["name"], "gateway-api-crds");
    assert_eq!(manifest["components"][0]["namespace"], "kube-system");
    let checked = place.sovereign(["kit", "lint"]).success().stdout;
    assert!(
        checked.contains("not pinned by a digest") && checked.contains("no error"),
        "{checked}"
    );
    for file in ["kit", "component", "manifest"] {
        let schema = place.sovereign(["kit", "schema", file]).success().stdout;
        assert!(serde_json::from_str::<Value>(&schema).unwrap()["properties"].is_object());
    }
}

#[test]
fn a_kit_is_packed_to_the_same_bytes_and_read_back() {
    let place = bench();
    let args = [
        "pack",
        "--kit",
        "kit",
        "--out",
        "kit.tar",
        "--generate-key",
        "keys",
        "--json",
    ];
    let packed: Value = serde_json::from_str(&kit(&place, &args).success().stdout).unwrap();
    kit(
        &place,
        &[
            "pack",
            "--kit",
            "kit",
            "--out",
            "again.tar",
            "--key",
            "keys/cosign.key",
        ],
    )
    .success();
    let (one, again) = (place.path().join("kit.tar"), place.path().join("again.tar"));
    assert_eq!(fs::read(&one).unwrap(), fs::read(again).unwrap());
    let read_back = PackedKit::open(&one, &place.path().join("layout")).unwrap();
    assert_eq!(packed["digest"], read_back.digest().to_string());
    assert_eq!(
        packed["charts"][1]["digest"],
        read_back.manifest().components[1].chart.clone().unwrap()
    );
    let key = PublicKey::from_pem(&read(&place.path().join("keys/cosign.pub"))).unwrap();
    read_back.verify(&key).unwrap();
    let seed = read_back.file("components/ground/solo/objects.yaml").unwrap();
    assert!(
        seed.contains("$${HOME}") && seed.contains("kind: Namespace"),
        "{seed}"
    );
    let mode = fs::metadata(place.path().join("keys/cosign.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = kit(
        &place,
        &["pack", "--kit", "kit", "--out", "x.tar", "--generate-key", "keys"],
    )
    .exits(1);
    assert!(refused.stderr.contains("cosign.key"), "{}", refused.stderr);
    assert!(!place.path().join("x.tar").exists());
}

#[test]
fn a_rendered_kit_is_a_folder_and_two_kits_differ_in_lines() {
    let place = bench();
    kit(
        &place,
        &["render", "--kit", "kit", "--profile", "solo", "--out", "out"],
    )
    .success();
    let out = place.path().join("out");
    assert!(read(&out.join("components/house/solo/objects.yaml")).contains("kind: HelmRelease"));
    assert!(out.join("profiles/solo/house.yaml").exists() && !out.join("profiles/ha").exists());
    let again = kit(&place, &["render", "--kit", "kit", "--out", "out"]).exits(2);
    assert!(
        again.stderr.contains("holds something already"),
        "{}",
        again.stderr
    );
    fs::create_dir_all(place.path().join("other/components")).unwrap();
    place.file("other/kit.yaml", KIT);
    place.file("other/components/ground.yaml", SEED);
    place.file(
        "other/components/house.yaml",
        &RELEASE.replace("dependsOn", "timeout: 1m\ndependsOn"),
    );
    let diff = kit(&place, &["diff", "kit", "other"]).success().stdout;
    assert!(
        diff.contains("--- a/profiles/ha/house.yaml") && diff.contains("+  timeout: 1m"),
        "{diff}"
    );
    assert_eq!(kit(&place, &["diff", "kit", "kit"]).success().stdout, "");
}

#[test]
fn what_is_wrong_is_told_with_file_and_remedy() {
    let place = bench();
    place.file(
        "kit/components/house.yaml",
        &RELEASE.replace("name: demo}", "name: nobody}"),
    );
    place.file(
        "chart/templates/a.yaml",
        &DEPLOYMENT.replace(
            "metadata:",
            "metadata: {annotations: {helm.sh/hook: test}, name: demo}\nx:",
        ),
    );
    let told = kit(&place, &["lint", "--kit", "kit"]).exits(3).stderr;
    for text in [
        "kit.yaml",
        "components/house.yaml",
        "components/ground.yaml",
        "hint:",
    ] {
        assert!(told.contains(text) || text == "kit.yaml", "{text}: {told}");
    }
    let refused = kit(
        &place,
        &[
            "pack",
            "--kit",
            "kit",
            "--out",
            "kit.tar",
            "--generate-key",
            "keys",
        ],
    )
    .exits(3);
    assert!(
        refused.stderr.contains("the kit is not fit"),
        "{}",
        refused.stderr
    );
    assert!(!place.path().join("kit.tar").exists() && !place.path().join("keys").exists());
    let missing = kit(&place, &["show", "--kit", "nowhere"]).exits(3).stderr;
    assert!(missing.contains("cannot be read"), "{missing}");
}

/// Serves the chart of a place as `charts/demo`; its CA is in `ca.pem`. Answers with where.
async fn serve(place: &Place) -> String {
    let layout = Layout::create(place.path().join("upstream")).unwrap();
    let (chart, artifact) =
        artifact::chart(&artifact::package(&place.path().join("chart")).unwrap()).unwrap();
    artifact
        .put(&layout, &"charts/demo".parse().unwrap(), &chart.tag().unwrap())
        .unwrap();
    let ca = authority("upstream").unwrap();
    let server = issue(&ca, &["127.0.0.1".to_owned()]).unwrap();
    place.file("ca.pem", &ca.certificate_pem);
    let tls = registry::tls(&server.certificate_pem, &server.key_pem).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let router = registry::router(layout).unwrap();
    tokio::spawn(registry::serve(listener, tls, router, CancellationToken::new()));
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_fetched_by_tag_once_and_by_its_digest_from_then_on() {
    let place = bench();
    let host = serve(&place).await;
    let chart = format!("chart: {{oci: \"oci://{host}/charts/demo\", version: 1.2.3}}");
    place.file(
        "kit/components/house.yaml",
        &RELEASE.replace("chart: {path: ../chart}", &chart),
    );
    let pack = |out: &str| {
        let args = [
            "pack",
            "--kit",
            "kit",
            "--ca",
            "ca.pem",
            "--out",
            out,
            "--key",
            "keys/cosign.key",
        ];
        kit(&place, &args)
    };
    kit(
        &place,
        &[
            "pack",
            "--kit",
            "kit",
            "--ca",
            "ca.pem",
            "--out",
            "kit/kit.tar",
            "--generate-key",
            "keys",
        ],
    )
    .success();
    let lock = read(&place.path().join("kit/kit.lock.yaml"));
    assert!(
        lock.contains(&format!("house: oci://{host}/charts/demo:1.2.3@sha256:")),
        "{lock}"
    );
    let checked = kit(&place, &["lint", "--kit", "kit"]).success().stdout;
    assert!(!checked.contains("not pinned"), "{checked}");
    pack("again.tar").success();
    let archive = |name: &str| fs::read(place.path().join(name)).unwrap();
    assert_eq!(archive("kit/kit.tar"), archive("again.tar"));
    // Somebody moves the tag: what is pinned is still what is fetched, and a pin that nobody has is refused.
    let at = lock.find("sha256:").unwrap() + 7;
    place.file("kit/kit.lock.yaml", &lock.replace(&lock[at..at + 8], "00000000"));
    let refused = pack("other.tar").exits(1).stderr;
    assert!(refused.contains("00000000"), "{refused}");
    assert!(!place.path().join("other.tar").exists());
}
