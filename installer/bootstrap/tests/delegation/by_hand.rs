//! What a person enters: said exactly, watched for, and never asked for twice.

use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_lab::{DsData, RegisteredDomain, RegistrarVendor};

use crate::bench::Bench;
use crate::watch::Watch;
use crate::world::{Before, OLD, OURS, World};

/// Somebody who reads what is waited for, and enters it.
pub(crate) async fn person(bench: &Bench, words: &str, entry: &RegisteredDomain) {
    loop {
        let waits = bench.waits().await;
        if waits
            .iter()
            .any(|wait| wait.contains("by hand") && wait.contains(words))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench
        .world
        .sim
        .registry()
        .put(bench.world.domain.as_str(), entry.clone());
    bench.world.publish(entry).await;
}

/// A DS record as it was said, `acme.example. IN DS 1 13 2 00ff`.
pub(crate) async fn said_ds(bench: &Bench) -> DsData {
    loop {
        let waits = bench.waits().await;
        let found = waits
            .iter()
            .find_map(|wait| wait.split_once("IN DS ").map(|(_, rest)| rest.to_owned()));
        if let Some(rest) = found {
            let words: Vec<&str> = rest.split_whitespace().collect();
            return DsData {
                key_tag: words[0].parse().unwrap(),
                algorithm: words[1].parse().unwrap(),
                digest_type: words[2].parse().unwrap(),
                digest: words[3].to_owned(),
                key: None,
            };
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_domain_without_an_api_is_moved_by_a_person() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Signed).await);
    bench.by_hand = true;
    let plan = bench.plan();
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    let hands = async {
        let mut entry = bench.world.entry();
        entry.ds.clear();
        person(&bench, "Remove every DS record", &entry).await;
        entry.ns = OURS.map(str::to_owned).into();
        person(&bench, "ns1.operator.example ns2.operator.example", &entry).await;
        entry.ds = vec![said_ds(&bench).await];
        person(&bench, "IN DS", &entry).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.validated().await.security, "secure");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
}

#[tokio::test]
async fn a_registrar_without_keys_has_them_entered_by_a_person() {
    let bench = Bench::new(World::start(RegistrarVendor::Namecheap, Before::Plain).await);
    let plan = bench.plan();
    let hands = async {
        let ds = said_ds(&bench).await;
        assert_eq!(
            bench.world.entry().ns,
            OURS,
            "the name servers went through the API"
        );
        let mut entry = bench.world.entry();
        entry.ds = vec![ds];
        person(&bench, "IN DS", &entry).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.validated().await.security, "secure");
}

#[tokio::test]
async fn a_person_who_does_not_come_is_not_waited_for_for_ever() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    bench.by_hand = true;
    bench.patience.by_hand = 1;
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(
        said.contains("ns1.operator.example"),
        "what was to be entered is said: {said}"
    );
    assert!(said.contains("rolled back: its old delegation stands"), "{said}");
    assert_eq!(bench.world.entry().ns, OLD);
}

#[tokio::test]
async fn a_domain_is_given_back_by_a_person_too() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    let before = bench.world.entry();
    assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
    bench.by_hand = true;
    let plan = bench.restore(bench.snapshot().await);
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    let hands = async {
        let mut entry = bench.world.entry();
        entry.ds.clear();
        person(&bench, "Remove every DS record", &entry).await;
        entry.ns.clone_from(&before.ns);
        person(&bench, "ns1.hosting.example ns2.hosting.example", &entry).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
}
