//! What goes wrong at the command line.

mod report;

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use sovereign_cloud::CloudError;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::name::SovereignName;
use sovereign_core::spec::SpecProblems;
use sovereign_engine::executor::ExecutorError;
use sovereign_engine::journal::JournalError;
use sovereign_engine::plan::PlanError;
use sovereign_lab::LabError;
use sovereign_store::StoreError;
use sovereign_store::secrets::SecretError;
use thiserror::Error;

pub(crate) use self::report::report;
use crate::exit::Exit;

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error("standard output cannot be written to")]
    Stdout { source: io::Error },
    #[error("the reader of standard output went away")]
    ReaderGone,
    #[error("{what} cannot be written as JSON")]
    Encode {
        what: &'static str,
        source: serde_json::Error,
    },
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read standard input")]
    Stdin { source: io::Error },
    #[error("cannot listen for signals")]
    Signals { source: io::Error },
    #[error("cannot start the runtime")]
    Runtime { source: io::Error },
    #[error("there is no place for the installer's state")]
    NoStateDir,
    #[error("no Sovereign is called `{name}`")]
    Unknown { name: String, known: Vec<SovereignName> },
    #[error("no file and no Sovereign is called `{target}`")]
    UnknownTarget {
        target: String,
        known: Vec<SovereignName>,
    },
    #[error("`status` needs a name: this installer knows {} Sovereigns", known.len())]
    WhichOne { known: Vec<SovereignName> },
    #[error("{problems} (`{name}`)")]
    Spec {
        name: String,
        document: String,
        problems: SpecProblems,
    },
    #[error("the plan cannot be carried out: {}; nothing was changed", problems(findings))]
    Preflight { findings: Vec<Finding> },
    #[error("`{}` is not a plan written by `sovereign plan -o`", path.display())]
    NotAPlan {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("plan {approved} was approved, but plan {now} would run; nothing was changed")]
    PlanChanged { approved: String, now: String },
    #[error("{what} needs an approval, and there is no terminal to ask on")]
    NobodyToAsk { what: String, remedy: String },
    #[error("not approved; nothing was changed")]
    Declined,
    #[error("a destroy of `{name}` is not finished")]
    DestroyUnfinished { name: SovereignName },
    #[error("no spec of `{name}` is kept here, so its account is unknown")]
    NoSpec { name: SovereignName },
    #[error("another installer works on `{name}`")]
    LeaseHeld {
        name: SovereignName,
        by: String,
        until: Timestamp,
    },
    #[error("the secret is empty")]
    EmptySecret,
    #[error("a Sovereign on machines that are there has no cloud account")]
    NoAccount,
    #[error("this installer never put anything on the machines of `{name}`")]
    NothingOnMachines { name: SovereignName },
    #[error("there is no agent for the hosts")]
    NoAgent { places: Vec<PathBuf> },
    #[error("there is no k3s for the hosts")]
    NoK3s,
    #[error("`{}` is not a program that Linux runs", path.display())]
    NotK3s { path: PathBuf },
    #[error("`{}` is not a program that Linux runs", path.display())]
    NotAnAgent { path: PathBuf },
    #[error("`{url}` is not an address that hosts can call")]
    Advertise { url: String },
    #[error("cannot listen for hosts on {address}")]
    Listen {
        address: std::net::SocketAddr,
        source: io::Error,
    },
    #[error("the keys of the node link are unusable")]
    NodeLink { why: String },
    #[error(transparent)]
    Dns {
        #[from]
        source: sovereign_dns::DnsError,
    },
    #[error("no sealed secret is called `{name}`")]
    UnknownSecret { name: String },
    #[error("no lab runs")]
    NoLab,
    #[error("a lab runs already at {address}")]
    LabRuns { address: std::net::SocketAddr },
    #[error(transparent)]
    LabStart {
        #[from]
        source: sovereign_lab::StartError,
    },
    #[error("the lab did not start{}", said(log))]
    LabDidNotStart { log: String },
    #[error("the lab at {address} does not stop")]
    LabDoesNotStop { address: std::net::SocketAddr },
    #[error(transparent)]
    Fault {
        #[from]
        source: crate::commands::lab::FaultError,
    },
    #[error(transparent)]
    Lab {
        #[from]
        source: LabError,
    },
    #[error(transparent)]
    Store {
        #[from]
        source: StoreError,
    },
    #[error(transparent)]
    Secret {
        #[from]
        source: SecretError,
    },
    #[error(transparent)]
    Journal {
        #[from]
        source: JournalError,
    },
    #[error(transparent)]
    Cloud {
        #[from]
        source: CloudError,
    },
    #[error(transparent)]
    Executor { source: ExecutorError },
    #[error("the plan cannot be made")]
    Plan {
        #[from]
        source: PlanError,
    },
}

