//! What the signatures of one server's answers are worth. Pure: nothing here asks.

use hickory_proto::rr::RecordType;
use serde::Serialize;

use super::chain::{self, Link};
use super::seen::ZoneServer;
use crate::name::DomainName;
use crate::query;
use crate::signature::{self, ZoneKeys};

/// What one set of records is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetProof {
    /// Kind of the records.
    pub kind: &'static str,
    /// Seconds until its signature expires; none if none holds.
    pub remaining: Option<u32>,
    /// Why none holds.
    pub problem: Option<String>,
}

/// What one server's signatures are worth.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerProof {
    /// The chain's last link, by the keys that this server gives; none if it gives no answer about keys.
    pub link: Option<Link>,
    /// Its signed sets, by its own keys; empty where it has none.
    pub sets: Vec<SetProof>,
}

/// Checks a server's keys against what the parent vouches for, and its other answers against its keys.
pub(super) fn of(
    server: &ZoneServer,
    zone: &DomainName,
    above: Option<&Link>,
    proof: &[hickory_proto::rr::Record],
    anchor: Option<&[crate::record::Ds]>,
    now: u32,
) -> ServerProof {
    let records = server.keys.seen().map(|_| server.records.as_slice());
    let link = records.map(|records| match above {
        Some(above) => chain::below(above, zone, Some(proof), Some(records), now),
        None => chain::root(anchor, Some(records), now),
    });
    let keys = ZoneKeys::read(zone, &server.records);
    let mut sets = Vec::new();
    if !keys.is_empty() {
        for (kind, word) in [
            (RecordType::DNSKEY, "DNSKEY"),
            (RecordType::SOA, "SOA"),
            (RecordType::NS, "NS"),
        ] {
            if query::of(&server.records, zone, kind).next().is_some() {
                sets.push(set(server, zone, kind, word, &keys, now));
            }
        }
    }
    ServerProof { link, sets }
}

fn set(
    server: &ZoneServer,
    zone: &DomainName,
    kind: RecordType,
    word: &'static str,
    keys: &ZoneKeys,
    now: u32,
) -> SetProof {
    let checked = signature::verify_own(&server.records, zone, kind, keys, now);
    SetProof {
        kind: word,
        remaining: checked.as_ref().ok().map(|holds| holds.remaining),
        problem: checked.err().map(|problem| problem.to_string()),
    }
}
