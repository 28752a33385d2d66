//! Reading events as they come.

use std::time::Duration;

use futures::StreamExt as _;
use sovereign_core::event::{Event, EventKind};
use sovereign_engine::follow::follow;
use sovereign_engine::testing::CrashingJournal;
use sovereign_engine::testing::world::Twist;

use crate::bench::Bench;

fn is_end(event: &Event) -> bool {
    matches!(event.kind, EventKind::RunEnded { .. })
}

#[tokio::test(start_paused = true)]
async fn a_follower_sees_every_event_once() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.world.twist("a", [Twist::Slow(Duration::from_secs(7))]);
    let reader = async |after| {
        let mut events = Vec::new();
        let mut stream = std::pin::pin!(follow(bench.journal.clone(), bench.plan.sovereign.clone(), after));
        while let Some(event) = stream.next().await {
            let event = event.expect("the journal is read");
            let end = is_end(&event);
            events.push(event);
            if end {
                break;
            }
        }
        events
    };
    let (_, live, behind) = tokio::join!(bench.up(), reader(0), reader(3));
    let all = bench.events().await;
    assert_eq!(live, all);
    assert_eq!(behind, all[3..]);
    assert_eq!(reader(0).await, all, "a late reader reads the same");
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_told_of_a_failing_journal() {
    let bench = Bench::new(&[]);
    let journal = std::sync::Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    journal.die();
    let events: Vec<_> = follow(journal, bench.plan.sovereign.clone(), 0).collect().await;
    assert!(
        matches!(&events[..], [Err(_)]),
        "one error, then the end: {events:?}"
    );
}
