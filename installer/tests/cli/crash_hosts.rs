//! The plug is pulled at every write of the journal of a run that goes as far as the hand-off. The cloud's servers are records; an
//! agent is played for each, with the real protocol over the real listener.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::harness::Run;
use crate::lab::Bench;
use crate::matrix::{Matrix, Tally};

/// Runs at a time; each waits most of its life for a dead installer's claim to end.
const AT_ONCE: usize = 8;
const UP: [&str; 4] = ["up", "minimal.yaml", "--yes", "--json"];
const DESTROY: [&str; 3] = ["destroy", "acme-dev", "--yes"];

/// A lab with agents, and the address that they call.
struct Hosts {
    bench: Bench,
    address: String,
    kit: (PathBuf, PathBuf),
    agents: Child,
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = self.agents.kill();
        let _ = self.agents.wait();
    }
}

/// What plays the agents: an example, which cargo builds beside the tests.
fn crowd() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sovereign"));
    let crowd = program.with_file_name("examples").join("crowd");
    assert!(
        crowd.is_file(),
        "no {}: run `cargo build -p sovereign-remote --example crowd --all-features`",
        crowd.display()
    );
    crowd
}

/// An address on which nobody else takes a port while none of a bench's installers is alive.
fn address() -> Ipv4Addr {
    static TAKEN: AtomicU16 = AtomicU16::new(1);
    let [high, low] = TAKEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ipv4Addr::new(127, 30, high, low)
}

impl Hosts {
    async fn start() -> Self {
        let bench = Bench::quick().await;
        let free = TcpListener::bind((address(), 0)).expect("a port is free");
        let address = free.local_addr().expect("an address").to_string();
        let lab = bench.lab.url();
        let lab = lab
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap_or_default();
        let agents = Command::new(crowd())
            .arg(lab)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the agents start");
        Self {
            kit: bench.place.signed_kit(),
            bench,
            address,
            agents,
        }
    }

    fn up(&self) -> Run {
        self.bench
            .sovereign(UP)
            .env("SOVEREIGN_UNTIL", "hand-off")
            .env("SOVEREIGN_K3S", "/bin/true")
            .env("SOVEREIGN_KIT", &self.kit.0)
            .env("SOVEREIGN_KIT_KEY", &self.kit.1)
            .env("SOVEREIGN_ADVERTISE", format!("https://{}", self.address))
            .env("SOVEREIGN_LISTEN", &self.address)
    }

    fn destroy(&self) -> Run {
        self.bench.sovereign(DESTROY)
    }
}

/// Every write of the journal in a run that nobody disturbs.
async fn writes() -> BTreeSet<String> {
    let hosts = Hosts::start().await;
    let trace = hosts.bench.place.path().join("trace");
    let ended = hosts.up().env("SOVEREIGN_CRASH_TRACE", &trace).ends();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let text = std::fs::read_to_string(trace).expect("the run left a trace");
    let writes = text.lines().filter(|point| point.starts_with("journal-"));
    writes.map(str::to_owned).collect()
}

/// The run dies at `point`, and whether it did is returned; the next one ends well, and the one after it changes nothing.
async fn dies_at(point: String) -> bool {
    let hosts = Hosts::start().await;
    let died = hosts.up().dies_at(&point).ends().code;
    assert!(died.is_none() || died == Some(0), "{point}: {died:?}");
    let next = hosts.up().ends();
    assert_eq!(next.code, Some(0), "{point}: the run goes on: {}", next.stderr);
    let last = hosts.up().ends();
    assert_eq!(last.code, Some(0), "{point}: again: {}", last.stderr);
    let summary = last.json_lines().pop().expect("a summary");
    assert_eq!(summary["summary"]["unchanged"], true, "{point}: {summary:#}");
    assert_eq!(hosts.bench.shape().await.count("servers"), 1, "{point}");
    assert_eq!(hosts.destroy().ends().code, Some(0), "{point}: destroy");
    assert!(hosts.bench.shape().await.is_empty(), "{point}: something is left");
    died.is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_of_a_run_to_the_hand_off_survives_the_plug() {
    let mut matrix = Matrix::alone(AT_ONCE).await;
    let writes = writes().await;
    assert!(writes.len() > 40, "{} writes", writes.len());
    for point in writes {
        matrix.begin(dies_at(point));
    }
    let Tally { died, lived, failed } = matrix.end().await;
    assert!(failed.is_empty(), "{} points failed: {failed:#?}", failed.len());
    // How many writes a run comes to depends on how events fall together; the last points may be beyond its end.
    assert!(
        died > 4 * lived,
        "{died} runs died and {lived} never came to their point"
    );
}
