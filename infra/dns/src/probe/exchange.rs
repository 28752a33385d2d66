//! One question to one address, within the probe's bounds and the server's pace.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure::Failure;
use super::limits::{Budget, Limits};
use super::reach::Reach;
use super::seen::ServerAt;
use super::{Prober, reading};
use crate::name::DomainName;
use crate::query::{self, AskError, Manner, Patience, Question, Reply};

/// How a question is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// A datagram, and a stream if the answer is cut off.
    Datagram,
    /// A datagram without EDNS.
    PlainDatagram,
    /// A stream.
    Stream,
    /// A datagram to a resolver.
    Resolver,
}

/// A question with what came of it, for those who want to see everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// Milliseconds from the probe's start to the question.
    pub at_millis: u64,
    /// Who was asked.
    pub server: ServerAt,
    /// Name of the question.
    pub name: DomainName,
    /// Kind of record of the question, by its mnemonic.
    pub kind: String,
    /// `udp`, `tcp`, or `udp+tcp` where the first answer was cut off.
    pub over: &'static str,
    /// Milliseconds until it was over.
    pub millis: u64,
    /// What came of it, in one line.
    pub answer: String,
}

/// An answer with the time it took.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) reply: Reply,
    pub(super) millis: u64,
}

/// One probe under way.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) prober: &'a Prober,
    pub(super) budget: Budget,
    trace: Mutex<Vec<Exchange>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(prober: &'a Prober) -> Self {
        Self {
            prober,
            budget: Budget::new(&prober.config.limits),
            trace: Mutex::default(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.prober.config.limits
    }

    /// All questions in the order in which they were asked.
    pub(super) fn into_trace(self) -> Vec<Exchange> {
        let mut trace = self.trace.into_inner().unwrap_or_else(PoisonError::into_inner);
        trace.sort_by_key(|exchange| exchange.at_millis);
        trace
    }

    /// Asks one question.
    pub(super) async fn ask(
        &self,
        server: &ServerAt,
        name: &DomainName,
        kind: RecordType,
        via: Via,
    ) -> Result<Asked, Failure> {
        let reach = if via == Via::Resolver {
            Reach::Any
        } else {
            self.prober.config.reach()
        };
        if !reach.includes(server.address) {
            return Err(Failure::SpecialAddress);
        }
        self.budget.spend()?;
        let turn = self.prober.pacer.turn(server.address, Instant::now());
        if turn >= self.budget.deadline() {
            return Err(Failure::out_of_time());
        }
        sleep_until(turn).await;
        let began = Instant::now();
        let at = self.budget.elapsed();
        let (over, answer) = self.exchange(server, name, kind, via).await;
        let millis = millis(began.elapsed());
        if self.prober.config.trace {
            let line = answer.as_ref().map_or_else(ToString::to_string, reading::line);
            self.note(Exchange {
                at_millis: self::millis(at),
                server: server.clone(),
                name: name.clone(),
                kind: kind.to_string(),
                over,
                millis,
                answer: line,
            });
        }
        answer.map(|reply| Asked { reply, millis })
    }

    fn note(&self, exchange: Exchange) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.push(exchange);
    }

    async fn exchange(
        &self,
        server: &ServerAt,
        name: &DomainName,
        kind: RecordType,
        via: Via,
    ) -> (&'static str, Result<Reply, Failure>) {
        let limits = self.limits();
        let patience = Patience {
            udp: limits.datagram,
            tries: 2,
            tcp: limits.stream,
        };
        let manner = match via {
            Via::Datagram | Via::Stream => Manner::Signed,
            Via::PlainDatagram => Manner::Plain,
            Via::Resolver => Manner::Recursive,
        };
        let address = SocketAddr::new(server.address, self.prober.config.port);
        let question = match Question::in_manner(name, kind, manner) {
            Ok(question) => question,
            Err(error) => return ("udp", Err(error.into())),
        };
        let deadline = self.budget.deadline();
        let late = |result: Result<Result<Reply, AskError>, _>| match result {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::out_of_time()),
        };
        if via == Via::Stream {
            let answer = timeout_at(deadline, query::tcp(address, &question, patience)).await;
            return ("tcp", late(answer));
        }
        let answer = late(timeout_at(deadline, query::udp(address, &question, patience)).await);
        let cut_off = answer.as_ref().is_ok_and(Reply::is_truncated);
        if !cut_off || via == Via::PlainDatagram {
            return ("udp", answer);
        }
        let answer = timeout_at(deadline, query::tcp(address, &question, patience)).await;
        ("udp+tcp", late(answer))
    }
}

/// The mnemonic of a response code.
pub(super) fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::BADVERS => "BADVERS".to_owned(),
        other => format!("RCODE{}", u16::from(other)),
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::TimedOut(ignored) => Self::TimedOut { ignored },
            AskError::Unreachable { no_route: true, .. } => Self::NoRoute,
            AskError::Unreachable { why, .. } => Self::Unreachable { why },
            AskError::Garbage(why) => Self::Garbage { why },
        }
    }
}
