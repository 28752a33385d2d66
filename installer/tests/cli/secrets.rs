//! Secrets stay where they belong: no file, no log, no output ever holds one.

use std::path::Path;

use crate::harness::Ended;
use crate::lab::Bench;

pub(crate) fn assert_silent(canary: &str, run: &Ended) {
    assert!(!run.stdout.contains(canary), "standard output holds the secret");
    assert!(!run.stderr.contains(canary), "standard error holds the secret");
}

/// No file below `dir` holds the bytes.
pub(crate) fn assert_nowhere(canary: &str, dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_nowhere(canary, &path);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let found = bytes
            .windows(canary.len())
            .any(|window| window == canary.as_bytes());
        assert!(!found, "{} holds the secret", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_the_environment_is_in_no_output_and_no_file() {
    let bench = Bench::quick().await;
    let canary = bench.lab.token().to_owned();
    for args in [
        ["-vvv", "plan", "minimal.yaml"].as_slice(),
        &[
            "-vvv",
            "--log-format",
            "json",
            "up",
            "minimal.yaml",
            "--yes",
            "--json",
        ],
        &["-vvv", "status", "acme-dev"],
        &["-vvv", "logs", "acme-dev"],
        &["-vvv", "scan"],
        &["-vvv", "doctor"],
        &["-vvv", "destroy", "acme-dev", "--yes"],
    ] {
        let run = bench.run(args).ends();
        assert_silent(&canary, &run);
    }
    assert_nowhere(&canary, &bench.place.state());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_token_works_and_is_in_no_file() {
    let bench = Bench::quick().await;
    let canary = bench.lab.token().to_owned();
    let spec = std::fs::read_to_string(bench.place.path().join("minimal.yaml")).expect("the spec is there");
    bench.place.file(
        "sealed.yaml",
        &spec.replace("{env: HCLOUD_TOKEN}", "{sealed: hetzner}"),
    );

    let missing = bench.sovereign(["plan", "sealed.yaml"]).ends();
    assert!(
        missing.stderr.contains("sovereign secret set"),
        "{}",
        missing.stderr
    );
    let set = bench
        .sovereign(["secret", "set", "hetzner"])
        .stdin(&format!("{canary}\n"))
        .success();
    assert_silent(&canary, &set);
    let up = bench
        .sovereign(["up", "sealed.yaml", "--yes"])
        .env("HCLOUD_TOKEN", "")
        .success();
    assert_silent(&canary, &up);
    assert_nowhere(&canary, &bench.place.state());
    let listed = bench.sovereign(["secret", "list"]).success();
    assert!(listed.stdout.contains("hetzner"), "{}", listed.stdout);
    bench.sovereign(["secret", "delete", "hetzner"]).success();
    bench
        .sovereign(["plan", "sealed.yaml"])
        .exits(missing.code.expect("an exit code"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_spec_is_refused_without_being_repeated() {
    let bench = Bench::quick().await;
    let canary = "c4n4ry".repeat(10);
    let spec = std::fs::read_to_string(bench.place.path().join("minimal.yaml")).expect("the spec is there");
    bench
        .place
        .file("inline.yaml", &spec.replace("{env: HCLOUD_TOKEN}", &canary));
    let refused = bench.sovereign(["plan", "inline.yaml"]).exits(3);
    assert_silent(&canary, &refused);
    assert!(refused.stderr.contains("reference"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_cloud_refuses_is_named_by_its_place() {
    let bench = Bench::quick().await;
    let wrong = "wr0ng".repeat(12);
    let refused = bench
        .sovereign(["plan", "minimal.yaml"])
        .env("HCLOUD_TOKEN", &wrong)
        .ends();
    assert_ne!(refused.code, Some(0));
    assert_silent(&wrong, &refused);
    let reader = "read".repeat(16);
    let refused = bench
        .sovereign(["plan", "minimal.yaml"])
        .env("HCLOUD_TOKEN", &reader)
        .exits(4);
    assert!(refused.stderr.contains("read"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_no_process_argument() {
    let bench = Bench::with(sovereign_lab::LabConfig {
        create_seconds: 3.0,
        ..sovereign_lab::LabConfig::default()
    })
    .await;
    let canary = bench.lab.token().as_bytes().to_vec();
    let mut child = bench.sovereign(["up", "minimal.yaml", "--yes"]).spawn();
    let arguments = arguments_of(child.id()).await;
    assert!(!arguments.windows(canary.len()).any(|window| window == canary));
    let ended = tokio::task::block_in_place(|| child.wait()).expect("it ends");
    assert!(ended.success());
}

/// The arguments of a process, once it has become the program: between fork and exec there are none.
async fn arguments_of(pid: u32) -> Vec<u8> {
    for _ in 0..100 {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
        if arguments.starts_with(b"/") {
            return arguments;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("process {pid} never became the program");
}
