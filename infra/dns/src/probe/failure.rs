//! What may come of a question instead of an answer.

use std::fmt;

use serde::Serialize;

/// Why nothing usable came from a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Failure {
    /// No answer in time.
    TimedOut {
        /// Datagrams from the server's address that answer no question of ours: forged, or damaged.
        ignored: u32,
    },
    /// The server's machine or network says no.
    Unreachable {
        /// The system's words.
        why: String,
    },
    /// This machine has no way to such addresses: nothing is known about the server.
    NoRoute,
    /// The address is one that no public name server can have; it was not asked.
    SpecialAddress,
    /// What came back is no DNS message for us.
    Garbage {
        /// What is wrong with it.
        why: String,
    },
    /// The server will not or cannot answer.
    Code {
        /// Mnemonic of the response code, for example `REFUSED`.
        code: String,
    },
    /// The server answers, but not as one that is in charge.
    NotAuthoritative,
    /// The server refers to a zone that does not lead to the name.
    RefersElsewhere {
        /// The zone.
        to: String,
    },
    /// The answer has nothing in it that was asked for.
    Empty,
    /// The host is another name for something, which a name server must not be (RFC 2181 section 10.3).
    Alias {
        /// What it stands for.
        to: String,
    },
    /// There is no such host, or it has no address.
    NoAddress,
    /// Its name can only be found by asking the server itself.
    Circular,
    /// The probe had spent what it may.
    Spent {
        /// Which bound was reached.
        why: String,
    },
}

impl Failure {
    pub(super) fn out_of_time() -> Self {
        Self::Spent {
            why: "its time was up".to_owned(),
        }
    }

    /// Whether it says nothing about the server.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::NoRoute | Self::Spent { .. })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { ignored: 0 } => f.write_str("no answer"),
            Self::TimedOut { ignored } => {
                write!(
                    f,
                    "no answer; datagrams that answer no question of ours: {ignored}"
                )
            }
            Self::Unreachable { why } => write!(f, "unreachable: {why}"),
            Self::NoRoute => f.write_str("not asked: no route from here"),
            Self::SpecialAddress => f.write_str("not asked: no public address"),
            Self::Garbage { why } => write!(f, "not a DNS answer: {why}"),
            Self::Code { code } => f.write_str(code),
            Self::NotAuthoritative => f.write_str("not authoritative"),
            Self::RefersElsewhere { to } => write!(f, "refers to `{to}`"),
            Self::Empty => f.write_str("an answer without what was asked for"),
            Self::Alias { to } => write!(f, "an alias of `{to}`"),
            Self::NoAddress => f.write_str("no address"),
            Self::Circular => f.write_str("can only be found by asking itself"),
            Self::Spent { why } => write!(f, "not asked: {why}"),
        }
    }
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome<T> {
    /// This.
    Seen(T),
    /// Nothing usable.
    Failed(Failure),
}

impl<T> Outcome<T> {
    /// What was seen.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) => Some(seen),
            Self::Failed(_) => None,
        }
    }

    /// Why nothing was.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Seen(_) => None,
            Self::Failed(failure) => Some(failure),
        }
    }
}

impl<T> From<Result<T, Failure>> for Outcome<T> {
    fn from(result: Result<T, Failure>) -> Self {
        result.map_or_else(Self::Failed, Self::Seen)
    }
}
