//! Plays the agents of a lab whose servers are records, to measure an installer with many hosts.
//!
//! ```text
//! crowd ADDRESS-OF-THE-LAB > told
//! ```
//!
//! Each server's agent enrols with the ticket of its user data and does what it is told after no work at all. Every part that it
//! tells is a line `node part state milliseconds-since-1970` on standard output. Ends when its input does.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for measuring"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use sovereign_core::agent::{
    AgentEvent, AgentEventKind, FromAgent, Heartbeat, Hello, PROTOCOL, PreflightReport, SubStep,
    SubStepState, ToAgent,
};
use sovereign_remote::dial::{self, DialError};
use sovereign_remote::frames::{FrameError, Frames};
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

/// Parts of a host's work, and how long each takes.
const PARTS: usize = 12;
const PART: Duration = Duration::from_millis(50);
/// Between two looks for new servers.
const LOOK: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("the first of this process");
    let lab = std::env::args().nth(1).expect("the lab's address");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut known = BTreeSet::new();
    loop {
        for (name, user_data) in user_data(&lab).await {
            if known.insert(name.clone()) {
                tokio::spawn(async move {
                    if let Err(error) = live(&name, &user_data).await {
                        eprintln!("{name}: {error}");
                    }
                });
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// User data of every server, by name, as the cloud got them.
async fn user_data(lab: &str) -> BTreeMap<String, String> {
    let answer = reqwest::get(format!("http://{lab}/lab/v1/user-data")).await;
    let text = match answer {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => return BTreeMap::new(),
    };
    serde_json::from_str(&text).unwrap_or_default()
}

/// A file that the user data write.
fn written(document: &Value, path: &str) -> String {
    let files = document["write_files"].as_array().expect("files");
    let file = files.iter().find(|file| file["path"] == path).expect(path);
    file["content"].as_str().expect("content").to_owned()
}

async fn live(name: &str, user_data: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let zipped = base64::engine::general_purpose::STANDARD.decode(user_data)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*zipped).read_to_string(&mut text)?;
    let document: Value = serde_saphyr::from_str(&text)?;
    let facts: Value = serde_json::from_str(&written(&document, "/etc/sovereign/host.json"))?;
    let url: Url = facts["url"].as_str().expect("a url").parse()?;
    let ca = written(&document, "/etc/sovereign/ca.pem");
    let ticket = SecretString::from(written(&document, "/etc/sovereign/ticket"));
    let key = dial::new_key()?;
    let credentials = loop {
        match dial::enrol(&url, &ca, name, &ticket, &key).await {
            Ok(credentials) => break credentials,
            // The installer that made the server may be dead, and another one not here yet.
            Err(DialError::Unreachable { .. } | DialError::TimedOut { .. }) => tokio::time::sleep(LOOK).await,
            Err(error) => return Err(error.into()),
        }
    };
    // As a real agent does: what happened is told to whoever listens next.
    let mut events = Vec::new();
    loop {
        if let Ok(stream) = dial::connect(&url, &ca, &credentials).await {
            let mut agent = Agent::new(name, stream, events);
            // A link breaks when its installer dies.
            let _ = agent.work().await;
            if agent.is_let_go {
                return Ok(());
            }
            events = agent.events;
        }
        tokio::time::sleep(LOOK).await;
    }
}

struct Agent<S> {
    name: String,
    frames: Frames<S, ToAgent, FromAgent>,
    events: Vec<AgentEvent>,
    /// Its last word is noted.
    is_let_go: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Agent<S> {
    fn new(name: &str, stream: S, events: Vec<AgentEvent>) -> Self {
        let mut agent = Self {
            name: name.to_owned(),
            frames: Frames::new(stream),
            events,
            is_let_go: false,
        };
        if agent.events.is_empty() {
            agent.note(AgentEventKind::Started {
                version: "crowd".into(),
                boot_id: "1".into(),
            });
        }
        agent
    }

    /// Digest of the document that was made true last.
    fn last<'a>(&'a self, digest: impl Fn(&'a AgentEventKind) -> Option<&'a String>) -> Option<String> {
        self.events
            .iter()
            .rev()
            .find_map(|event| digest(&event.kind))
            .cloned()
    }

    fn note(&mut self, kind: AgentEventKind) -> AgentEvent {
        let event = AgentEvent {
            seq: self.events.len() as u64 + 1,
            at: Timestamp::now(),
            kind,
        };
        self.events.push(event.clone());
        event
    }

    async fn tell(&mut self, kind: AgentEventKind) -> Result<(), FrameError> {
        let event = self.note(kind);
        self.frames.send(&FromAgent::Event(event)).await
    }

    async fn part(&mut self, name: &str, state: SubStepState) -> Result<(), FrameError> {
        let word = if state == SubStepState::Begun {
            "begun"
        } else {
            "done"
        };
        println!(
            "{} {name} {word} {}",
            self.name,
            Timestamp::now().as_millisecond()
        );
        let name = name.to_owned();
        self.tell(AgentEventKind::SubStep(SubStep { name, state })).await
    }

    async fn work(&mut self) -> Result<(), FrameError> {
        let hello = Hello {
            protocol: PROTOCOL,
            version: "crowd".into(),
            binary: "0".repeat(64),
            node: self.name.clone(),
            boot_id: "1".into(),
            host_id: self.name.clone(),
            clock: Timestamp::now(),
            applied: self.last(|kind| match kind {
                AgentEventKind::Converged { digest, .. } => Some(digest),
                _ => None,
            }),
            serves: self.last(|kind| match kind {
                AgentEventKind::RegistryServes { digest, .. } => Some(digest),
                _ => None,
            }),
            runs: self.last(|kind| match kind {
                AgentEventKind::K3sRuns { digest, .. } => Some(digest),
                _ => None,
            }),
            kit: self.last(|kind| match kind {
                AgentEventKind::KitProven { digest, .. } => Some(digest),
                _ => None,
            }),
            last_seq: self.events.len() as u64,
        };
        self.frames.send(&FromAgent::Hello(hello)).await?;
        loop {
            let order = tokio::time::timeout(Duration::from_secs(4), self.frames.receive()).await;
            match order {
                Err(_) => {
                    let beat = Heartbeat {
                        clock: Timestamp::now(),
                        doing: None,
                    };
                    self.frames.send(&FromAgent::Heartbeat(beat)).await?;
                }
                Ok(order) => match order? {
                    None => return Ok(()),
                    Some(order) => {
                        self.obey(order).await?;
                        if self.is_let_go {
                            return Ok(());
                        }
                    }
                },
            }
        }
    }

    async fn obey(&mut self, order: ToAgent) -> Result<(), FrameError> {
        match order {
            ToAgent::Follow { after } => {
                let mut noted = self.events.iter().filter(|event| event.seq <= after);
                self.is_let_go = noted.any(|event| event.kind == AgentEventKind::Released);
                let rest: Vec<AgentEvent> = self
                    .events
                    .iter()
                    .filter(|event| event.seq > after)
                    .cloned()
                    .collect();
                for event in rest {
                    self.frames.send(&FromAgent::Event(event)).await?;
                }
            }
            ToAgent::Preflight(_) => {
                let report = PreflightReport {
                    checks: Vec::new(),
                    private_interface: None,
                };
                self.tell(AgentEventKind::Preflight(report)).await?;
            }
            ToAgent::Converge(config) => {
                for part in 1..=PARTS {
                    let name = format!("part-{part}");
                    self.part(&name, SubStepState::Begun).await?;
                    tokio::time::sleep(PART).await;
                    let detail = "done".to_owned();
                    self.part(
                        &name,
                        SubStepState::Done {
                            changed: true,
                            detail,
                        },
                    )
                    .await?;
                }
                let digest = config.digest();
                self.tell(AgentEventKind::Converged { digest, changed: 12 })
                    .await?;
            }
            ToAgent::ServeRegistry(registry) => {
                let digest = registry.digest();
                self.tell(AgentEventKind::RegistryServes { digest, changed: 5 })
                    .await?;
            }
            ToAgent::RunK3s(node) => {
                let digest = node.digest();
                self.tell(AgentEventKind::K3sRuns { digest, changed: 4 }).await?;
            }
            ToAgent::InstallKit(order) => {
                let digest = order.digest();
                self.tell(AgentEventKind::KitProven { digest, changed: 9 })
                    .await?;
            }
            ToAgent::RotateToken { .. } => self.tell(AgentEventKind::TokenRotated).await?,
            ToAgent::HandOff(order) => {
                let digest = order.digest();
                let kubeconfig = "sealed".to_owned();
                self.tell(AgentEventKind::HandedOff {
                    digest,
                    changed: 0,
                    kubeconfig,
                })
                .await?;
            }
            ToAgent::Release(_) => self.tell(AgentEventKind::Released).await?,
            ToAgent::MakeHostKeys
            | ToAgent::UseHostKeys
            | ToAgent::Piece(_)
            | ToAgent::NoArtifact { .. }
            | ToAgent::Leave => {}
        }
        Ok(())
    }
}
