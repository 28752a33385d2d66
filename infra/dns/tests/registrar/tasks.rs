//! Changes that are accepted first and done later.

use std::time::Duration;

use sovereign_dns::registrar::{Cause, Progress, Submitted, Target};
use sovereign_lab::{RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, NEW, OLD, ns, signer, words};

async fn submit(bench: &Bench, target: &Target) -> sovereign_dns::registrar::Task {
    let before = bench.read().await;
    match bench.set(&before, target).await.unwrap() {
        Submitted::Pending(task) => task,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_task_runs_until_the_registrar_shows_its_result() {
    for vendor in [RegistrarVendor::Ovh, RegistrarVendor::Gandi] {
        let bench = Bench::start(vendor).await;
        bench.sim.registry().set_task_time(Duration::from_secs(2));
        let target = Target::ns(ns(&NEW));
        let task = submit(&bench, &target).await;
        let progress = bench.host.progress(&bench.domain, &task, &target).await.unwrap();
        assert!(
            matches!(progress, Progress::Running(_)),
            "{vendor:?}: {progress:?}"
        );
        assert_eq!(bench.entry().ns, OLD, "{vendor:?}");
        assert_eq!(bench.follow(&task, &target).await, Progress::Done);
        assert_eq!(bench.entry().ns, NEW, "{vendor:?}");
        // A finished task stays finished, for a process that asks later.
        assert_eq!(bench.follow(&task, &target).await, Progress::Done);
    }
}

#[tokio::test]
async fn a_task_that_fails_says_so_and_may_be_tried_again() {
    let mut bench = Bench::start(RegistrarVendor::Ovh).await;
    let before = bench.read().await;
    let target = Target::ns(ns(&NEW));
    bench
        .sim
        .registry()
        .fault(RegistrarFault::at_write(RegistrarEffect::TaskFails));
    let task = submit(&bench, &target).await;
    let end = bench.follow(&task, &target).await;
    assert!(
        matches!(&end, Progress::Failed(why) if why.contains("ERROR")),
        "{end:?}"
    );
    assert_eq!(bench.entry().ns, OLD);
    bench.restart();
    bench.reach(&before, &target).await;
}

#[tokio::test]
async fn a_failed_action_at_godaddy_has_a_reason() {
    let bench = Bench::start(RegistrarVendor::Godaddy).await;
    let target = Target::ns(ns(&OLD)).with_ds(vec![signer(&bench.domain, 5)]);
    bench
        .sim
        .registry()
        .fault(RegistrarFault::at_write(RegistrarEffect::TaskFails));
    let task = submit(&bench, &target).await;
    assert_eq!(task.id.as_deref(), Some("DNSSEC_CREATE"));
    let end = bench.follow(&task, &target).await;
    assert!(
        matches!(&end, Progress::Failed(why) if why.contains("the registry said no")),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_running_change_is_joined_and_never_doubled() {
    let mut bench = Bench::start(RegistrarVendor::Ovh).await;
    bench.sim.registry().set_task_time(Duration::from_mins(10));
    let before = bench.read().await;
    let target = Target::ns(ns(&NEW)).with_ds(vec![signer(&bench.domain, 5)]);
    let task = submit(&bench, &target).await;
    assert_eq!(bench.writes().len(), 1);
    bench.restart();
    let again = bench.set(&before, &target).await.unwrap();
    assert_eq!(again, Submitted::Pending(task));
    let error = bench
        .set(&before, &Target::ns(ns(&["a.other.example", "b.other.example"])))
        .await
        .unwrap_err();
    assert_eq!(error.cause, Cause::Busy, "{}", words(&error));
    assert!(
        error.to_string().contains(NEW[0]),
        "it says where the other one leads: {error}"
    );
    assert_eq!(bench.writes(), [] as [String; 0]);
}
