//! A ticket becomes an identity, and an identity gets onto the link.

use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

use super::{Hub, refused};
use crate::authority::{AuthorityError, Peer, SigningRequest};
use crate::book::{BookError, Redeemed, Refusal};
use crate::link_state::{LinkState, Refused, RefusedReason};
use crate::node_id::NodeId;
use crate::ticket::Ticket;

/// A host's identity.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Its certificate, in PEM.
    pub certificate: String,
    /// The installer's CA, in PEM.
    pub ca: String,
}

/// Why a host gets no identity, or may not use the one it has.
#[derive(Debug, Error)]
pub enum EnrolError {
    /// It is turned away; the node's link tells it, too.
    #[error("{}", .0.why)]
    Refused(Refused),
    /// The installer's own book failed: the host may try again.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The installer's CA failed: the host may try again.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl Hub {
    /// Gives a host its identity for a ticket, or once more for the key that is its identity already.
    pub async fn enrol(
        &self,
        id: &NodeId,
        ticket: &SecretString,
        csr_pem: &str,
    ) -> Result<Enrolled, EnrolError> {
        let Some(authority) = &self.authority else {
            let why = "this installer enrols no hosts";
            return Err(self.turn_stranger_away(id, RefusedReason::Identity, why, SSH_ONLY));
        };
        let request = SigningRequest::read(csr_pem).map_err(|error| {
            self.turn_stranger_away(id, RefusedReason::Protocol, &error.to_string(), REBUILD)
        })?;
        let (ticket, key) = (Ticket::brought(ticket.clone()).digest(), request.public_key());
        match self.book.redeem(id, &ticket, &key, Timestamp::now()).await? {
            Redeemed::Yes => {
                // Whoever was on the link had the identity that this ticket has just revoked.
                if let Some(node) = self.known(id) {
                    node.start_over(LinkState::Enrolled { at: Timestamp::now() });
                }
            }
            Redeemed::Again => {
                if let Some(node) = self.known(id) {
                    node.enrolled();
                }
            }
            Redeemed::Refused(refusal) => {
                let (why, remedy) = words(refusal);
                let reason = RefusedReason::Ticket;
                return Err(match refusal {
                    Refusal::Unknown => self.turn_stranger_away(id, reason, why, remedy),
                    Refusal::Expired | Refusal::Used => self.turn_away(id, reason, why, remedy),
                });
            }
        }
        let certificate = authority.sign(&request, id)?;
        tracing::info!(node = %id, "host enrolled");
        Ok(Enrolled {
            certificate,
            ca: authority.certificate_pem().to_owned(),
        })
    }

    /// Which node the holder of a certificate is. TLS has verified that the installer's CA signed it and that the holder
    /// has its key; whether that key is still the node's identity is seen here.
    pub async fn admit(&self, certificate_der: &[u8]) -> Result<NodeId, EnrolError> {
        let read = Peer::read(certificate_der);
        let peer = read.map_err(|error| {
            let why = error.to_string();
            EnrolError::Refused(refused(RefusedReason::Identity, why, REBUILD.to_owned()))
        })?;
        // Digests of public keys are no secret: how long comparing them takes tells nothing.
        if self.book.identity(&peer.node).await?.as_ref() != Some(&peer.public_key) {
            return Err(self.turn_away(&peer.node, RefusedReason::Identity, REVOKED, REBUILD));
        }
        Ok(peer.node)
    }

    /// Turns away somebody who has what only this node was given: whoever waits for the node is told.
    fn turn_away(&self, id: &NodeId, reason: RefusedReason, why: &str, remedy: &str) -> EnrolError {
        let refused = turned_away(id, reason, why, remedy);
        if let Some(node) = self.known(id) {
            node.refuse(refused.clone());
        }
        EnrolError::Refused(refused)
    }

    /// Turns away somebody who has nothing but the node's name, which anybody may say: it is told, and ends nobody's wait.
    fn turn_stranger_away(&self, id: &NodeId, reason: RefusedReason, why: &str, remedy: &str) -> EnrolError {
        let refused = turned_away(id, reason, why, remedy);
        if let Some(node) = self.known(id) {
            node.refuse_stranger(refused.clone());
        }
        EnrolError::Refused(refused)
    }
}

fn turned_away(id: &NodeId, reason: RefusedReason, why: &str, remedy: &str) -> Refused {
    let why = format!("a host that says to be `{id}`: {why}");
    tracing::warn!(node = %id, ?reason, why, "host turned away");
    refused(reason, why, remedy.to_owned())
}

const REBUILD: &str = "let the installer rebuild the host: it gets a new ticket";
const SSH_ONLY: &str = "the installer reaches this host over SSH: remove its `--url`";
const REVOKED: &str = "its key is not the node's identity any more: another host enrolled in its place, or the node was forgotten";

fn words(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Unknown => (
            "its ticket was not issued to this node",
            "the user data is of another run or another node: let the installer rebuild the host",
        ),
        Refusal::Expired => (
            "its ticket is too old",
            "the host took too long to boot, or its user data was used again: delete its server, and run `sovereign up` again: it is made anew with another ticket",
        ),
        Refusal::Used => (
            "its ticket was used by another key",
            "somebody read the user data and was first, or the host lost its key: let the installer rebuild the host, and find out who can read its user data",
        ),
    }
}
