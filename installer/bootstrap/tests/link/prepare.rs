//! A host that is what it is to be is looked at all the same: what a spec asks of it may be new.

mod bench;

use sovereign_core::agent::{HostCheck, PreflightOrder, PreflightReport, ToAgent, Verdict};
use sovereign_core::event::RunOutcome;

use self::bench::Bench;

const REGISTRY: &str = "registry.acme.example:443";

/// What a host sees that reaches everything, or nothing.
fn report(order: &PreflightOrder, reaches: bool) -> PreflightReport {
    let check = |address: &String| HostCheck {
        name: format!("reach {address}"),
        seen: "a look".into(),
        verdict: if reaches {
            Verdict::Fine
        } else {
            Verdict::Failed {
                reason: "the host needs it".into(),
                remedy: "open the way".into(),
            }
        },
    };
    PreflightReport {
        checks: order.reach.iter().map(check).collect(),
        private_interface: Some("enp7s0".into()),
    }
}

fn is_made_anew(orders: &[ToAgent]) -> bool {
    orders.iter().any(|order| matches!(order, ToAgent::Converge(_)))
}

#[tokio::test]
async fn a_host_that_is_as_wanted_is_unchanged_and_asked_for_no_room_again() {
    let bench = Bench::new(&[]);
    let (report, orders) = bench
        .run(|order| {
            assert_eq!(order.min_free_disk_mib, 0);
            report(order, true)
        })
        .await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert!(!is_made_anew(&orders), "{orders:?}");
    let told = bench.journal().await;
    assert!(
        told.contains("found: true") && !told.contains("found: false"),
        "{told}"
    );
}

#[tokio::test]
async fn what_it_has_to_reach_by_now_is_waited_for() {
    let bench = Bench::new(&[REGISTRY]);
    let mut looks = 0;
    let (report, orders) = bench
        .run(|order| {
            looks += 1;
            report(order, looks > 1)
        })
        .await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert!(!is_made_anew(&orders), "{orders:?}");
    assert_eq!(looks, 2);
    let told = bench.journal().await;
    assert!(
        told.contains(&format!("reach {REGISTRY} is a look: the host needs it")),
        "{told}"
    );
    assert!(told.contains("open the way"), "{told}");
}
