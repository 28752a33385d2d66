//! A host's place on the link of its node, for as long as its session runs.

use std::sync::Arc;

use sovereign_core::agent::{AgentEvent, Heartbeat, ToAgent};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::node::Node;
use super::traffic::Live;
use crate::link_state::{LinkState, Lost};

/// What a session holds of its node. Letting it go ends the link.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) node: Arc<Node>,
    pub(super) number: u64,
    pub(super) lost: Lost,
}

/// What reaches a session from elsewhere.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Orders for the agent.
    pub(super) orders: mpsc::Receiver<ToAgent>,
    /// The agent is to tell its events after [`Seat::follow`].
    pub(super) follow: Arc<Notify>,
    /// The link is to end.
    pub(super) cut: CancellationToken,
}

impl Seat {
    /// Number after which the agent is to tell its events, now that the journal knows so many.
    pub(super) fn follow(&self, journalled: u64) -> Option<u64> {
        self.node.traffic().follow(self.number, journalled)
    }

    /// A heartbeat came.
    pub(super) fn heartbeat(&self, heartbeat: Heartbeat) {
        self.heard(|live| live.heartbeat(heartbeat));
    }

    /// An event came.
    pub(super) fn event(&self, event: AgentEvent) {
        self.heard(Live::progress);
        self.node.traffic().event(self.number, event);
    }

    /// No frame came for a while.
    pub(super) fn quiet(&self) {
        let silent = self
            .node
            .traffic()
            .link(self.number)
            .map(|live| live.silent(Lost::NoFrame));
        if let Some(silent) = silent {
            self.node.announce(self.number, silent);
        }
    }

    /// What is to be told about the end of the link.
    pub(super) fn end(mut self, lost: Lost) {
        self.lost = lost;
    }

    fn heard(&self, note: impl FnOnce(&mut Live)) {
        let up = self.node.traffic().link(self.number).map(|live| {
            note(live);
            live.up.clone()
        });
        if let Some(up) = up {
            self.node.announce(self.number, LinkState::Up(up));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let ended = self
            .node
            .traffic()
            .live
            .take_if(|live| live.number == self.number);
        if let Some(ended) = ended {
            let lost = std::mem::replace(&mut self.lost, Lost::Closed);
            self.node.announce(self.number, ended.silent(lost));
        }
    }
}
