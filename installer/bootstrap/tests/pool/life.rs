//! The life of a name.

use std::process::Command;

use sovereign_core::event::RunOutcome;
use sovereign_dns::pool::State;
use sovereign_engine::journal::Direction;
use sovereign_engine::testing::{StepBench as _, step_checks};

use crate::bench::{Bench, child, down, pool, up};

#[tokio::test]
async fn the_steps_withstand_every_check() {
    let bench = Bench::start().await;
    step_checks(async || bench.emptied().await).await;
}

/// Asked as a validator asks: the key of the pool is all that is trusted.
fn delv(bench: &Bench, name: &str) -> Vec<String> {
    let mut said = Vec::new();
    for at in bench.dns_addresses() {
        let dig = |name: &str, kind: &str| {
            let ip = format!("@{}", at.ip());
            let asked = Command::new("dig")
                .args([
                    &ip,
                    "-p",
                    &at.port().to_string(),
                    "+short",
                    "+norecurse",
                    name,
                    kind,
                ])
                .output()
                .unwrap();
            String::from_utf8(asked.stdout).unwrap().trim().to_owned()
        };
        let key = dig(pool().as_str(), "DNSKEY");
        let mut words = key.split_whitespace();
        let numbers: Vec<&str> = words.by_ref().take(3).collect();
        let data: String = words.collect();
        let dir = tempfile::tempdir().unwrap();
        let anchors = dir.path().join("anchors");
        let anchor = format!(
            "trust-anchors {{ {}. static-key {} \"{data}\"; }};",
            pool(),
            numbers.join(" ")
        );
        std::fs::write(&anchors, anchor).unwrap();
        let asked = Command::new("delv")
            .arg(format!("@{}", at.ip()))
            .args(["-p", &at.port().to_string(), "-a", anchors.to_str().unwrap()])
            .arg(format!("+root={}", pool()))
            .args([name, "A"])
            .output()
            .unwrap();
        said.push(
            String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr),
        );
    }
    said
}

#[tokio::test]
async fn a_name_is_secure_while_it_is_the_sovereigns_and_nowhere_afterwards() {
    let bench = Bench::start().await;
    let report = bench.run(&up("acme"), Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
    assert_eq!(bench.allocation().await.unwrap().state, State::Active);
    let console = format!("console.{}", child());
    for said in delv(&bench, &console) {
        assert!(
            said.contains("; fully validated") && said.contains("192.0.2.1"),
            "{said}"
        );
    }

    let other = bench.run(&up("other"), Direction::Up).await;
    assert_eq!(other.outcome, RunOutcome::Failed);
    assert!(
        format!("{other:?}").contains("is active by Sovereign `acme`"),
        "{other:?}"
    );

    let report = bench.run(&down("acme", Some(1)), Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
    let left = bench.allocation().await.unwrap();
    assert!(matches!(left.state, State::Quarantined { .. }), "{left:?}");
    assert!(bench.world().await.is_empty());
    for said in delv(&bench, &console) {
        assert!(said.contains("negative response, fully validated"), "{said}");
    }
    let other = bench.run(&up("other"), Direction::Up).await;
    assert!(
        format!("{other:?}").contains("is in quarantine until"),
        "{other:?}"
    );
}

#[tokio::test]
async fn its_last_owner_may_come_back_and_others_when_the_quarantine_is_over() {
    let mut bench = Bench::start().await;
    bench.quarantine = std::time::Duration::ZERO;
    for (sovereign, generation) in [("acme", 1), ("acme", 2), ("other", 3)] {
        if let Some(State::Quarantined { until }) = bench.allocation().await.map(|last| last.state)
            && sovereign == "other"
        {
            let left = until.duration_since(jiff::Timestamp::now());
            tokio::time::sleep(left.try_into().unwrap_or_default()).await;
        }
        let report = bench.run(&up(sovereign), Direction::Up).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
        let held = bench.allocation().await.unwrap();
        assert_eq!((held.generation, &held.state), (generation, &State::Active));
        bench.shorten().await;
        let report = bench.run(&down(sovereign, Some(generation)), Direction::Up).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
        assert!(bench.world().await.is_empty());
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_never_written_over() {
    let bench = Bench::start().await;
    for (mark, words) in [
        (None, "nobody that the installer knows"),
        (Some("sov:other"), "`sov:other`"),
    ] {
        let bench = bench.emptied().await;
        bench.squat(mark).await;
        let report = bench.run(&up("acme"), Direction::Up).await;
        assert_eq!(report.outcome, RunOutcome::Failed);
        assert!(format!("{report:?}").contains(words), "{report:?}");
        let first = bench.hosts()[0]
            .sets(&pool(), Some(&child()))
            .await
            .unwrap()
            .unwrap();
        assert!(first.is_empty(), "nothing was written anywhere: {first:?}");
        let report = bench.run(&up("acme"), Direction::Undo).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
        let second = bench.hosts()[1]
            .sets(&pool(), Some(&child()))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(second.len(), 1, "it is still there");
    }
}

#[tokio::test]
async fn a_teardown_of_an_earlier_owner_touches_nothing() {
    let bench = Bench::start().await;
    bench.run(&up("acme"), Direction::Up).await;
    let before = bench.world().await;
    for plan in [down("other", None), down("other", Some(1))] {
        let report = bench.run(&plan, Direction::Up).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
        assert_eq!(bench.world().await, before);
    }
    let report = bench.run(&down("acme", Some(7)), Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:?}");
    assert_eq!(bench.world().await, before);
}
