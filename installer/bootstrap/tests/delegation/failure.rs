//! What goes wrong on the way: the end is the old delegation or ours, and the report says which.

use std::time::Duration;

use sovereign_bootstrap::nodes::SecretStore as _;
use sovereign_core::event::RunOutcome;
use sovereign_engine::executor::Report;
use sovereign_engine::plan::Plan;
use sovereign_lab::{RegisteredDomain, RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, everywhere};
use crate::crash::{bench, killed_after};
use crate::watch::Watch;
use crate::world::{Before, OLD, OURS, World};

/// The one failure of a run, in words.
fn failure(report: &Report) -> String {
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let [failure] = &report.failures[..] else {
        panic!("{report:#?}")
    };
    format!("{}: {}; {}", failure.step, failure.cause, failure.remedy)
}

#[tokio::test]
async fn servers_that_go_lame_lead_back_and_the_old_keys_with_them() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Signed).await);
    bench.patience.sick = 2;
    let before = bench.world.entry();
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    let plan = bench.plan();
    let (old, ours) = {
        let breaks = async {
            bench.until(|entry| entry.ns == OURS).await;
            let keys = bench.keys().await;
            bench.break_ours().await;
            keys
        };
        let (report, keys) = tokio::join!(bench.run(&plan), breaks);
        let said = failure(&report);
        assert!(said.contains("rolled back to its old delegation"), "{said}");
        assert!(said.contains("names other servers"), "{said}");
        keys
    };
    watch.assert_unbroken(&old, &ours).await;
    let after = bench.world.entry();
    assert_eq!(after.ns, OLD);
    assert_eq!(after.ds.len(), before.ds.len());
    assert_eq!(after.ds[0].rdata(), before.ds[0].rdata());
}

#[tokio::test]
async fn nobody_is_led_to_servers_that_do_not_answer() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    bench.patience.sick = 1;
    // The plan's zone is there; the servers of the plan are the old ones' machines, which do not have it.
    let plan = bench.plan_to(["ns1.hosting.example", "ns2.nowhere.example"]);
    bench.world.sim.registry().take_seen();
    let said = failure(&bench.run(&plan).await);
    assert!(said.contains("do not answer as they should"), "{said}");
    assert_eq!(bench.world.entry().ns, OLD);
    let seen = bench.world.sim.registry().take_seen();
    assert!(seen.iter().all(|request| !request.writes), "{seen:?}");
}

#[tokio::test]
async fn servers_that_go_lame_stay_where_there_is_nothing_to_go_back_to() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    bench.patience.sick = 2;
    let plan = bench.plan();
    let breaks = async {
        bench.until(|entry| entry.ns == OURS).await;
        bench
            .world
            .dns
            .hosting
            .remove_zone("acme.example.")
            .await
            .unwrap();
        bench.break_ours().await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), breaks);
    let said = failure(&report);
    assert!(said.contains("names other servers"), "{said}");
    assert!(
        said.contains("old name servers do not answer either: ns1.hosting.example"),
        "{said}"
    );
    assert_eq!(bench.world.entry().ns, OURS);

    // The cause is gone: the same plan goes on from there.
    bench.mend_ours().await;
    let report = bench.run(&plan).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
}

#[tokio::test]
async fn no_key_is_vouched_for_while_a_server_lacks_it() {
    let bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    let domain = &bench.world.domain;
    let watch = Watch::start(domain, bench.world.probe());
    let plan = bench.plan();
    let loses = async {
        bench.until(|entry| entry.ns == OURS).await;
        let server = bench.world.our_hosts().remove(1);
        let id = server.keys(domain).await.unwrap()[0].id;
        let key = server.export_key(domain, id).await.unwrap();
        server.delete_key(domain, id).await.unwrap();
        while !bench.waits().await.iter().any(|wait| wait.contains("lacks key")) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let vouched = bench.world.entry().ds;
        server.import_key(domain, &key).await.unwrap();
        vouched
    };
    let (report, vouched) = tokio::join!(bench.run(&plan), loses);
    assert!(vouched.is_empty(), "{vouched:?}");
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.validated().await.security, "secure");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
}

