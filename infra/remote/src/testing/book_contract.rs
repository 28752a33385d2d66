//! What every book must do.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::book::{Met, NodeBook, Redeemed, Refusal};
use crate::node_id::NodeId;

const TICKET: &str = "11aa";
const OTHER_TICKET: &str = "22bb";
const KEY: &str = "k1";
const OTHER_KEY: &str = "k2";

/// Checks a book. `open` opens the same storage once more, as another process would; it is empty at first.
pub async fn book_contract(open: impl AsyncFn() -> Arc<dyn NodeBook>) {
    let check = Check {
        book: open().await,
        again: open().await,
        now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000),
    };
    check.a_ticket_is_good_once().await;
    check.tickets_expire_and_are_bound_to_their_node().await;
    check.a_new_ticket_makes_a_new_host().await;
    check.one_of_many_wins().await;
    check.hosts_and_keys_are_kept().await;
    check.numbers_only_grow().await;
    check.forgetting_is_complete_and_no_more().await;
}

fn node(text: &str) -> NodeId {
    text.parse().expect("a node")
}

struct Check {
    book: Arc<dyn NodeBook>,
    again: Arc<dyn NodeBook>,
    now: Timestamp,
}

impl Check {
    async fn issue(&self, node: &NodeId, ticket: &str) {
        let until = self.now + SignedDuration::from_secs(60);
        let issued = self.book.issue_ticket(node, ticket, until).await;
        issued.expect("a ticket is issued");
    }

    async fn redeem(&self, node: &NodeId, ticket: &str, key: &str) -> Redeemed {
        let redeemed = self.again.redeem(node, ticket, key, self.now).await;
        redeemed.expect("an answer")
    }

    async fn identity(&self, node: &NodeId) -> Option<String> {
        self.book.identity(node).await.expect("an answer")
    }

    async fn last_heard(&self, node: &NodeId) -> u64 {
        self.again.last_heard(node).await.expect("an answer")
    }

    async fn a_ticket_is_good_once(&self) {
        let node = node("alpha/once");
        self.issue(&node, "once").await;
        assert_eq!(self.identity(&node).await, None);
        assert_eq!(self.redeem(&node, "once", KEY).await, Redeemed::Yes);
        assert_eq!(self.identity(&node).await.as_deref(), Some(KEY));
        assert_eq!(self.redeem(&node, "once", KEY).await, Redeemed::Again);
        let stolen = self.redeem(&node, "once", OTHER_KEY).await;
        assert_eq!(stolen, Redeemed::Refused(Refusal::Used));
        assert_eq!(
            self.identity(&node).await.as_deref(),
            Some(KEY),
            "a refusal changes nothing"
        );
        let renewal = self.redeem(&node, "never issued", KEY).await;
        assert_eq!(
            renewal,
            Redeemed::Again,
            "a key that is the identity needs no ticket"
        );
    }

    async fn tickets_expire_and_are_bound_to_their_node(&self) {
        let (bound, other) = (node("alpha/bound"), node("beta/bound"));
        self.issue(&bound, TICKET).await;
        assert_eq!(
            self.redeem(&other, TICKET, KEY).await,
            Redeemed::Refused(Refusal::Unknown)
        );
        assert_eq!(
            self.redeem(&bound, "made up", KEY).await,
            Redeemed::Refused(Refusal::Unknown)
        );
        let end = self.now + SignedDuration::from_secs(60);
        let late = self
            .book
            .redeem(&bound, TICKET, KEY, end)
            .await
            .expect("an answer");
        assert_eq!(late, Redeemed::Refused(Refusal::Expired));
        assert_eq!(
            self.redeem(&bound, TICKET, KEY).await,
            Redeemed::Yes,
            "it was never used"
        );
        let again = self
            .book
            .redeem(&bound, TICKET, KEY, end)
            .await
            .expect("an answer");
        assert_eq!(
            again,
            Redeemed::Again,
            "a lost answer may be asked for at any time"
        );
    }

