//! Tickets, keys and certificates.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use sovereign_remote::hub::{EnrolError, Enrolled, LinkEnd};
use sovereign_remote::link_state::RefusedReason;
use sovereign_remote::testing::MemoryBook;
use sovereign_remote::{Authority, Hub, LinkState, NodeBook as _, Ticket};

use crate::bench::{Bench, live_on};

struct Host(KeyPair);

impl Host {
    fn new() -> Self {
        Self(KeyPair::generate().unwrap())
    }

    async fn enrol(&self, bench: &Bench, ticket: &Ticket) -> Result<Enrolled, EnrolError> {
        let request = CertificateParams::default().serialize_request(&self.0).unwrap();
        let ticket = SecretString::from(ticket.expose());
        bench
            .hub
            .enrol(&bench.node, &ticket, &request.pem().unwrap())
            .await
    }
}

fn bench() -> Bench {
    let (certificate, key) = Authority::generate().unwrap();
    let book = Arc::new(MemoryBook::default());
    let authority = Authority::load(&certificate, &key).unwrap();
    let hub = Arc::new(Hub::new(book.clone()).with_authority(authority));
    let node = "acme/cp-1".parse().unwrap();
    Bench {
        link: hub.link(&node),
        hub,
        book,
        node,
    }
}

async fn ticket(bench: &Bench, seconds: i64) -> Ticket {
    let ticket = Ticket::new();
    let until = Timestamp::now() + SignedDuration::from_secs(seconds);
    bench
        .book
        .issue_ticket(&bench.node, &ticket.digest(), until)
        .await
        .unwrap();
    ticket
}

async fn admitted(bench: &Bench, enrolled: &Enrolled) -> bool {
    let der = CertificateDer::from_pem_slice(enrolled.certificate.as_bytes()).unwrap();
    match bench.hub.admit(&der).await {
        Ok(node) => node == bench.node,
        Err(EnrolError::Refused(refused)) => {
            assert_eq!(refused.reason, RefusedReason::Identity);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

fn refusal(outcome: Result<Enrolled, EnrolError>) -> String {
    match outcome {
        Err(EnrolError::Refused(refused)) => refused.why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_makes_one_identity_and_a_lost_answer_costs_nothing() {
    let (bench, host) = (bench(), Host::new());
    let ticket = ticket(&bench, 60).await;
    let enrolled = host.enrol(&bench, &ticket).await.unwrap();
    assert!(admitted(&bench, &enrolled).await);
    assert!(bench.words().starts_with("enrolled at "), "{}", bench.words());
    let again = host.enrol(&bench, &ticket).await.unwrap();
    assert!(admitted(&bench, &again).await);
    assert!(admitted(&bench, &enrolled).await);
}

#[tokio::test(start_paused = true)]
async fn a_stolen_an_old_and_a_made_up_ticket_are_refused_and_told() {
    let (bench, host, thief) = (bench(), Host::new(), Host::new());
    let good = ticket(&bench, 60).await;
    host.enrol(&bench, &good).await.unwrap();
    let why = refusal(thief.enrol(&bench, &good).await);
    assert_eq!(
        why,
        "a host that says to be `acme/cp-1`: its ticket was used by another key"
    );
    assert!(matches!(&*bench.link.state().borrow(), LinkState::Refused(told) if told.why == why));
    let old = ticket(&bench, 0).await;
    assert!(refusal(thief.enrol(&bench, &old).await).ends_with("its ticket is too old"));
    // Whoever made up a ticket is told apart from who stole one: a name alone ends nobody's wait.
    assert!(refusal(thief.enrol(&bench, &Ticket::new()).await).ends_with("not issued to this node"));
    assert!(
        matches!(&*bench.link.state().borrow(), LinkState::Refused(told) if told.why.ends_with("too old"))
    );
    let (_agent, _end) = bench.up("host", "boot", 0).await;
    refusal(thief.enrol(&bench, &good).await);
    assert!(
        bench.link.state().borrow().up().is_some(),
        "who is on the link stays there"
    );
    assert!(bench.link.refused().borrow().is_some());
}

#[tokio::test(start_paused = true)]
async fn who_knows_nothing_but_the_name_is_told_of_and_ends_nobodys_wait() {
    let (bench, stranger) = (bench(), Host::new());
    let made_up = refusal(stranger.enrol(&bench, &Ticket::new()).await);
    let words = bench.words();
    assert!(words.starts_with("nothing was heard of it yet"), "{words}");
    assert!(
        words.contains(&made_up) && words.contains("rebuild the host"),
        "{words}"
    );
    let secret = SecretString::from("no ticket");
    refusal(bench.hub.enrol(&bench.node, &secret, "no request").await);
    assert!(matches!(*bench.link.state().borrow(), LinkState::Unheard { .. }));
    assert_eq!(
        bench.link.refused().borrow().as_ref().map(|told| told.reason),
        Some(RefusedReason::Protocol)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_host_puts_the_old_ones_certificate_out_of_use() {
    let (bench, old, new) = (bench(), Host::new(), Host::new());
    let enrolled = old.enrol(&bench, &ticket(&bench, 60).await).await.unwrap();
    let (agent, end) = bench.up("host", "boot", 0).await;
    let alive = tokio::spawn(live_on(agent));
    let renewed = new.enrol(&bench, &ticket(&bench, 60).await).await.unwrap();
    assert_eq!(end.await.unwrap(), LinkEnd::Superseded);
    alive.await.unwrap();
    assert!(!admitted(&bench, &enrolled).await);
    assert!(admitted(&bench, &renewed).await);
    let (_agent, _end) = bench.up("new host", "new boot", 0).await;
}

#[tokio::test(start_paused = true)]
async fn names_of_strangers_are_not_kept() {
    let bench = bench();
    let stranger = "acme/nobody".parse().unwrap();
    let request = CertificateParams::default()
        .serialize_request(&Host::new().0)
        .unwrap();
    let ticket = SecretString::from(Ticket::new().expose());
    let refused = bench.hub.enrol(&stranger, &ticket, &request.pem().unwrap()).await;
    assert!(refused.is_err());
    assert_eq!(
        bench.hub.link(&stranger).state().borrow().words(),
        "nothing was heard of it yet"
    );
}

#[tokio::test(start_paused = true)]
async fn no_ticket_is_shown_in_a_refusal() {
    let bench = bench();
    let ticket = Ticket::new();
    let error = Host::new().enrol(&bench, &ticket).await.unwrap_err();
    let told = format!("{error} {error:?} {:?}", bench.link.state().borrow());
    assert!(
        !told.contains(ticket.expose()) && !told.contains(&ticket.digest()),
        "{told}"
    );
    let (_, key) = Authority::generate().unwrap();
    assert!(!format!("{:?}", bench.hub).contains(key.expose_secret()));
}