#[tokio::test]
async fn a_machine_that_cannot_ask_dns_waits_and_turns_nothing_back() {
    let (mut bench, clock) = bench(RegistrarVendor::Porkbun, Before::Plain).await;
    bench.patience.sick = 1;
    let plan = bench.plan();
    let pointed = async {
        while bench.output("point").await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    killed_after(&bench, &clock, &plan, pointed).await;
    bench.world.sim.registry().take_seen();

    bench.is_cut_off = true;
    killed_after(&bench, &clock, &plan, tokio::time::sleep(Duration::from_secs(4))).await;
    assert!(!bench.told("roll_back").await);
    let seen = bench.world.sim.registry().take_seen();
    assert!(seen.iter().all(|request| !request.writes), "{seen:?}");
    let waits = bench.waits().await;
    assert!(
        waits
            .iter()
            .any(|wait| wait.contains("no server of the parent could be asked")),
        "{waits:?}"
    );

    bench.is_cut_off = false;
    assert_eq!(bench.run(&plan).await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.entry().ns, OURS);
}

#[tokio::test]
async fn a_registry_that_does_not_publish_leads_back() {
    for (frozen, follows) in [([0, 1].as_slice(), "both"), ([1].as_slice(), "one")] {
        let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
        bench.patience.shown = 2;
        for index in frozen {
            bench.world.dns.top_level.hold(*index);
        }
        let watch = Watch::start(&bench.world.domain, bench.world.probe());
        let plan = bench.plan();
        let thaws = async {
            bench.until(|entry| entry.ns == OURS).await;
            bench.until(|entry| entry.ns == OLD).await;
        };
        let (report, ()) = tokio::join!(bench.run(&plan), thaws);
        let said = failure(&report);
        assert!(
            said.contains("rolled back to its old delegation"),
            "{follows}: {said}"
        );
        assert!(
            said.contains("did not come about within 2 s"),
            "{follows}: {said}"
        );
        assert!(
            said.contains("ns1.hosting.example"),
            "{follows}: what stands where is said: {said}"
        );
        let (old, ours) = bench.keys().await;
        watch.assert_unbroken(&old, &ours).await;

        // The cause is gone: the same plan goes the whole way.
        for index in frozen {
            bench.world.dns.top_level.release(*index).await;
        }
        let report = bench.run(&plan).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        assert_eq!(bench.world.entry().ns, OURS);
        assert_eq!(bench.validated().await.security, "secure");
    }
}

#[tokio::test]
async fn a_registrar_that_says_done_and_does_nothing_is_not_believed() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    bench.patience.shown = 2;
    bench
        .world
        .sim
        .registry()
        .fault(RegistrarFault::always(RegistrarEffect::NotApplied));
    let said = failure(&bench.run(&bench.plan()).await);
    assert!(said.contains("rolled back"), "{said}");
    assert_eq!(bench.world.entry().ns, OLD);
}

/// Who may change the delegation is kept for no longer than there may be something to take back.
#[tokio::test]
async fn a_roll_back_leaves_no_credential_behind() {
    const SEALED: &str = "delegation/acme/credential";
    let vendor = RegistrarVendor::Porkbun;
    let mut bench = Bench::new(World::start(vendor, Before::Plain).await);
    bench.patience.shown = 2;
    bench.credential = serde_json::from_value(vendor.credential_document()).unwrap();
    bench.secrets.put(SEALED, &"canary".into()).await.unwrap();
    let registry = bench.world.sim.registry().clone();
    registry.fault(RegistrarFault::always(RegistrarEffect::NotApplied));
    let plan = bench.plan();
    let said = failure(&bench.run(&plan).await);
    assert!(said.contains("rolled back"), "{said}");
    assert_eq!(bench.secrets.names(), [""; 0]);

    // On another try there is something to take back again.
    registry.clear_faults();
    assert_eq!(bench.run(&plan).await.outcome, RunOutcome::Completed);
    assert_eq!(bench.secrets.names(), [SEALED]);
}

/// What may become of a call; each call meets one of them, each of them several calls.
fn effect_of(call: usize) -> RegistrarEffect {
    let effects = [
        RegistrarEffect::DropRequest,
        RegistrarEffect::DropResponse,
        RegistrarEffect::Error(500),
        RegistrarEffect::ErrorAfterwards(500),
        RegistrarEffect::Garbage,
        RegistrarEffect::RateLimited(1),
    ];
    effects[call % effects.len()].clone()
}

