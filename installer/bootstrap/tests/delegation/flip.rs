//! What goes well: there and back, at every registrar.

use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_lab::{Fate, Memory, RegistrarVendor, Watch as Asking};

use crate::bench::Bench;
use crate::watch::Watch;
use crate::world::{Before, OURS, World};

/// Number of a record type (RFC 1035 section 3.2.2).
const A: u16 = 1;
/// Registrars whose API takes keys.
const SIGNING: [RegistrarVendor; 5] = [
    RegistrarVendor::Dynadot,
    RegistrarVendor::Gandi,
    RegistrarVendor::Godaddy,
    RegistrarVendor::Ovh,
    RegistrarVendor::Porkbun,
];

/// Moved, proven, given back, with somebody watching all the time.
async fn there_and_back(vendor: RegistrarVendor, before: Before) {
    let bench = Bench::new(World::start(vendor, before).await);
    let entry = bench.world.entry();
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    // Somebody behind a resolver that validates and remembers.
    let resolver = bench.world.dns.resolver(Memory::Lasting).await.unwrap();
    let asking = Asking::start(&[resolver.address], &[("www.acme.example", A)]);
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{vendor:?}: {report:#?}");
    assert_eq!(bench.world.entry().ns, OURS, "{vendor:?}");
    assert_eq!(bench.validated().await.security, "secure", "{vendor:?}");

    let report = bench.run(&bench.restore(bench.snapshot().await)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{vendor:?}: {report:#?}");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
    let sightings = asking.end().await;
    // A machine that is busy may leave a question unanswered; what counts is that no answer was wrong.
    let wrong: Vec<_> = sightings
        .failures
        .iter()
        .filter(|it| it.fate != Fate::Silent)
        .collect();
    assert!(
        wrong.is_empty() && sightings.answered > 0,
        "{vendor:?}: {wrong:?}"
    );
    let back = bench.world.entry();
    assert_eq!(back.ns, entry.ns, "{vendor:?}");
    let digests =
        |ds: &[sovereign_lab::DsData]| ds.iter().map(sovereign_lab::DsData::rdata).collect::<Vec<_>>();
    assert_eq!(digests(&back.ds), digests(&entry.ds), "{vendor:?}");
}

/// Every registrar at once: most of the time they wait for TTLs.
async fn all(before: Before) {
    futures::future::join_all(SIGNING.map(|vendor| there_and_back(vendor, before))).await;
}

#[tokio::test]
async fn a_plain_domain_is_moved_signed_proven_and_given_back() {
    all(Before::Plain).await;
}

#[tokio::test]
async fn old_keys_are_off_before_the_name_moves_and_back_after_it_came_home() {
    all(Before::Signed).await;
}

#[tokio::test]
async fn a_domain_on_the_providers_own_servers_goes_back_to_them() {
    all(Before::Default).await;
}

#[tokio::test]
async fn a_child_of_a_zone_that_stays_is_delegated_and_taken_out_again() {
    let bench = Bench::new(World::start(RegistrarVendor::Cloudflare, Before::Absent).await);
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.world.entry().ns, OURS);
    assert_eq!(bench.world.entry().ds.len(), 1);
    assert_eq!(bench.validated().await.security, "secure");
    let report = bench.run(&bench.restore(bench.snapshot().await)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let left = bench.world.entry();
    assert_eq!((left.ns.len(), left.ds.len()), (0, 0));
}

/// A domain that is where it shall be is proven, and never taken back by a run that did not bring it there.
#[tokio::test]
async fn a_second_plan_finds_everything_done() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
    bench.journal = std::sync::Arc::new(sovereign_engine::journal::memory::MemoryJournal::default());
    bench.world.sim.registry().take_seen();
    assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
    let seen = bench.world.sim.registry().take_seen();
    assert!(seen.iter().all(|request| !request.writes), "{seen:?}");

    bench.journal = std::sync::Arc::new(sovereign_engine::journal::memory::MemoryJournal::default());
    bench.patience.sick = 1;
    let breaks = async {
        while bench.output("zone").await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.break_ours().await;
    };
    let plan = bench.plan();
    let (report, ()) = tokio::join!(bench.run(&plan), breaks);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(said.contains("nothing to go back to"), "{said}");
    assert_eq!(bench.world.entry().ns, OURS);
}
