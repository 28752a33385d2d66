//! A lab that ends leaves nothing, however it ends; one that kept its state goes on.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sovereign_lab::{Ground, Lab, LabConfig};

use crate::bench::Bench;
use crate::traces::Traces;

/// Longest time for the kernel to end what a killed lab ran.
const PROMPTLY: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_with_its_state_goes_on() {
    let state = tempfile::tempdir().expect("a directory");
    let config = LabConfig {
        state: Some(state.path().to_owned()),
        ..LabConfig::default()
    };
    let bench = Bench::with(config.clone()).await;
    let id = bench.server("one", json!({})).await;
    let address = bench.address(id).await;
    bench.eventually("one", "touch /root/kept && sync").await;
    bench.lab.shutdown().await.expect("ends");

    let bench = Bench::with(config).await;
    bench.eventually("one", "test -e /root/kept").await;
    assert_eq!(bench.address(id).await, address);
    bench.delete(&format!("/servers/{id}")).await;
    bench.lab.shutdown().await.expect("ends");
}

/// Set in the process that the test below starts of itself, and kills.
const TO_BE_KILLED: &str = "LAB_TO_BE_KILLED";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_lab_takes_its_hosts_along_and_is_cleaned_up_after() {
    if std::env::var_os(TO_BE_KILLED).is_some() {
        return live_until_killed().await;
    }
    let mut lab = LabToKill::start();
    let name = lab.ground.name.clone();
    assert!(Traces::of(&name).hosts());
    lab.child.kill().expect("killed");
    lab.child.wait().expect("reaped");
    let killed = Instant::now();
    while Traces::of(&name).running() {
        assert!(killed.elapsed() < PROMPTLY, "{:?}", Traces::of(&name));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Lab::sweep().await.expect("swept");
    assert_eq!(Traces::of(&name), Traces::default());
}

/// A lab with a host in a process of its own.
struct LabToKill {
    child: Child,
    ground: Ground,
}

impl LabToKill {
    fn start() -> Self {
        let this = std::env::current_exe().expect("this program");
        let test = "ends::a_killed_lab_takes_its_hosts_along_and_is_cleaned_up_after";
        let mut command = Command::new(this);
        command
            .args(["--exact", "--nocapture", test])
            .env(TO_BE_KILLED, "1");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut grounds = lines
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str(&line).ok());
        let ground = grounds.next().expect("it tells where its hosts are");
        Self { child, ground }
    }
}

#[expect(clippy::print_stdout, reason = "read by the process that kills this one")]
async fn live_until_killed() {
    let bench = Bench::raise().await;
    bench.server("one", json!({})).await;
    bench.up("one").await;
    println!("\n{}", json!(bench.lab.ground()));
    std::future::pending::<()>().await;
}