/// Runs a plan, one call of which meets its effect, and again if that stopped it. False once there is no such call.
async fn run_struck(bench: &Bench, plan: &Plan, call: usize) -> bool {
    let (number, effect) = (u32::try_from(call).unwrap(), effect_of(call));
    let registry = bench.world.sim.registry();
    registry.clear_faults();
    registry.take_seen();
    registry.fault(RegistrarFault::at_call(number, effect.clone()));
    let mut report = bench.run(plan).await;
    if report.outcome != RunOutcome::Completed {
        // What cannot be understood may stop the run; it never stops between the ends, and says at which it is.
        let said = failure(&report);
        let ns = bench.world.entry().ns;
        assert!(ns == OLD || ns == OURS, "call {call}, {effect:?}: {said}");
        let is_back = said.contains("was rolled back") || said.contains("is rolled back");
        let was_touched = ["unsign", "point", "drain", "sign", "validate"]
            .iter()
            .any(|step| said.starts_with(step));
        assert_eq!(
            is_back,
            was_touched && ns == OLD,
            "call {call}, {effect:?}: {said}"
        );
        report = bench.run(plan).await;
    }
    assert_eq!(
        report.outcome,
        RunOutcome::Completed,
        "call {call}, {effect:?}: {report:#?}"
    );
    registry.take_seen().len() >= call
}

#[tokio::test]
async fn whatever_happens_at_one_call_the_end_is_the_same() {
    let bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
    let calls = bench.world.sim.registry().take_seen().len();
    assert!(calls > 5, "{calls}");
    everywhere(async |call| {
        let bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
        run_struck(&bench, &bench.plan(), call).await;
        assert_eq!(bench.world.entry().ns, OURS, "call {call}");
        call < calls
    })
    .await;
}

#[tokio::test]
async fn whatever_happens_at_one_call_a_domain_is_given_back() {
    let calls = everywhere(async |call| {
        let bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Signed).await);
        let before = bench.world.entry();
        assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
        let watch = Watch::start(&bench.world.domain, bench.world.probe());
        let restore = bench.restore(bench.snapshot().await);
        let is_struck = run_struck(&bench, &restore, call).await;
        let after = bench.world.entry();
        assert_eq!(
            (after.ns, after.ds.len()),
            (before.ns, before.ds.len()),
            "call {call}"
        );
        let (old, ours) = bench.keys().await;
        watch.assert_unbroken(&old, &ours).await;
        is_struck
    })
    .await;
    assert!(calls > 3, "{calls}");
}

#[tokio::test]
async fn what_somebody_else_changes_meanwhile_is_left_alone() {
    let bench = Bench::new(World::start(RegistrarVendor::Gandi, Before::Plain).await);
    let theirs = ["ns1.theirs.example", "ns2.theirs.example"];
    let registry = bench.world.sim.registry().clone();
    let plan = bench.plan();
    // Between the look and the change: the first read sees the old servers, the next one theirs.
    let meddles = async {
        while bench.output("inspect").await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        registry.put(
            "acme.example",
            RegisteredDomain::on(RegistrarVendor::Gandi, &theirs),
        );
    };
    let (report, ()) = tokio::join!(bench.run(&plan), meddles);
    let said = failure(&report);
    assert!(
        said.contains("somebody else has changed the delegation"),
        "{said}"
    );
    assert!(said.contains("ns1.theirs.example"), "{said}");
    assert_eq!(bench.world.entry().ns, theirs);
}

#[tokio::test]
async fn giving_back_what_leads_elsewhere_is_nothing_to_do() {
    let bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Plain).await);
    assert_eq!(bench.run(&bench.plan()).await.outcome, RunOutcome::Completed);
    let theirs = RegisteredDomain::on(
        RegistrarVendor::Porkbun,
        &["ns1.theirs.example", "ns2.theirs.example"],
    );
    bench.world.sim.registry().put("acme.example", theirs.clone());
    bench.world.publish(&theirs).await;
    let report = bench.run(&bench.restore(bench.snapshot().await)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.world.entry().ns, theirs.ns);
}
