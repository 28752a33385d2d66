//! Asking one server one question: no cache, no help from the system's resolver, and nothing believed that answers another question.

mod transport;

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, Record, RecordType};
use thiserror::Error;

use crate::name::DomainName;

pub(crate) use self::transport::{tcp, udp};

/// Largest answer asked for over UDP, in bytes: it fits every path unfragmented (DNS flag day 2020).
const UDP_PAYLOAD: u16 = 1_232;
/// Length of a message's header, in bytes.
const HEADER: usize = 12;
/// Most records in a message that is read at all. No zone cut needs so many, and names that point through a whole message make
/// each of them costly.
const MAX_RECORDS: usize = 512;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum AskError {
    /// Nothing came back in time.
    #[error("no answer: timed out{}", ignored(*.0))]
    TimedOut(
        /// Datagrams that came from the server's address and answer no question of ours.
        u32,
    ),
    /// The server cannot be reached.
    #[error("no answer: {why}")]
    Unreachable {
        /// Because this machine has no way to such addresses.
        no_route: bool,
        /// The system's words.
        why: String,
    },
    /// Something came back that is no answer to the question.
    #[error("not an answer: {0}")]
    Garbage(String),
}

fn ignored(number: u32) -> String {
    match number {
        0 => String::new(),
        1 => "; 1 datagram answers no question of ours".to_owned(),
        more => format!("; {more} datagrams answer no question of ours"),
    }
}

/// How long a server is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// For one datagram.
    pub(crate) udp: Duration,
    /// How often a datagram is sent.
    pub(crate) tries: u32,
    /// For a stream, from its first packet to the end of the answer.
    pub(crate) tcp: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            udp: Duration::from_millis(1_500),
            tries: 2,
            tcp: Duration::from_secs(4),
        }
    }
}

/// What a question asks for beyond its name and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With signatures, of the server itself.
    Signed,
    /// As software of 1987 asks: without EDNS.
    Plain,
    /// With signatures, of a resolver and whatever it may find.
    Recursive,
}

/// A question with a random number of its own.
#[derive(Debug)]
pub(crate) struct Question {
    message: Message,
    wire: Vec<u8>,
}

impl Question {
    /// Asks for a kind of record of a name, with signatures.
    pub(crate) fn new(name: &DomainName, kind: RecordType) -> Result<Self, AskError> {
        Self::in_manner(name, kind, Manner::Signed)
    }

    /// Asks for a kind of record of a name.
    pub(crate) fn in_manner(name: &DomainName, kind: RecordType, manner: Manner) -> Result<Self, AskError> {
        let unwritable = |error| AskError::Garbage(format!("the question cannot be written: {error}"));
        let name = Name::from_ascii(name.absolute()).map_err(unwritable)?;
        let mut message = Message::query();
        message.metadata.recursion_desired = manner == Manner::Recursive;
        message.add_query(Query::query(name, kind));
        if manner != Manner::Plain {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD)
                .set_version(0)
                .set_dnssec_ok(true);
            message.set_edns(edns);
        }
        let wire = message.to_vec().map_err(unwritable)?;
        Ok(Self { message, wire })
    }

    /// Reads an answer to this question. Anything else may be forged, or late.
    fn read(&self, wire: &[u8]) -> Result<Reply, AskError> {
        let garbage = |why: &str| AskError::Garbage(why.to_owned());
        // The header is looked at first: what is not for us costs nothing more.
        let header = wire
            .first_chunk::<HEADER>()
            .ok_or_else(|| garbage("it is cut off"))?;
        let field = |index: usize| u16::from_be_bytes([header[index], header[index + 1]]);
        if field(0) != self.message.metadata.id || header[2] & 0x80 == 0 || field(4) > 1 {
            return Err(garbage("it answers another question"));
        }
        if usize::from(field(6)) + usize::from(field(8)) + usize::from(field(10)) > MAX_RECORDS {
            return Err(garbage("it claims to have more than 512 records"));
        }
        let answer = Message::from_vec(wire).map_err(|error| AskError::Garbage(error.to_string()))?;
        // A server that does not understand a question may leave it out of its answer (RFC 6891 section 7).
        let left_out = answer.queries.is_empty() && answer.metadata.response_code != ResponseCode::NoError;
        let fits = answer.metadata.message_type == MessageType::Response
            && (left_out || answer.queries == self.message.queries);
        if fits {
            Ok(Reply(answer))
        } else {
            Err(garbage("it answers another question"))
        }
    }
}

/// An answer to a question.
#[derive(Debug, Clone)]
pub(crate) struct Reply(Message);

impl Reply {
    /// Whether the server is in charge of the name.
    pub(crate) fn is_authoritative(&self) -> bool {
        self.0.metadata.authoritative
    }

    /// Whether the server offers to ask others.
    pub(crate) fn offers_recursion(&self) -> bool {
        self.0.metadata.recursion_available
    }

    /// Whether a resolver says that it has proven the answer.
    pub(crate) fn is_authentic(&self) -> bool {
        self.0.metadata.authentic_data
    }

    /// Whether the server understood EDNS.
    pub(crate) fn has_edns(&self) -> bool {
        self.0.edns.is_some()
    }

    /// What came of it.
    pub(crate) fn code(&self) -> ResponseCode {
        self.0.metadata.response_code
    }

    /// Records of the answer section.
    pub(crate) fn answers(&self) -> &[Record] {
        &self.0.answers
    }

    /// Records of the authority section.
    pub(crate) fn authorities(&self) -> &[Record] {
        &self.0.authorities
    }

    /// Records of the additional section.
    pub(crate) fn additionals(&self) -> &[Record] {
        &self.0.additionals
    }

    /// Whether the answer was cut off to fit.
    pub(crate) fn is_truncated(&self) -> bool {
        self.0.metadata.truncation
    }
}

/// Records of one name and kind.
pub(crate) fn of<'a>(
    records: &'a [Record],
    name: &DomainName,
    kind: RecordType,
) -> impl Iterator<Item = &'a Record> {
    let name = name.absolute();
    records.iter().filter(move |record| {
        record.record_type() == kind && record.name.to_ascii().eq_ignore_ascii_case(&name)
    })
}

/// Asks over UDP, and over TCP if the answer is cut off or does not come.
pub(crate) async fn ask(server: SocketAddr, question: &Question) -> Result<Reply, AskError> {
    let patience = Patience::default();
    match udp(server, question, patience).await {
        Ok(reply) if !reply.is_truncated() => Ok(reply),
        _ => tcp(server, question, patience).await,
    }
}

#[cfg(test)]
mod tests;
