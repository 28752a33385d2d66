//! A host is enrolled once. It is asked to answer by every later run, and to tell nothing that it told before.

use std::time::Duration;

use sovereign_core::event::RunOutcome;
use tokio::time::sleep;

use crate::bench::{Bench, PATIENCE, enrol};

/// Longer than a run waits for a host that was enrolled before it takes it for a new one.
const LATE: Duration = Duration::from_secs(11);

/// An agent whose installer was away calls less and less often. It told its start to the run before, and does not again.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_known_and_late_is_gone_on_with() {
    let bench = Bench::of(enrol, PATIENCE).await;
    bench.heard(1).await;
    let calls = async {
        sleep(LATE).await;
        let agent = bench.agent().await;
        bench.until(|journal| journal.contains("StepSucceeded")).await;
        drop(agent);
    };
    let (report, ()) = tokio::join!(bench.run(), calls);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
}
