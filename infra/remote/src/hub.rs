//! Every link of one installer process: who may be on it, how each node stands, and the way of events and orders.
//!
//! - **One link a node.** A host that reconnects takes its place over; a second host is turned away. A host with another
//!   boot takes over only once the link before is seen to be dead: a clone's is not.
//! - **Events come once and in order** to each reader of [`Link::events`], across broken links and restarts of either
//!   side. The agent keeps them on disk; nothing is stored here. A reader that begins late, or falls behind, makes the
//!   hub ask the agent again ([`Follow`](sovereign_core::agent::ToAgent::Follow)), so memory stays bounded whatever a reader does.
//! - **Turned away is told**: [`Link::refused`] has the last one, and the state is [`LinkState::Refused`] unless
//!   the right host is on the link.

mod enrol;
mod events;
mod join;
mod link;
mod node;
mod seat;
mod session;
mod traffic;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::ServerConfig;
use sovereign_core::name::SovereignName;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::authority::{Authority, AuthorityError};
use crate::book::{BookError, NodeBook};
use crate::depot::Depot;
use crate::link_state::{LinkState, Refused, RefusedReason, Transport};
use crate::node_id::NodeId;

use self::node::Node;

pub use self::enrol::{EnrolError, Enrolled};
pub use self::events::Events;
pub use self::link::{Link, NotLinked};
pub use self::session::LinkEnd;

/// Every link of one installer process.
pub struct Hub {
    book: Arc<dyn NodeBook>,
    authority: Option<Authority>,
    depot: Depot,
    nodes: Mutex<HashMap<NodeId, Arc<Node>>>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("book", &self.book)
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub that hosts cannot enrol with: for links over SSH.
    pub fn new(book: Arc<dyn NodeBook>) -> Self {
        Self {
            book,
            authority: None,
            depot: Depot::default(),
            nodes: Mutex::default(),
        }
    }

    /// Lets hosts enrol, with certificates by this CA.
    #[must_use]
    pub fn with_authority(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// TLS for a listener that hosts call by these names; see [`Authority::server_config`].
    pub fn server_config(&self, names: &[String]) -> Result<ServerConfig, AuthorityError> {
        let authority = self.authority.as_ref().ok_or_else(AuthorityError::missing)?;
        authority.server_config(names)
    }

    /// Files that hosts may ask for.
    pub fn depot(&self) -> &Depot {
        &self.depot
    }

    /// What survives about nodes.
    pub(crate) fn book(&self) -> &dyn NodeBook {
        &*self.book
    }

    /// The link to a node, up or not.
    pub fn link(&self, id: &NodeId) -> Link {
        Link::new(self.node(id))
    }

    /// Runs a link over a stream until it ends. The caller has made sure that whoever is at the other end is this node's
    /// host: by its certificate ([`Self::admit`]), or by its SSH host key. Giving up on the call ends the link.
    pub async fn attach<S>(&self, id: &NodeId, stream: S, transport: Transport) -> LinkEnd
    where
        S: AsyncRead + AsyncWrite + Send,
    {
        let node = self.node(id);
        let end = session::run(&*self.book, &self.depot, &node, stream, transport).await;
        tracing::debug!(node = %id, %transport, ?end, "link ended");
        end
    }

    /// Tells what came of a call to a node, for people to read.
    pub fn tried(&self, id: &NodeId, words: &str) {
        self.node(id).tried(words);
    }

    /// Tells of a call that ended before the caller said who it is: it may have been any host that is waited for.
    pub fn called_in_vain(&self, words: &str) {
        for node in self.lock().values() {
            node.tried(words);
        }
    }

    /// Tells that a host was turned away before it came here.
    pub fn turned_away(&self, id: &NodeId, reason: RefusedReason, why: String, remedy: String) {
        self.node(id).refuse(refused(reason, why, remedy));
    }

    /// Before a node's host is made anew: forgets what is known of the old one, and ends its link.
    pub async fn expect_new_host(&self, id: &NodeId) -> Result<(), BookError> {
        self.book.forget_node(id).await?;
        self.node(id).start_over(LinkState::Unheard { tried: None });
        Ok(())
    }

    /// Forgets every node of a Sovereign, in the book, too, and ends their links.
    pub async fn forget(&self, sovereign: &SovereignName) -> Result<(), BookError> {
        let mut gone = Vec::new();
        self.lock().retain(|id, node| {
            let stays = id.sovereign != *sovereign;
            if !stays {
                gone.push(node.clone());
            }
            stays
        });
        for node in gone {
            node.end();
        }
        self.book.forget(sovereign).await
    }

    fn node(&self, id: &NodeId) -> Arc<Node> {
        let mut nodes = self.lock();
        let made = || Arc::new(Node::new(id.clone()));
        nodes.entry(id.clone()).or_insert_with(made).clone()
    }

    /// A node that somebody here asked for. Strangers must not be able to fill the memory with names.
    fn known(&self, id: &NodeId) -> Option<Arc<Node>> {
        self.lock().get(id).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NodeId, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(reason: RefusedReason, why: String, remedy: String) -> Refused {
    Refused {
        at: Timestamp::now(),
        reason,
        why,
        remedy,
    }
}