impl From<ExecutorError> for CliError {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Held { sovereign, by, until } => Self::LeaseHeld {
                name: sovereign,
                by: by.to_string(),
                until,
            },
            source => Self::Executor { source },
        }
    }
}

fn problems(findings: &[Finding]) -> String {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    if errors == 1 {
        "1 problem".to_owned()
    } else {
        format!("{errors} problems")
    }
}

fn said(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!("; it said: {log}")
    }
}

impl CliError {
    /// How the program ends over it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::ReaderGone => Exit::Ok,
            Self::NoStateDir
            | Self::Unknown { .. }
            | Self::UnknownTarget { .. }
            | Self::WhichOne { .. }
            | Self::NotAPlan { .. }
            | Self::NobodyToAsk { .. }
            | Self::EmptySecret
            | Self::UnknownSecret { .. }
            | Self::Fault { .. }
            | Self::DestroyUnfinished { .. } => Exit::Usage,
            Self::Spec { .. } => Exit::SpecInvalid,
            Self::Preflight { .. } => Exit::Preflight,
            Self::Declined => Exit::Cancelled,
            Self::LeaseHeld { .. }
            | Self::Executor {
                source: ExecutorError::LeaseLost { .. },
            } => Exit::LeaseHeld,
            Self::PlanChanged { .. } => Exit::PlanChanged,
            _ => Exit::Failure,
        }
    }

    /// What to do next, where that is known.
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoStateDir => Some("set `--state-dir`, `SOVEREIGN_STATE_DIR` or `HOME`".into()),
            Self::Unknown { known, .. } | Self::UnknownTarget { known, .. } | Self::WhichOne { known } => {
                Some(known_names(known))
            }
            Self::PlanChanged { .. } => {
                Some("look at the new plan with `sovereign plan`, then approve that one".into())
            }
            Self::NobodyToAsk { remedy, .. } => Some(remedy.clone()),
            Self::DestroyUnfinished { name } => Some(format!("finish it first: `sovereign destroy {name}`")),
            Self::NoSpec { .. } => Some("give the path of the spec instead of the name".into()),
            Self::LeaseHeld { name, by, until } => Some(format!(
                "watch it with `sovereign logs {name} --follow`; should worker `{by}` be dead, its lease ends at {until:.0}"
            )),
            Self::Secret {
                source: SecretError::Missing(reference),
            } => Some(missing_secret(reference)),
            Self::NoLab => Some("start one with `sovereign lab up --detach`, as root, or with `--api-only` for records without machines".into()),
            Self::LabRuns { .. } => {
                Some("use it with `sovereign lab env`, or stop it with `sovereign lab down`".into())
            }
            Self::LabStart {
                source: sovereign_lab::StartError::Listen { .. },
            } => Some("choose another address with `--listen`".into()),
            Self::NoAgent { places } => Some(format!(
                "name it with `--agent FILE`, or put it at {}",
                places.iter().map(|place| format!("`{}`", place.display())).collect::<Vec<_>>().join(" or ")
            )),
            Self::NoK3s => Some(
                "name the binary of a k3s release with `--k3s FILE`, or stop before the cluster with `--until hosts`".into(),
            ),
            Self::NotK3s { .. } => Some("`--k3s` takes the binary `k3s` of a release, not an archive, an image or a script".into()),
            Self::NotAnAgent { .. } => Some("`--agent` takes the static binary `sovereign-agent-x86_64`".into()),
            Self::Advertise { .. } => {
                Some("write scheme, host and port and nothing else, for example `https://203.0.113.9:8443`".into())
            }
            Self::Listen { .. } => Some("choose another address with `--listen`, or see who listens there".into()),
            Self::NodeLink { .. } => Some("restore the state directory from a backup, or start in a new one".into()),
            Self::Dns { source } => Some(source.remedy.clone()),
            Self::UnknownSecret { .. } => Some("`sovereign secret list` shows the names".into()),
            Self::Cloud { source } if !source.remedy.is_empty() => Some(source.remedy.clone()),
            Self::Executor {
                source: ExecutorError::LeaseLost { sovereign },
            } => Some(format!(
                "see who works on it now with `sovereign status {sovereign}`"
            )),
            Self::Executor {
                source: ExecutorError::Journal { sovereign, .. },
            } => Some(format!(
                "mend that, then `sovereign up {sovereign}` goes on from what the journal holds"
            )),
            _ => None,
        }
    }
}

fn missing_secret(reference: &sovereign_core::secret::SecretRef) -> String {
    use sovereign_core::secret::SecretRef as R;
    match reference {
        R::Env(name) => format!("set it: `export {name}=...`"),
        R::File(path) => format!("write the secret to `{}`", path.display()),
        R::Sealed(name) => format!("seal it with `sovereign secret set {name}`"),
    }
}

fn known_names(known: &[SovereignName]) -> String {
    if known.is_empty() {
        return "this installer knows no Sovereign yet; `sovereign up SPEC` makes one".into();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("known are {}", names.join(", "))
}
