//! Lost answers and errors at each call, and what an interrupted change leaves behind.

use sovereign_dns::ErrorClass;
use sovereign_dns::registrar::{Cause, Delegation, Progress, Submitted, Target};
use sovereign_lab::{RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, NEW, OLD, ns, signer, words};

/// A change of everything that the registrar takes.
fn everything(bench: &Bench) -> Target {
    let target = Target::ns(ns(&NEW));
    if bench.takes_ds() {
        target.with_ds(vec![signer(&bench.domain, 3), signer(&bench.domain, 4)])
    } else {
        target
    }
}

async fn clean_calls(vendor: RegistrarVendor) -> u32 {
    let bench = Bench::start(vendor).await;
    let before = bench.read().await;
    bench.sim.registry().take_seen();
    bench.set(&before, &everything(&bench)).await.unwrap();
    u32::try_from(bench.sim.registry().take_seen().len()).unwrap()
}

/// Whatever happens at whichever call: the same `set`, sent again by a process that knows nothing, brings it to its end.
#[tokio::test]
async fn the_same_call_again_ends_what_was_interrupted() {
    for vendor in RegistrarVendor::ALL {
        let calls = clean_calls(vendor).await;
        assert!(calls >= 2, "{vendor:?}");
        for effect in [
            RegistrarEffect::DropRequest,
            RegistrarEffect::DropResponse,
            RegistrarEffect::Error(500),
            RegistrarEffect::ErrorAfterwards(502),
            RegistrarEffect::RateLimited(1),
            RegistrarEffect::Garbage,
        ] {
            for number in 1..=calls {
                let mut bench = Bench::start(vendor).await;
                let before = bench.read().await;
                let target = everything(&bench);
                let fault = RegistrarFault::at_call(number, effect.clone());
                bench.sim.registry().fault(fault);
                let first = bench.set(&before, &target).await;
                let at = format!("{vendor:?}, {effect:?} at call {number}: {first:?}");
                if let Err(error) = &first {
                    assert!(!error.remedy.is_empty() && !error.message.is_empty(), "{at}");
                }
                bench.sim.registry().clear_faults();
                bench.restart();
                end(&bench, &before, &target, &at).await;
            }
        }
    }
}

/// Sends the same again until it is so; a running change is waited for.
async fn end(bench: &Bench, before: &Delegation, target: &Target, at: &str) {
    for _ in 0..5 {
        match bench.set(before, target).await {
            Ok(Submitted::Pending(task)) => {
                assert_eq!(bench.follow(&task, target).await, Progress::Done, "{at}");
            }
            Ok(Submitted::Applied(_) | Submitted::Unchanged) => {
                bench.assert_met(target).await;
                return;
            }
            // GoDaddy runs one action of a kind at a time.
            Err(error) if error.cause == Cause::Busy => {
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            }
            Err(error) => panic!("{at}; then {}", words(&error)),
        }
    }
    bench.assert_met(target).await;
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_settled_by_looking() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let target = Target::ns(ns(&NEW));
        bench
            .sim
            .registry()
            .fault(RegistrarFault::at_write(RegistrarEffect::DropResponse));
        let settled = bench.set(&before, &target).await;
        let is_settled = match (vendor, &settled) {
            // What is done later may be done by the time that it is looked at.
            (_, Ok(Submitted::Applied(_))) => true,
            // Accepted without a number, and not visible yet: nobody can know.
            (RegistrarVendor::Gandi, Err(error)) => error.class() == ErrorClass::Unsettled,
            (RegistrarVendor::Ovh, Ok(Submitted::Pending(task))) => task.id.is_some(),
            _ => false,
        };
        assert!(is_settled, "{vendor:?}: {settled:?}");
        end(&bench, &before, &target, "after a lost answer").await;
    }
}

#[tokio::test]
async fn somebody_elses_change_is_never_written_over() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let foreign = ["ns1.foreign.example", "ns2.old.example"];
        bench.sim.registry().put(
            bench.domain.as_str(),
            sovereign_lab::RegisteredDomain::on(vendor, &foreign),
        );
        bench.writes();
        let error = bench.set(&before, &everything(&bench)).await.unwrap_err();
        let Cause::Changed(found) = &error.cause else {
            panic!("{vendor:?}: {}", words(&error));
        };
        assert!(found.contains("ns1.foreign.example"), "{found}");
        assert!(error.to_string().contains(OLD[0]), "{error}");
        assert_eq!(error.class(), ErrorClass::Stop);
        assert_eq!(bench.writes(), [] as [String; 0], "{vendor:?}");
        assert_eq!(bench.entry().ns, foreign, "{vendor:?}");
    }
}

#[tokio::test]
async fn a_foreign_key_counts_as_a_change() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        if !bench.takes_ds() {
            continue;
        }
        let before = bench.read().await;
        let foreign = Target::ns(ns(&OLD)).with_ds(vec![signer(&bench.domain, 66)]);
        bench.reach(&before, &foreign).await;
        bench.writes();
        let error = bench.set(&before, &everything(&bench)).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Changed(_)), "{}", words(&error));
        assert_eq!(bench.writes(), [] as [String; 0], "{vendor:?}");
    }
}

#[tokio::test]
async fn done_is_said_only_of_what_is_there() {
    for vendor in RegistrarVendor::ALL {
        for effect in [RegistrarEffect::NotApplied, RegistrarEffect::Partial] {
            let by_task = matches!(vendor, RegistrarVendor::Gandi | RegistrarVendor::Ovh);
            if effect == RegistrarEffect::Partial && by_task {
                // Tasks are whole.
                continue;
            }
            let bench = Bench::start(vendor).await;
            let before = bench.read().await;
            let target = Target::ns(ns(&NEW));
            bench
                .sim
                .registry()
                .fault(RegistrarFault::at_write(effect.clone()));
            let submitted = bench.set(&before, &target).await.unwrap();
            let Submitted::Pending(task) = submitted else {
                panic!("{vendor:?}, {effect:?}: {submitted:?}");
            };
            tokio::time::sleep(std::time::Duration::from_millis(70)).await;
            let progress = bench.host.progress(&bench.domain, &task, &target).await.unwrap();
            let Progress::Running(seen) = &progress else {
                panic!("{vendor:?}, {effect:?}: {progress:?}");
            };
            let shown = if effect == RegistrarEffect::NotApplied {
                OLD[0]
            } else {
                NEW[0]
            };
            assert!(seen.contains(shown), "{vendor:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_slow_registrar_is_waited_for() {
    let bench = Bench::start(RegistrarVendor::Porkbun).await;
    let before = bench.read().await;
    bench
        .sim
        .registry()
        .fault(RegistrarFault::always(RegistrarEffect::Slow(50)));
    bench.reach(&before, &Target::ns(ns(&NEW))).await;
}
