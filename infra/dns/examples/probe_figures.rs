//! What probes cost, as one JSON object a line: `probe_figures [NAMES]`. Called by `tests/bench/dns.py`.
//!
//! A signed zone on three name servers with two addresses each, below a signed top level on two addresses; then so many unsigned
//! names on the same servers, at the default pace and without any.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops at its first surprise and prints what it found"
)]

#[path = "../tests/probe/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests, which use more of it"
)]
mod world;

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use serde_json::json;
use sovereign_dns::probe::{DelegationReport, Expectation, Pace, ProbeConfig, Prober};

use crate::world::{Set, World, named, soa, texts};

/// Names under way at a time.
const AT_ONCE: usize = 16;

#[tokio::main]
async fn main() {
    let names = std::env::args()
        .nth(1)
        .map_or(1_000, |text| text.parse().unwrap());
    let world = World::start_dual().await;
    one(&world).await;
    let servers = ["ns1.acme.test.", "ns2.acme.test.", "ns3.acme.test."];
    for number in 0..names {
        let zone = format!("n{number}.test.");
        let sets = [
            Set(&zone, "SOA", 3600, soa(1)),
            Set(&zone, "NS", 3600, texts(&servers)),
        ];
        world.child.zone(&zone, &sets, false).await;
        world
            .tld
            .change("test.", Set(&zone, "NS", 3600, texts(&servers)))
            .await;
    }
    let unpaced = Pace {
        burst: 1,
        gap: Duration::ZERO,
    };
    many(&world, names, "default", Pace::default()).await;
    many(&world, names, "none", unpaced).await;
}

async fn one(world: &World) {
    let mut best: Option<(f64, DelegationReport)> = None;
    for _ in 0..5 {
        let began = Instant::now();
        let report = world.probe("acme.test").await;
        assert!(report.is_healthy(), "{:#?}", report.findings);
        let seconds = began.elapsed().as_secs_f64();
        if best.as_ref().is_none_or(|(before, _)| seconds < *before) {
            best = Some((seconds, report));
        }
    }
    let (seconds, report) = best.unwrap();
    let evidence = &report.evidence;
    let (parents, addresses, hosts) = (
        evidence.parents.len(),
        evidence.servers.len(),
        evidence.hosts.len(),
    );
    println!(
        "{}",
        json!({
            "what": "zone", "seconds": seconds, "questions": report.cost.questions, "addresses": addresses,
            "least": 4 + parents + 3 * addresses + 2 * hosts,
        })
    );
}

async fn many(world: &World, names: usize, title: &str, pace: Pace) {
    let prober = Prober::new(ProbeConfig {
        pace,
        ..world.config()
    });
    let nothing = Expectation::default();
    let began = Instant::now();
    let running = (0..names).map(|number| {
        let name = named(&format!("n{number}.test"));
        let (prober, nothing) = (&prober, &nothing);
        async move { prober.probe(&name, nothing).await }
    });
    let reports: Vec<DelegationReport> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
    let seconds = began.elapsed().as_secs_f64();
    let questions: u64 = reports
        .iter()
        .map(|report| u64::from(report.cost.questions))
        .sum();
    let healthy = reports.iter().filter(|report| report.is_healthy()).count();
    println!(
        "{}",
        json!({
            "what": "names", "pace": title, "names": names, "healthy": healthy, "seconds": seconds,
            "questions": questions,
        })
    );
}
