//! Whether names that exist are answered all the time: somebody who asks a resolver ten times a second.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Time between two rounds of questions.
const ROUND: Duration = Duration::from_millis(100);
/// Longer than a resolver tries by itself.
const PATIENCE: Duration = Duration::from_secs(15);
/// Most failures that are kept with their details.
const KEPT: usize = 100;

/// Header fields of a message (RFC 1035 section 4.1.1, RFC 4035 section 3.2).
const RECURSION_DESIRED: u8 = 0x01;
const AUTHENTIC_DATA: u8 = 0x20;
const CHECKING_DISABLED: u8 = 0x10;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// There are such records.
    Answered {
        /// The resolver has proven them.
        secure: bool,
    },
    /// There are no such records.
    NoData,
    /// There is no such name.
    NoSuchName,
    /// The resolver has an answer and its proof fails.
    Bogus,
    /// The resolver fails in another way.
    Failure,
    /// Nobody answers.
    Silent,
}

/// A question that was not answered as it should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// How long after the beginning it was asked.
    pub after: Duration,
    /// Who was asked.
    pub resolver: SocketAddr,
    /// For which name.
    pub name: String,
    /// What came of it.
    pub fate: Fate,
}

/// What was seen in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings {
    /// Questions asked.
    pub asked: usize,
    /// Those that were answered.
    pub answered: usize,
    /// Those of them whose answer was proven.
    pub secure: usize,
    /// The first of those that were not answered.
    pub failures: Vec<Sighting>,
}

impl Sightings {
    fn note(&mut self, sighting: Sighting) {
        self.asked += 1;
        match sighting.fate {
            Fate::Answered { secure } => {
                self.answered += 1;
                self.secure += usize::from(secure);
            }
            _ if self.failures.len() < KEPT => self.failures.push(sighting),
            _ => {}
        }
    }

    /// Whether every question was answered, and there was one.
    pub fn is_spotless(&self) -> bool {
        self.asked > 0 && self.answered == self.asked
    }
}

/// Asks all the time, until it is ended.
#[derive(Debug)]
pub struct Watch {
    stop: CancellationToken,
    watching: JoinHandle<Sightings>,
}

impl Watch {
    /// Begins to ask each resolver for each name, ten times a second. Names are with the number of a record type.
    pub fn start(resolvers: &[SocketAddr], names: &[(&str, u16)]) -> Self {
        let stop = CancellationToken::new();
        let names: Vec<(String, u16)> = names
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect();
        Self {
            watching: tokio::spawn(watch(resolvers.to_vec(), names, stop.clone())),
            stop,
        }
    }

    /// Stops asking, and returns when the last question has its answer.
    pub async fn end(self) -> Sightings {
        self.stop.cancel();
        self.watching.await.unwrap_or_default()
    }
}

async fn watch(resolvers: Vec<SocketAddr>, names: Vec<(String, u16)>, stop: CancellationToken) -> Sightings {
    let began = Instant::now();
    let mut sightings = Sightings::default();
    let mut asking = JoinSet::new();
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(seen) = asking.join_next() => sightings.note_seen(seen),
            _ = rounds.tick() => for resolver in resolvers.clone() {
                for (name, kind) in names.clone() {
                    let after = began.elapsed();
                    asking.spawn(async move {
                        let fate = ask(resolver, &name, kind).await;
                        Sighting { after, resolver, name, fate }
                    });
                }
            }
        }
    }
    while let Some(seen) = asking.join_next().await {
        sightings.note_seen(seen);
    }
    sightings
}

impl Sightings {
    fn note_seen(&mut self, seen: Result<Sighting, tokio::task::JoinError>) {
        if let Ok(sighting) = seen {
            self.note(sighting);
        }
    }
}

/// Asks a resolver once. Where it fails it is asked again without the proof, which tells why.
pub(super) async fn ask(resolver: SocketAddr, name: &str, kind: u16) -> Fate {
    match exchange(resolver, name, kind, 0).await {
        Some(answer) if answer.code == SERVFAIL => {
            match exchange(resolver, name, kind, CHECKING_DISABLED).await {
                Some(unproven) if unproven.code != SERVFAIL => Fate::Bogus,
                _ => Fate::Failure,
            }
        }
        Some(answer) => answer.fate(),
        None => Fate::Silent,
    }
}

/// What the header of an answer says.
#[derive(Debug, Clone, Copy)]
struct Answer {
    code: u8,
    records: u16,
    secure: bool,
}

impl Answer {
    fn read(message: &[u8]) -> Option<Self> {
        let header: &[u8; 12] = message.first_chunk()?;
        Some(Self {
            code: header[3] & 0x0f,
            records: u16::from_be_bytes([header[6], header[7]]),
            secure: header[3] & AUTHENTIC_DATA != 0,
        })
    }

    fn fate(self) -> Fate {
        match self.code {
            0 if self.records > 0 => Fate::Answered { secure: self.secure },
            0 => Fate::NoData,
            NXDOMAIN => Fate::NoSuchName,
            _ => Fate::Failure,
        }
    }
}

/// A question and its answer, from a port of its own: nobody else's answer comes there.
async fn exchange(resolver: SocketAddr, name: &str, kind: u16, flags: u8) -> Option<Answer> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.ok()?;
    socket.connect(resolver).await.ok()?;
    socket.send(&question(name, kind, flags)?).await.ok()?;
    let mut message = [0; 1232];
    let received = tokio::time::timeout(PATIENCE, socket.recv(&mut message)).await;
    let length = received.ok()?.ok()?;
    Answer::read(message.get(..length)?)
}

/// A question with recursion, whose asker wants to know what is proven (RFC 6840 section 5.7).
fn question(name: &str, kind: u16, flags: u8) -> Option<Vec<u8>> {
    let mut message = vec![0, 0, RECURSION_DESIRED, AUTHENTIC_DATA | flags];
    // One question, nothing else.
    message.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).ok().filter(|length| *length < 64)?);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_as_rfc_1035_writes_it() {
        let message = question("a.example", 6, 0).unwrap();
        assert_eq!(message[..12], [0, 0, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(message[12..], *b"\x01a\x07example\0\0\x06\0\x01");
        assert!(question(&"a".repeat(64), 1, 0).is_none());
    }

    #[test]
    fn an_answer_is_told_by_its_header() {
        let header = |flags: u8, answers: u8| [0, 0, 0x81, flags, 0, 1, 0, answers, 0, 0, 0, 0];
        for (message, fate) in [
            (header(0xa0, 1), Fate::Answered { secure: true }),
            (header(0x80, 2), Fate::Answered { secure: false }),
            (header(0x80, 0), Fate::NoData),
            (header(0x83, 0), Fate::NoSuchName),
            (header(0x85, 0), Fate::Failure),
        ] {
            assert_eq!(Answer::read(&message).unwrap().fate(), fate);
        }
        assert!(Answer::read(&[0; 11]).is_none());
    }
}
