//! What goes wrong at the command line.

mod report;

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use sovereign_bootstrap::cluster;
use sovereign_cloud::CloudError;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::SpecProblems;
use sovereign_engine::executor::ExecutorError;
use sovereign_engine::journal::JournalError;
use sovereign_engine::plan::PlanError;
use sovereign_lab::LabError;
use sovereign_store::StoreError;
use sovereign_store::secrets::SecretError;
use thiserror::Error;

pub(crate) use self::report::report;
use crate::cluster_files::Missing;
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
    #[error("giving back the delegation of `{name}` is not finished")]
    RollbackUnfinished { name: SovereignName },
    #[error("a run that changes the delegation of `{name}` is not finished")]
    DelegationUnfinished { name: SovereignName, by: &'static str },
    #[error("no delegation is asked for by the spec of `{name}`")]
    DelegatesNothing { name: SovereignName },
    #[error("`{name}` was never delegated by this installer, or was given back already")]
    NothingToGiveBack { name: SovereignName },
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
    #[error("a run to the cluster needs {missing}")]
    NoClusterFiles {
        missing: Missing,
        before: Option<Box<cluster::ClusterFiles>>,
    },
    #[error("`{}` has the SHA-256 {found}, and not {wanted}", path.display())]
    OtherK3s {
        path: PathBuf,
        wanted: String,
        found: String,
    },
    #[error(transparent)]
    Address {
        #[from]
        source: sovereign_images::download::BadAddress,
    },
    #[error(transparent)]
    Download {
        #[from]
        source: sovereign_images::download::DownloadError,
    },
    #[error("`{}` is not a program that Linux runs", path.display())]
    NotK3s { path: PathBuf },
    #[error("`{}` is not an OCI archive", path.display())]
    NotAKit { path: PathBuf },
    #[error("`{name}` was not handed off: it is {state}")]
    NotHandedOff { name: String, state: &'static str },
    #[error("the run broke: this is a defect of this program")]
    Broken { source: tokio::task::JoinError },
    #[error("`{name}` was handed off: this installer has no way in any more")]
    HandedOff { name: String },
    #[error("{reference} holds another token than the one that `{name}` was made with")]
    AnotherToken { reference: SecretRef, name: String },
    #[error("the kit `{}` cannot be used", path.display())]
    UnusableKit {
        path: PathBuf,
        #[source]
        source: Box<sovereign_images::kit::KitError>,
    },
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
    #[error("`{name}` has no zone that its last run made")]
    NoZone { name: String },
    #[error("the spec of `{name}` names no secondaries")]
    NoSecondaries { name: String },
    #[error("no `up` of `{name}` has led its names anywhere yet")]
    NoRegions { name: String },
    #[error("`ifurlup` asks for a page, and `{check}` is none")]
    NoPage { check: String },
    #[error("the last run of `{name}` is not at its end")]
    Unfinished { name: String, command: &'static str },
    #[error("zone `{zone}` is not led to {addresses} everywhere: {why}")]
    NotLed {
        zone: String,
        addresses: String,
        why: String,
    },
    #[error(transparent)]
    Observer {
        #[from]
        source: sovereign_dns::health::ObserverError,
    },
    #[error(transparent)]
    Dns {
        #[from]
        source: sovereign_dns::DnsError,
    },
    #[error(transparent)]
    Registrar {
        #[from]
        source: sovereign_dns::registrar::RegistrarError,
    },
    #[error("the trust anchor `{}` cannot be used", path.display())]
    TrustAnchor {
        path: PathBuf,
        source: sovereign_dns::probe::TrustAnchorError,
    },
    #[error("the kit is not fit: {}", problems(findings))]
    Kit { findings: Vec<Finding> },
    #[error("the kit cannot be written: {why}")]
    KitUnwritable { why: String },
    #[error("`{}` holds something already", path.display())]
    NotEmpty { path: PathBuf },
    #[error("`{}` holds no accounts in the form of Docker's `config.json`", path.display())]
    NotAuth { path: PathBuf },
    #[error("there is no key to sign the kit with")]
    NoKey,
    #[error(transparent)]
    Helm {
        #[from]
        source: crate::kit::helm::HelmError,
    },
    #[error(transparent)]
    Pull {
        #[from]
        source: sovereign_images::client::PullError,
    },
    #[error(transparent)]
    Layout {
        #[from]
        source: sovereign_images::layout::LayoutError,
    },
    #[error(transparent)]
    Archive {
        #[from]
        source: sovereign_images::archive::ArchiveError,
    },
    #[error(transparent)]
    Artifact {
        #[from]
        source: sovereign_images::artifact::ArtifactError,
    },
    #[error(transparent)]
    Signature {
        #[from]
        source: sovereign_images::signature::SignatureError,
    },
    #[error(transparent)]
    Name {
        #[from]
        source: sovereign_images::name::BadName,
    },
    #[error(transparent)]
    Reference {
        #[from]
        source: sovereign_images::reference::BadReference,
    },
    #[error(transparent)]
    Digest {
        #[from]
        source: sovereign_images::digest::BadDigest,
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
    #[error("no name out of a pool is called `{name}`")]
    UnknownPoolName { name: sovereign_dns::DomainName },
    #[error("no spec of the owner of `{name}` is kept here, so nobody knows which servers have its pool")]
    NoPoolServers { name: String },
    #[error("the delegation is not gone everywhere: {why}")]
    StillDelegated { why: String },
    #[error(transparent)]
    Deed {
        #[from]
        source: sovereign_dns::pool::DeedError,
    },
    #[error(transparent)]
    PoolBook {
        #[from]
        source: sovereign_dns::pool::BookError,
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
            | Self::UnknownPoolName { .. }
            | Self::NoPoolServers { .. }
            | Self::NotEmpty { .. }
            | Self::NoKey
            | Self::NoClusterFiles { .. }
            | Self::Address { .. }
            | Self::TrustAnchor { .. }
            | Self::NoZone { .. }
            | Self::NoSecondaries { .. }
            | Self::NoRegions { .. }
            | Self::NoPage { .. }
            | Self::Unfinished { .. }
            | Self::Fault { .. }
            | Self::DestroyUnfinished { .. }
            | Self::DelegationUnfinished { .. }
            | Self::DelegatesNothing { .. }
            | Self::NothingToGiveBack { .. }
            | Self::RollbackUnfinished { .. } => Exit::Usage,
            Self::Spec { .. } | Self::Kit { .. } => Exit::SpecInvalid,
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
    pub(crate) fn hint(&self) -> Option<String> {
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
            Self::DelegatesNothing { .. } => Some("the domain modes `registrar`, `delegated` and `childZone` ask for one, with `dns` beside them".into()),
            Self::NothingToGiveBack { name } => Some(format!("see how far it is with `sovereign dns status {name}`")),
            Self::RollbackUnfinished { name } => Some(format!("finish it first: `sovereign dns rollback {name}`")),
            Self::DelegationUnfinished { name, by } => Some(format!("finish it first: `sovereign {by} {name}`")),
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
            Self::NoClusterFiles { missing, before } => Some(missing.remedy(before.as_deref())),
            Self::OtherK3s { .. } => Some("compare it with the release's `sha256sum-amd64.txt`: the file is damaged, or of another release".into()),
            Self::Address { source } => Some(source.remedy().into()),
            Self::Download { source } => Some(source.remedy().into()),
            Self::Kit { .. } => Some("`sovereign kit schema` prints what the files of a kit may hold".into()),
            Self::NotEmpty { .. } => Some("name a folder that is new or empty".into()),
            Self::NotAuth { .. } => Some("write it with `docker login` or `helm registry login`, without a credential store".into()),
            Self::TrustAnchor { .. } => Some("write the root's DS or DNSKEY records into it as zone files have them, one a line: `. IN DS 20326 8 2 e06d...`".into()),
            Self::NoZone { .. } => Some("`sovereign up` makes it, where the spec has `dns` and a domain".into()),
            Self::NoSecondaries { .. } => Some("name them under `dns.secondaries`".into()),
            Self::NoRegions { .. } => Some("name the addresses with `--region NAME=ADDRESS,ADDRESS`".into()),
            Self::NoPage { .. } => Some("name one, for example `--check https://console.acme.example/healthz`".into()),
            Self::Unfinished { name, command } => Some(format!("finish it first: `sovereign {command} {name}`")),
            Self::NotLed { .. } => Some("see what each server has and answers with `sovereign zone check`".into()),
            Self::NoKey => Some("name one with `--key FILE`, or make one with `--generate-key DIR`".into()),
            Self::Helm { source } => Some(source.remedy().into()),
            Self::Pull { source } => Some(source.remedy().into()),
            Self::Layout { source } => Some(source.remedy().into()),
            Self::Archive { source } => Some(source.remedy().into()),
            Self::Artifact { source } => Some(source.remedy().into()),
            Self::Signature { source } => Some(source.remedy().into()),
            Self::NotK3s { .. } => Some("`--k3s` takes the binary `k3s` of a release, not an archive, an image or a script".into()),
            Self::NotAKit { .. } => Some("`--kit` takes what `sovereign kit pack` makes: a plain tar file of an OCI image layout, not compressed".into()),
            Self::NotHandedOff { name, .. } => Some(format!("`sovereign up {name} --k3s FILE|URL --kit FILE|URL --kit-key FILE` goes on as far as that")),
            Self::HandedOff { name } => Some(format!("change it by what Flux reads in the Sovereign; `sovereign destroy {name}` removes it")),
            Self::AnotherToken { .. } => Some("put the installer's own token there, the one that is to be revoked, and ask again".into()),
            Self::UnusableKit { source, .. } => Some(source.remedy().into()),
            Self::NotAnAgent { .. } => Some("`--agent` takes the static binary `sovereign-agent-x86_64`".into()),
            Self::Advertise { .. } => {
                Some("write scheme, host and port and nothing else, for example `https://203.0.113.9:8443`".into())
            }
            Self::Listen { .. } => Some("choose another address with `--listen`, or see who listens there".into()),
            Self::NodeLink { .. } => Some("restore the state directory from a backup, or start in a new one".into()),
            Self::Dns { source } => Some(source.remedy.clone()),
            Self::Registrar { source } => Some(source.remedy.clone()),
            Self::UnknownPoolName { .. } => Some("`sovereign pool list --all` shows the names".into()),
            Self::NoPoolServers { .. } => Some("name a spec whose `dns.servers` have it with `--spec`".into()),
            Self::StillDelegated { .. } => Some("see why those servers do not answer as they should, then repeat the command: it goes on from here".into()),
            Self::Deed { source } => source.remedy(),
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

fn missing_secret(reference: &SecretRef) -> String {
    match reference {
        SecretRef::Env(name) => format!("set it: `export {name}=...`"),
        SecretRef::File(path) => format!("write the secret to `{}`", path.display()),
        SecretRef::Sealed(name) => format!("seal it with `sovereign secret set {name}`"),
    }
}

fn known_names(known: &[SovereignName]) -> String {
    if known.is_empty() {
        return "this installer knows no Sovereign yet; `sovereign up SPEC` makes one".into();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("known are {}", names.join(", "))
}
