//! A node's life: up, slow, silent, back, rebooted, gone.

use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::agent::{Doing, FromAgent, Heartbeat, ToAgent};
use sovereign_remote::LinkState;
use sovereign_remote::hub::LinkEnd;
use sovereign_remote::link_state::Lost;
use sovereign_remote::testing::{event, hello};

use crate::bench::{Bench, live_on};

#[tokio::test(start_paused = true)]
async fn a_link_is_up_from_its_hello_until_it_is_closed() {
    let bench = Bench::new();
    assert_eq!(bench.words(), "nothing was heard of it yet");
    let (mut agent, end) = bench.up("host", "boot", 0).await;
    assert_eq!(bench.words(), "up over https");
    assert_eq!(agent.follow().await, 0);
    drop(agent);
    assert_eq!(end.await.unwrap(), LinkEnd::Closed);
    let state = bench
        .until(|state| matches!(state, LinkState::Silent { .. }))
        .await;
    assert!(
        state.words().contains("the host closed the link"),
        "{}",
        state.words()
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_after_two_heartbeats_and_ends_the_link_after_four() {
    let bench = Bench::new();
    let (mut agent, end) = bench.up("host", "boot", 0).await;
    let silent = |state: &LinkState| {
        matches!(
            state,
            LinkState::Silent {
                lost: Lost::NoFrame,
                ..
            }
        )
    };
    let begun = tokio::time::Instant::now();
    bench.until(silent).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert!(agent.beat(None).await);
    bench.until(|state| state.up().is_some()).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(end.await.unwrap(), LinkEnd::Silent);
    assert_eq!(begun.elapsed().as_secs(), 20);
    bench.until(silent).await;
}

#[tokio::test(start_paused = true)]
async fn every_heartbeat_shows_the_hosts_clock() {
    let bench = Bench::new();
    let (mut agent, _end) = bench.up("host", "boot", 0).await;
    let ahead = |state: &LinkState| state.up().map(|up| up.clock_ahead).unwrap();
    assert!(ahead(&bench.link.state().borrow()).abs() < 60);
    let tomorrow = Timestamp::from_second(Timestamp::now().as_second() + 86_400).unwrap();
    let heartbeat = |clock| FromAgent::Heartbeat(Heartbeat { clock, doing: None });
    assert!(agent.say(heartbeat(tomorrow)).await);
    bench.until(|state| ahead(state) > 86_000).await;
    assert!(agent.say(heartbeat(Timestamp::now())).await);
    bench.until(|state| ahead(state).abs() < 60).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_shows_no_progress_is_called_slow() {
    let bench = Bench::new();
    let (mut agent, _end) = bench.up("host", "boot", 1).await;
    let doing = |last_seen: &str| Doing {
        sub_step: "packages".to_owned(),
        last_seen: last_seen.to_owned(),
        for_ms: 0,
    };
    for _ in 0..16 {
        agent.beat(Some(doing("apt waits for a lock"))).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let words = bench.words();
    assert!(
        words.starts_with("slow: `packages` shows no progress for 7"),
        "{words}"
    );
    assert!(words.ends_with("last seen: apt waits for a lock"), "{words}");
    agent.beat(Some(doing("unpacking nftables"))).await;
    bench
        .until(|state| state.words().starts_with("working: `packages`"))
        .await;
    agent.say(FromAgent::Event(event(1))).await;
    agent.beat(None).await;
    bench.until(|state| state.words() == "up over https").await;
}

#[tokio::test(start_paused = true)]
async fn a_reboot_is_told_apart_from_a_link_that_broke() {
    let bench = Bench::new();
    let (agent, _) = bench.up("host", "boot-1", 0).await;
    drop(agent);
    bench.until(|state| state.up().is_none()).await;
    let (agent, _) = bench.up("host", "boot-1", 0).await;
    assert_eq!(bench.words(), "up over https");
    drop(agent);
    bench.until(|state| state.up().is_none()).await;
    let (_agent, _end) = bench.up("host", "boot-2", 0).await;
    assert_eq!(bench.words(), "up over https, back after a reboot");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_reconnects_takes_its_place_over_at_once() {
    let bench = Bench::new();
    let (agent, end) = bench.up("host", "boot", 0).await;
    tokio::spawn(live_on(agent));
    let begun = tokio::time::Instant::now();
    let (mut again, _end) = bench.open(hello("cp-1", "host", "boot", 0)).await;
    assert_eq!(again.follow().await, 0);
    assert_eq!(end.await.unwrap(), LinkEnd::Superseded);
    assert_eq!(begun.elapsed().as_secs(), 0);
    assert!(bench.link.state().borrow().up().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_power_went_takes_over_once_its_old_link_is_seen_to_be_dead() {
    let bench = Bench::new();
    let (_dead, _) = bench.up("host", "boot-1", 0).await;
    let (mut agent, _end) = bench.open(hello("cp-1", "host", "boot-2", 0)).await;
    assert_eq!(agent.follow().await, 0);
    assert_eq!(bench.words(), "up over https, back after a reboot");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_given_up_leaves_the_node_silent() {
    let bench = Bench::new();
    let (_agent, end) = bench.up("host", "boot", 0).await;
    end.abort();
    bench
        .until(|state| matches!(state, LinkState::Silent { .. }))
        .await;
    assert!(bench.link.send(ToAgent::Leave).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_are_told_while_the_node_is_away() {
    let bench = Bench::new();
    bench
        .hub
        .tried(&bench.node, "192.0.2.7:22 refuses the connection");
    assert_eq!(
        bench.words(),
        "nothing was heard of it yet; 192.0.2.7:22 refuses the connection"
    );
    let (agent, end) = bench.up("host", "boot", 0).await;
    bench.hub.tried(&bench.node, "never mind");
    assert_eq!(bench.words(), "up over https");
    drop(agent);
    end.await.unwrap();
    bench.hub.tried(&bench.node, "192.0.2.7:22 timed out");
    assert!(
        bench.words().ends_with("; 192.0.2.7:22 timed out"),
        "{}",
        bench.words()
    );
}

#[tokio::test(start_paused = true)]
async fn orders_reach_the_agent_after_follow_or_are_not_taken() {
    let bench = Bench::new();
    let error = bench.link.send(ToAgent::Leave).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`acme/cp-1` is not on the link: nothing was heard of it yet"
    );
    let (mut agent, _end) = bench.up("host", "boot", 0).await;
    bench.link.send(ToAgent::MakeHostKeys).await.unwrap();
    assert_eq!(agent.follow().await, 0);
    assert_eq!(agent.order().await, Some(ToAgent::MakeHostKeys));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_node_is_off_the_link_and_its_readers_are_let_go() {
    let bench = Bench::new();
    let mut events = bench.link.events(0);
    let (_agent, end) = bench.up("host", "boot", 0).await;
    bench.hub.forget(&bench.node.sovereign).await.unwrap();
    assert_eq!(end.await.unwrap(), LinkEnd::Superseded);
    assert!(events.next().await.is_none());
    assert_eq!(
        bench.hub.link(&bench.node).state().borrow().words(),
        "nothing was heard of it yet"
    );
}