    async fn a_new_ticket_makes_a_new_host(&self) {
        let node = node("alpha/renewed");
        self.issue(&node, "first").await;
        self.issue(&node, "spare").await;
        assert_eq!(self.redeem(&node, "first", KEY).await, Redeemed::Yes);
        let spare = self.redeem(&node, "spare", OTHER_KEY).await;
        assert_eq!(spare, Redeemed::Refused(Refusal::Used), "it went with the first");
        self.book.meet(&node, "host-1").await.expect("met");
        self.book.heard(&node, 9).await.expect("noted");
        self.issue(&node, OTHER_TICKET).await;
        assert_eq!(
            self.identity(&node).await.as_deref(),
            Some(KEY),
            "issuing revokes nothing"
        );
        assert_eq!(self.redeem(&node, OTHER_TICKET, OTHER_KEY).await, Redeemed::Yes);
        assert_eq!(self.identity(&node).await.as_deref(), Some(OTHER_KEY));
        assert_eq!(self.last_heard(&node).await, 0, "its events begin anew");
        assert_eq!(self.book.meet(&node, "host-2").await.expect("met"), Met::First);
    }

    async fn one_of_many_wins(&self) {
        let node = node("alpha/raced");
        self.issue(&node, "raced").await;
        let keys: Vec<String> = (0..8).map(|n| format!("key-{n}")).collect();
        let attempts = keys.iter().zip([&self.book, &self.again].into_iter().cycle());
        let attempts = attempts.map(|(key, book)| book.redeem(&node, "raced", key, self.now));
        let outcomes = futures::future::join_all(attempts).await;
        let won = outcomes.iter().filter(|o| matches!(o, Ok(Redeemed::Yes))).count();
        assert_eq!(won, 1, "{outcomes:?}");
    }

    async fn hosts_and_keys_are_kept(&self) {
        let node = node("alpha/kept");
        assert_eq!(self.book.meet(&node, "host-1").await.expect("met"), Met::First);
        assert_eq!(self.again.meet(&node, "host-1").await.expect("met"), Met::Same);
        assert_eq!(self.again.meet(&node, "host-2").await.expect("met"), Met::Other);
        assert_eq!(self.book.meet(&node, "host-1").await.expect("met"), Met::Same);
        assert!(self.book.host_keys(&node).await.expect("an answer").is_empty());
        let keys = [
            "ssh-ed25519 AAAA".to_owned(),
            "ecdsa-sha2-nistp256 BBBB".to_owned(),
        ];
        self.book.put_host_keys(&node, &keys).await.expect("kept");
        self.book.put_host_keys(&node, &keys[1..]).await.expect("kept");
        assert_eq!(self.again.host_keys(&node).await.expect("an answer"), &keys[1..]);
        assert_eq!(
            self.book.meet(&node, "host-1").await.expect("met"),
            Met::Same,
            "keys are no host"
        );
    }

    async fn numbers_only_grow(&self) {
        let node = node("alpha/counted");
        assert_eq!(self.last_heard(&node).await, 0);
        for (heard, last) in [(3, 3), (7, 7), (5, 7)] {
            self.book.heard(&node, heard).await.expect("noted");
            assert_eq!(self.last_heard(&node).await, last);
        }
    }

    async fn forgetting_is_complete_and_no_more(&self) {
        let (gone, kept, far) = (node("gone-one/a"), node("gone-one/b"), node("gone/a"));
        for node in [&gone, &kept, &far] {
            self.issue(node, &format!("forget {node}")).await;
            self.book.meet(node, "host").await.expect("met");
            self.book.heard(node, 4).await.expect("noted");
            self.book
                .put_host_keys(node, &["k".to_owned()])
                .await
                .expect("kept");
        }
        self.again.forget_node(&gone).await.expect("forgotten");
        self.expect_forgotten(&gone).await;
        assert_eq!(self.last_heard(&kept).await, 4);
        self.again.forget(&kept.sovereign).await.expect("forgotten");
        self.expect_forgotten(&kept).await;
        assert_eq!(self.last_heard(&far).await, 4, "a look-alike name is not touched");
    }

    async fn expect_forgotten(&self, node: &NodeId) {
        let ticket = self.redeem(node, &format!("forget {node}"), KEY).await;
        assert_eq!(ticket, Redeemed::Refused(Refusal::Unknown));
        assert_eq!(self.last_heard(node).await, 0);
        assert!(self.book.host_keys(node).await.expect("an answer").is_empty());
        assert_eq!(self.identity(node).await, None);
    }
}
