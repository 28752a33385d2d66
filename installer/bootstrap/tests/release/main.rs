//! A host that calls is let go of by its last word alone: one that is off, or says nothing, is not.
//!
//! Needs `hcloud`, which switches servers of the lab on and off.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod let_go;

use jiff::Timestamp;
use sovereign_core::agent::{AgentEvent, AgentEventKind, FromAgent, ToAgent};
use sovereign_core::event::RunOutcome;

use crate::bench::{Agent, Bench};

/// Number of the agent's last word.
const SEQ: u64 = 7;

/// An agent that calls until it is told to let go.
async fn told_to_let_go(bench: &Bench) -> Agent {
    loop {
        let mut agent = bench.agent().await;
        while let Some(order) = agent.order().await {
            if matches!(order, ToAgent::Release(_)) {
                return agent;
            }
        }
    }
}

async fn say_the_last_word(agent: &mut Agent) {
    let event = AgentEvent {
        seq: SEQ,
        at: Timestamp::now(),
        kind: AgentEventKind::Released,
    };
    assert!(agent.say(FromAgent::Event(event)).await, "the link stands");
}

/// Waits until the installer says that it has noted the last word.
async fn is_noted(agent: &mut Agent) {
    while let Some(order) = agent.order().await {
        if order == (ToAgent::Follow { after: SEQ }) {
            return;
        }
    }
    panic!("the link ended before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_off_is_said_to_be_off_and_let_go_of_once_it_is_back() {
    let bench = Bench::start().await;
    bench.server("poweroff");
    // An installer that died while it waited: its step may have had an effect.
    bench.run_until(|journal| journal.contains("is `off`")).await;
    let run = bench.run();
    let back = async {
        bench
            .until(|journal| journal.matches("is `off`").count() > 1)
            .await;
        assert!(
            !bench.journal().await.contains("does not call"),
            "silence is no proof"
        );
        bench.server("poweron");
        let mut agent = told_to_let_go(&bench).await;
        say_the_last_word(&mut agent).await;
        is_noted(&mut agent).await;
    };
    let (report, ()) = tokio::join!(run, back);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert!(bench.journal().await.contains("said goodbye, ended"));
}

/// The agent goes only when its word is noted, so that another installer has to hear it as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_installer_that_dies_before_the_last_word_is_noted_asks_again() {
    let bench = Bench::start().await;
    let dies = bench.run_until(|journal| journal.contains("last word"));
    let ((), agent) = tokio::join!(dies, told_to_let_go(&bench));
    drop(agent);

    let goes = async {
        let mut agent = told_to_let_go(&bench).await;
        say_the_last_word(&mut agent).await;
        is_noted(&mut agent).await;
        drop(agent);
    };
    let (report, ()) = tokio::join!(bench.run(), goes);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
}

/// Noted, it is for good: the host may lose its power before the agent has ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_installer_that_dies_behind_the_last_word_needs_no_other() {
    let bench = Bench::start().await;
    let dies = bench.run_until(|journal| journal.contains("lets go of the host"));
    let says = async {
        let mut agent = told_to_let_go(&bench).await;
        say_the_last_word(&mut agent).await;
        agent
    };
    let ((), agent) = tokio::join!(dies, says);
    drop(agent);
    let report = bench.run().await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let told = bench.journal().await;
    assert!(told.contains("said goodbye, is off the link"), "{told}");
}
