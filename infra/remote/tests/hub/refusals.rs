//! Who is turned away from the link, and that it is told.

use std::time::Duration;

use sovereign_core::agent::{MAX_FRAME, PROTOCOL};
use sovereign_remote::LinkState;
use sovereign_remote::hub::LinkEnd;
use sovereign_remote::link_state::RefusedReason;
use sovereign_remote::testing::hello;
use tokio::io::AsyncWriteExt as _;

use crate::bench::{Bench, live_on};

fn reason(end: &LinkEnd) -> Option<RefusedReason> {
    match end {
        LinkEnd::Refused(refused) => Some(refused.reason),
        _ => None,
    }
}

impl Bench {
    /// The node is off the link and this is why.
    fn expect_told(&self, reason: RefusedReason) {
        let state = self.link.state().borrow().clone();
        let LinkState::Refused(told) = &state else {
            panic!("{}", state.words());
        };
        assert_eq!(told.reason, reason);
        assert!(!told.remedy.is_empty());
        assert_eq!(self.link.refused().borrow().as_ref(), Some(told));
    }
}

#[tokio::test(start_paused = true)]
async fn another_version_of_the_protocol() {
    let bench = Bench::new();
    let mut hello = hello("cp-1", "host", "boot", 0);
    hello.protocol = PROTOCOL + 1;
    let (mut agent, end) = bench.open(hello).await;
    assert_eq!(agent.order().await, None);
    assert_eq!(reason(&end.await.unwrap()), Some(RefusedReason::Protocol));
    bench.expect_told(RefusedReason::Protocol);
    assert!(bench.words().contains("it speaks version 2"), "{}", bench.words());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_agent() {
    for first in [
        "HTTP/1.1 400 Bad Request\r\n",
        "{\"say\":\"heartbeat\",\"clock\":\"2026-01-01T00:00:00Z\"}\n",
    ] {
        let bench = Bench::new();
        let (mut stream, end) = bench.stream();
        stream.write_all(first.as_bytes()).await.unwrap();
        assert_eq!(
            reason(&end.await.unwrap()),
            Some(RefusedReason::Protocol),
            "{first}"
        );
        bench.expect_told(RefusedReason::Protocol);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_without_end() {
    let bench = Bench::new();
    let (mut stream, end) = bench.stream();
    let flood = vec![b'x'; MAX_FRAME + 2];
    // The hub hangs up in the middle of it.
    let _ = stream.write_all(&flood).await;
    assert_eq!(reason(&end.await.unwrap()), Some(RefusedReason::Protocol));
}

#[tokio::test(start_paused = true)]
async fn one_that_says_nothing() {
    let bench = Bench::new();
    let (_stream, end) = bench.stream();
    assert_eq!(end.await.unwrap(), LinkEnd::NoHello);
    assert!(
        bench.words().contains("did not say who it is"),
        "{}",
        bench.words()
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_of_another_name() {
    let bench = Bench::new();
    let (_agent, end) = bench.open(hello("cp-2", "host", "boot", 0)).await;
    assert_eq!(reason(&end.await.unwrap()), Some(RefusedReason::Identity));
    bench.expect_told(RefusedReason::Identity);
}

#[tokio::test(start_paused = true)]
async fn a_clone_while_the_host_is_alive() {
    for (host, boot) in [("other host", "boot"), ("host", "other boot")] {
        let bench = Bench::new();
        let (agent, _) = bench.up("host", "boot", 0).await;
        let alive = tokio::spawn(live_on(agent));
        let (_clone, end) = bench.open(hello("cp-1", host, boot, 0)).await;
        assert_eq!(
            reason(&end.await.unwrap()),
            Some(RefusedReason::Duplicate),
            "{host}/{boot}"
        );
        assert!(bench.link.state().borrow().up().is_some(), "the right one stays");
        let told = bench.link.refused().borrow().clone().unwrap();
        assert!(
            told.why.contains("a second host says to be `acme/cp-1`"),
            "{}",
            told.why
        );
        assert!(!alive.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn another_host_until_it_is_expected() {
    let bench = Bench::new();
    let (mut waiting, mut reading) = (bench.link.events(0), bench.link.events(7));
    let (agent, end) = bench.up("host", "boot", 0).await;
    drop(agent);
    end.await.unwrap();
    let (_agent, end) = bench.open(hello("cp-1", "new host", "new boot", 0)).await;
    assert_eq!(reason(&end.await.unwrap()), Some(RefusedReason::Replaced));
    bench.expect_told(RefusedReason::Replaced);
    bench.hub.expect_new_host(&bench.node).await.unwrap();
    assert_eq!(bench.words(), "nothing was heard of it yet");
    let (mut agent, _end) = bench.up("new host", "new boot", 1).await;
    agent.tell([1]).await;
    assert!(waiting.next().await.is_some(), "nothing of the old host was read");
    assert!(reading.next().await.is_none(), "the numbers begin anew");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_lost_its_memory() {
    use sovereign_remote::NodeBook as _;
    let bench = Bench::new();
    bench.book.heard(&bench.node, 5).await.unwrap();
    let (_agent, end) = bench.open(hello("cp-1", "host", "boot", 4)).await;
    assert_eq!(reason(&end.await.unwrap()), Some(RefusedReason::Ledger));
    bench.expect_told(RefusedReason::Ledger);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_takes_nothing_in() {
    let bench = Bench::new();
    let (mut agent, end) = bench.up("host", "boot", 0).await;
    let filler = "x".repeat(MAX_FRAME / 2);
    let mut config = serde_json::json!({"say": "preflight", "minCpus": 0, "minMemoryMib": 0, "minFreeDiskMib": 0, "metadata": false});
    config["reach"] = serde_json::json!([filler]);
    let order = serde_json::from_value(config).unwrap();
    bench.link.send(order).await.unwrap();
    for _ in 0..4 {
        agent.beat(None).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    assert_eq!(
        end.await.unwrap(),
        LinkEnd::Broken("the host takes nothing in".to_owned())
    );
}
