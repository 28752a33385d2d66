//! The link to a node, as those see it who work with the node.

use std::sync::Arc;

use sovereign_core::agent::ToAgent;
use thiserror::Error;
use tokio::sync::watch;

use super::events::Events;
use super::node::Node;
use crate::link_state::{LinkState, Refused};
use crate::node_id::NodeId;

/// The node is not on the link.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{node}` is not on the link: {state}")]
pub struct NotLinked {
    /// The node.
    pub node: NodeId,
    /// How it stands with it.
    pub state: String,
}

/// The link to a node, up or not. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Link(Arc<Node>);

impl Link {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self(node)
    }

    /// The node.
    pub fn node(&self) -> &NodeId {
        &self.0.id
    }

    /// How it stands with the node, now and from now on. It changes with every frame.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.0.state.subscribe()
    }

    /// The last one that was turned away, whether or not the right host is on the link.
    pub fn refused(&self) -> watch::Receiver<Option<Refused>> {
        self.0.refused.subscribe()
    }

    /// The node's events after a number, each once and in order. The number is [`last_heard`](crate::NodeBook::last_heard)
    /// or a higher one: earlier events are journalled, and the agent may have let go of them.
    pub fn events(&self, after: u64) -> Events {
        Events::new(self.0.clone(), after)
    }

    /// Hands an order to the link. It may break before the agent has it: only an event proves that it was followed, and
    /// every order can be given again.
    pub async fn send(&self, order: ToAgent) -> Result<(), NotLinked> {
        let not_linked = || NotLinked {
            node: self.0.id.clone(),
            state: self.0.state.borrow().words(),
        };
        let orders = self.0.orders().ok_or_else(not_linked)?;
        orders.send(order).await.map_err(|_| not_linked())
    }

    /// Lets the agent know how much of what it told is journalled, [`last_heard`](crate::NodeBook::last_heard). It learns that with
    /// every new link; only one that waits for it has to learn it earlier.
    pub fn acknowledge(&self) {
        self.0.acknowledge();
    }
}
