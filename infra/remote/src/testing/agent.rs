//! The agent's side of a link, told what to say.

use jiff::Timestamp;
use sovereign_core::agent::{
    AgentEvent, AgentEventKind, Doing, FromAgent, Heartbeat, Hello, PROTOCOL, ToAgent,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::frames::Frames;

/// An agent that keeps events 1 to `last_seq` and does only what it is told to.
#[derive(Debug)]
pub struct TestAgent<S> {
    frames: Frames<S, ToAgent, FromAgent>,
}

impl<S: AsyncRead + AsyncWrite> TestAgent<S> {
    /// Opens a link.
    pub async fn open(stream: S, hello: Hello) -> Self {
        let mut frames = Frames::new(stream);
        frames
            .send(&FromAgent::Hello(hello))
            .await
            .expect("hello is said");
        Self { frames }
    }

    /// The next order; `None` once the installer ended the link.
    pub async fn order(&mut self) -> Option<ToAgent> {
        self.frames.receive().await.ok().flatten()
    }

    /// The number after which events are to be told; the next order must be [`ToAgent::Follow`].
    pub async fn follow(&mut self) -> u64 {
        match self.order().await {
            Some(ToAgent::Follow { after }) => after,
            other => panic!("`Follow` was to come, and {other:?} came"),
        }
    }

    /// Tells events of these numbers. False if the link is no more.
    pub async fn tell(&mut self, seqs: impl IntoIterator<Item = u64>) -> bool {
        for seq in seqs {
            if !self.say(FromAgent::Event(event(seq))).await {
                return false;
            }
        }
        true
    }

    /// Shows that it lives. False if the link is no more.
    pub async fn beat(&mut self, doing: Option<Doing>) -> bool {
        let clock = Timestamp::now();
        self.say(FromAgent::Heartbeat(Heartbeat { clock, doing })).await
    }

    /// Says anything. False if the link is no more.
    pub async fn say(&mut self, frame: FromAgent) -> bool {
        self.frames.send(&frame).await.is_ok()
    }
}

/// What an agent on a healthy host says first.
pub fn hello(node: &str, host_id: &str, boot_id: &str, last_seq: u64) -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: "0.0.0".to_owned(),
        binary: "0".repeat(64),
        node: node.to_owned(),
        boot_id: boot_id.to_owned(),
        host_id: host_id.to_owned(),
        clock: Timestamp::now(),
        applied: None,
        serves: None,
        kit: None,
        runs: None,
        last_seq,
    }
}

/// Some event of that number.
pub fn event(seq: u64) -> AgentEvent {
    AgentEvent {
        seq,
        at: Timestamp::UNIX_EPOCH,
        kind: AgentEventKind::Converged {
            digest: seq.to_string(),
            changed: 0,
        },
    }
}
