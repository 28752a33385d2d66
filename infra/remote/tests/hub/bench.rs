use std::sync::Arc;
use std::time::Duration;

use sovereign_core::agent::Hello;
use sovereign_remote::hub::LinkEnd;
use sovereign_remote::testing::{MemoryBook, TestAgent, hello};
use sovereign_remote::{Hub, Link, LinkState, NodeBook, NodeId, Transport};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

pub(crate) struct Bench {
    pub(crate) hub: Arc<Hub>,
    pub(crate) book: Arc<MemoryBook>,
    pub(crate) node: NodeId,
    pub(crate) link: Link,
}

pub(crate) type Agent = TestAgent<DuplexStream>;

impl Bench {
    pub(crate) fn new() -> Self {
        let book = Arc::new(MemoryBook::default());
        let hub = Arc::new(Hub::new(book.clone()));
        let node: NodeId = "acme/cp-1".parse().unwrap();
        let link = hub.link(&node);
        Self {
            hub,
            book,
            node,
            link,
        }
    }

    /// A stream whose other end is attached.
    pub(crate) fn stream(&self) -> (DuplexStream, JoinHandle<LinkEnd>) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let (hub, node) = (self.hub.clone(), self.node.clone());
        let end = tokio::spawn(async move { hub.attach(&node, ours, Transport::Https).await });
        (theirs, end)
    }

    pub(crate) async fn open(&self, hello: Hello) -> (Agent, JoinHandle<LinkEnd>) {
        let (stream, end) = self.stream();
        (TestAgent::open(stream, hello).await, end)
    }

    /// An agent on the link.
    pub(crate) async fn up(
        &self,
        host_id: &str,
        boot_id: &str,
        last_seq: u64,
    ) -> (Agent, JoinHandle<LinkEnd>) {
        let (agent, end) = self.open(hello("cp-1", host_id, boot_id, last_seq)).await;
        self.until(|state| state.up().is_some_and(|up| up.hello.boot_id == boot_id))
            .await;
        (agent, end)
    }

    pub(crate) async fn until(&self, wanted: impl Fn(&LinkState) -> bool) -> LinkState {
        let mut state = self.link.state();
        let seen = async {
            state
                .wait_for(|state| wanted(state))
                .await
                .expect("the hub lives")
                .clone()
        };
        tokio::select! {
            seen = seen => seen,
            () = tokio::time::sleep(Duration::from_mins(1)) => panic!("it came no further than: {}", self.words()),
        }
    }

    pub(crate) fn words(&self) -> String {
        self.link.state().borrow().words()
    }

    pub(crate) async fn last_heard(&self) -> u64 {
        self.book.last_heard(&self.node).await.unwrap()
    }
}

/// Beats until the link ends.
pub(crate) async fn live_on(mut agent: Agent) {
    while agent.beat(None).await {
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
}
