//! Debian's `skopeo`, a client of another house.

use std::fs::File;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use sovereign_images::Layout;
use sovereign_images::archive::{pack, unpack};
use sovereign_images::client::{Client, Options};

use crate::served::{Served, put};

async fn skopeo(args: &[&str]) -> Output {
    let run = tokio::process::Command::new("skopeo").args(args).output().await;
    run.expect("`skopeo` runs; tests/setup.sh installs it")
}

fn certificates(served: &Served) -> String {
    let folder = served.path("certificates");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ca.crt"), &served.ca_pem).unwrap();
    format!("--src-cert-dir={}", folder.display())
}

fn digest_in(folder: &Path) -> String {
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn skopeo_copies_what_we_serve() {
    let served = Served::start().await;
    let digest = put(&served.layout, "apps/demo", "1.0", b"x");
    let from = format!("docker://{}/apps/demo:1.0", served.address);
    let to = served.path("copied");
    let run = skopeo(&[
        "copy",
        "--preserve-digests",
        &certificates(&served),
        &from,
        &format!("oci:{}:1.0", to.display()),
    ])
    .await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(digest_in(&to), digest.to_string());
}

#[tokio::test]
async fn archives_go_to_skopeo_and_come_back() {
    let served = Served::start().await;
    let digest = put(&served.layout, "apps/demo", "1.0", b"x");
    let [ours, theirs] = ["ours.tar", "theirs.tar"].map(|name| served.path(name));
    pack(&served.layout, File::create(&ours).unwrap()).unwrap();
    let at = |archive: &Path| format!("oci-archive:{}:apps/demo:1.0", archive.display());
    let run = skopeo(&["copy", "--preserve-digests", &at(&ours), &at(&theirs)]).await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let back = unpack(File::open(theirs).unwrap(), &served.path("back")).unwrap();
    let found = back.resolve(&"apps/demo:1.0".parse().unwrap()).unwrap();
    assert_eq!(found.digest().to_string(), digest.to_string());
    assert_eq!(back.verify().unwrap().problems, []);
}

#[tokio::test]
async fn skopeo_sees_the_digest_and_the_tags() {
    let served = Served::start().await;
    let digest = put(&served.layout, "apps/demo", "1.0", b"x");
    put(&served.layout, "apps/demo", "1.1", b"y");
    let certificates = certificates(&served).replace("--src-cert-dir", "--cert-dir");
    let run = skopeo(&[
        "inspect",
        "--raw",
        &certificates,
        &format!("docker://{}/apps/demo@{digest}", served.address),
    ])
    .await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(sovereign_images::Digest::of(&run.stdout), digest);
    let run = skopeo(&[
        "list-tags",
        &certificates,
        &format!("docker://{}/apps/demo", served.address),
    ])
    .await;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(said["Tags"], serde_json::json!(["1.0", "1.1"]));
}

#[tokio::test]
async fn what_skopeo_wrote_is_told_to_have_no_repository() {
    let served = Served::start().await;
    put(&served.layout, "apps/demo", "1.0", b"x");
    let to = served.path("copied");
    let from = format!("docker://{}/apps/demo:1.0", served.address);
    skopeo(&[
        "copy",
        &certificates(&served),
        &from,
        &format!("oci:{}:1.0", to.display()),
    ])
    .await;
    let problems = Layout::open(&to).unwrap().verify().unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().contains("no name"), "{}", problems[0]);
}

#[tokio::test]
async fn a_registry_that_is_not_trusted_is_told() {
    let served = Served::start().await;
    put(&served.layout, "kit", "1", b"x");
    let stranger = Client::new(Options::default()).unwrap();
    let error = stranger
        .resolve(&served.reference("kit:1"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("certificate"), "{error}");
}
