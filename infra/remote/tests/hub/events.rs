//! Events: each once, in order, whatever breaks.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use sovereign_core::agent::ToAgent;
use sovereign_remote::hub::Events;
use sovereign_remote::{Link, NodeBook as _};

use crate::bench::{Agent, Bench};

async fn read(events: &mut Events, up_to: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    while events.read() < up_to {
        let next = tokio::time::timeout(Duration::from_mins(10), events.next()).await;
        seqs.push(next.expect("an event in time").expect("the node is known").seq);
    }
    seqs
}

fn numbers(range: RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

/// Keeps events 1 to `last` and tells them as it is asked to, until the link ends or it has sent so many frames.
async fn keep_ledger(mut agent: Agent, last: u64, frames: u64) {
    let mut next = agent.follow().await + 1;
    for _ in 0..frames {
        let more = async {
            if next > last {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let order = tokio::select! {
            biased;
            order = agent.order() => order,
            () = more => {
                let told = if next > last { agent.beat(None).await } else { agent.tell([next]).await };
                next = (next + 1).min(last + 1);
                if !told {
                    return;
                }
                continue;
            }
        };
        let Some(ToAgent::Follow { after }) = order else {
            return;
        };
        next = after + 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_goes_on_after_what_the_journal_knows() {
    let bench = Bench::new();
    bench.book.heard(&bench.node, 7).await.unwrap();
    let mut events = bench.link.events(bench.last_heard().await);
    let (mut agent, _end) = bench.up("host", "boot", 9).await;
    assert_eq!(agent.follow().await, 7);
    agent.tell(8..=9).await;
    assert_eq!(read(&mut events, 9).await, [8, 9]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_begins_late_has_it_told_again_and_others_hear_nothing_twice() {
    let bench = Bench::new();
    let mut early = bench.link.events(0);
    let (agent, _end) = bench.up("host", "boot", 20).await;
    tokio::spawn(keep_ledger(agent, 20, 1000));
    assert_eq!(read(&mut early, 20).await, numbers(1..=20));
    let mut late = bench.link.events(15);
    let mut later = bench.link.events(3);
    let (late, later) = tokio::join!(read(&mut late, 20), read(&mut later, 20));
    assert_eq!((late, later), (numbers(16..=20), numbers(4..=20)));
    let more = tokio::time::timeout(Duration::from_mins(1), early.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_through_a_flood_misses_nothing() {
    let bench = Bench::new();
    let mut events = bench.link.events(0);
    let (agent, _end) = bench.up("host", "boot", 1000).await;
    tokio::spawn(keep_ledger(agent, 1000, 100_000));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(read(&mut events, 1000).await, numbers(1..=1000));
}

#[tokio::test(start_paused = true)]
async fn events_that_the_agent_has_no_more_are_not_waited_for() {
    let bench = Bench::new();
    let mut early = bench.link.events(0);
    let (mut agent, _end) = bench.up("host", "boot", 9).await;
    assert_eq!(agent.follow().await, 0);
    agent.tell([3, 4, 7]).await;
    assert_eq!(read(&mut early, 7).await, [3, 4, 7]);
    let mut late = bench.link.events(0);
    let reading = tokio::spawn(async move { read(&mut late, 9).await });
    assert_eq!(agent.follow().await, 0);
    agent.tell([8]).await; // It was on its way.
    agent.tell([4, 7, 8, 9]).await;
    assert_eq!(reading.await.unwrap(), [4, 7, 8, 9]);
    assert_eq!(read(&mut early, 9).await, [8, 9]);
}

#[tokio::test(start_paused = true)]
async fn what_is_journalled_and_read_by_everyone_is_not_asked_for_again() {
    let bench = Bench::new();
    let mut slow = bench.link.events(0);
    let (mut agent, _end) = bench.up("host", "boot", 9).await;
    assert_eq!(agent.follow().await, 0);
    agent.tell(1..=6).await;
    assert_eq!(read(&mut slow, 6).await, numbers(1..=6));
    bench.book.heard(&bench.node, 5).await.unwrap();
    let mut next = bench.link.events(5);
    let reading = tokio::spawn(async move { read(&mut next, 6).await });
    assert_eq!(agent.follow().await, 5);
    agent.tell([6, 7]).await;
    assert_eq!(reading.await.unwrap(), [6]);
    assert_eq!(read(&mut slow, 7).await, [7]);
}

#[tokio::test(start_paused = true)]
async fn every_reader_gets_every_event_once_whenever_links_break() {
    const LAST: u64 = 300;
    for seed in 0..20 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let bench = Bench::new();
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (after, delay) = (random.random_range(0..LAST), random.random_range(0..20));
                tokio::spawn(reader(bench.link.clone(), after, delay))
            })
            .collect();
        let breaks: Vec<u64> = (0..30).map(|_| random.random_range(1..80)).collect();
        let (hub, node) = (bench.hub.clone(), bench.node.clone());
        let agent = tokio::spawn(async move {
            let bench = Bench {
                link: hub.link(&node),
                hub,
                node,
                book: bench.book,
            };
            for frames in breaks.into_iter().chain([100_000]) {
                let (agent, _end) = bench.up("host", "boot", LAST).await;
                keep_ledger(agent, LAST, frames).await;
            }
        });
        for reader in readers {
            let (after, seqs) = reader.await.unwrap();
            assert_eq!(seqs, numbers(after + 1..=LAST), "seed {seed}");
        }
        agent.abort();
    }
}

async fn reader(link: Link, after: u64, delay: u64) -> (u64, Vec<u64>) {
    tokio::time::sleep(Duration::from_secs(delay)).await;
    let mut events = link.events(after);
    (after, read(&mut events, 300).await)
}
