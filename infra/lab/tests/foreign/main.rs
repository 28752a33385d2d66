//! The lab judged by clients that are not ours: the vendor's Python library, Debian's `hcloud`, and the crate `hcloud`.

#![allow(clippy::expect_used, reason = "a test stops at its first surprise")]

use std::process::{Command, Output};

use sovereign_lab::{Lab, LabConfig, RunningLab};

mod command_line;
mod rust_crate;

async fn lab() -> RunningLab {
    let config = LabConfig {
        create_seconds: 0.2,
        ..LabConfig::default()
    };
    Lab::start(config).await.expect("the lab starts")
}

/// Runs a client to its end and returns what it printed.
async fn client(mut command: Command) -> String {
    let run = tokio::task::spawn_blocking(move || command.output());
    let Output {
        status,
        stdout,
        stderr,
    } = run
        .await
        .expect("it ends")
        .expect("the client is installed: `make setup`");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}\n{stderr}");
    stdout.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendors_python_library_is_satisfied() {
    let lab = lab().await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let python = std::env::var("SOVEREIGN_TEST_PYTHON").unwrap_or(format!("{root}/.cache/venv/bin/python"));
    let mut command = Command::new(python);
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/story.py");
    command.args([story, &lab.url(), lab.token()]);
    assert_eq!(client(command).await.trim(), "done");
}
