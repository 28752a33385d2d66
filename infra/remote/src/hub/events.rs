//! A reader of a node's events.

use std::sync::Arc;

use sovereign_core::agent::AgentEvent;
use tokio::sync::{mpsc, watch};

use super::node::Node;
use crate::link_state::LinkState;

/// A node's events after a number, each once and in order, across links.
#[derive(Debug)]
pub struct Events {
    node: Arc<Node>,
    read: u64,
    queue: mpsc::Receiver<Arc<AgentEvent>>,
    state: watch::Receiver<LinkState>,
}

impl Events {
    pub(super) fn new(node: Arc<Node>, after: u64) -> Self {
        let queue = node.traffic().read(after);
        let state = node.state.subscribe();
        Self {
            node,
            read: after,
            queue,
            state,
        }
    }

    /// Number of the last event that was read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Waits for the next event, however long the node is away; `None` once the node is forgotten or
    /// has another host, whose events begin anew. Giving up on the call
    /// loses nothing.
    pub async fn next(&mut self) -> Option<Arc<AgentEvent>> {
        loop {
            self.node.traffic().ask_again(self.read, &self.queue);
            tokio::select! {
                biased;
                () = self.node.gone.cancelled() => return None,
                event = self.queue.recv() => {
                    self.read = event.as_ref().map_or(self.read, |event| event.seq);
                    return event;
                }
                // A new link, or a sign of life: what found no room before may be had now.
                _ = self.state.changed() => {}
            }
        }
    }
}
