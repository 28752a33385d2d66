//! The command line. Types only; the doc comments are the help texts.

mod dns;
mod kit;
mod lab;
mod lab_registrar;
mod pool;
mod world;
mod zone;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use sovereign_images::Digest;
use url::Url;

pub(crate) use self::dns::{DnsCheck, DnsCommand, DnsPlan, DnsRollback, DnsStatus};
pub(crate) use self::kit::{KitCommand, KitPack, KitProfileArg, KitRender, KitSchema};
pub(crate) use self::lab::{
    Effect, FaultCommand, FaultSet, HostCommand, Hosts, LabCommand, LabUp, Link, Stage,
};
pub(crate) use self::lab_registrar::{
    RegistrarCommand, RegistrarEffectWord, RegistrarFaultSet, RegistrarSet,
};
pub(crate) use self::pool::{PoolCommand, PoolList, PoolRelease, PoolShow, PoolSweep};
pub(crate) use self::world::World;
pub(crate) use self::zone::{
    Lua, ZoneCheck, ZoneCommand, ZoneHealth, ZoneRollKey, ZoneSecondaries, ZoneSetAddresses,
};
use crate::exit::Exit;

/// Turns a spec into a running, self-sufficient Sovereign, and leaves.
///
/// `sovereign plan` shows what would happen, `sovereign up` makes it so, `sovereign destroy` removes it and proves that nothing is left.
/// Every run is journalled: whatever stops it, the same command goes on from there.
#[derive(Debug, Parser)]
#[command(name = "sovereign", version, max_term_width = 100, after_help = Exit::help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where journal, specs and sealed secrets live [default: `$XDG_STATE_HOME/sovereign`].
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "SOVEREIGN_STATE_DIR",
        hide_env_values = true
    )]
    pub(crate) state_dir: Option<PathBuf>,
    /// Address of the Hetzner Cloud API, for a lab or a proxy.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SOVEREIGN_HETZNER_ENDPOINT",
        hide_env_values = true
    )]
    pub(crate) hetzner_endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) world: World,
    /// How long this installer's claim on a Sovereign outlives it; less resumes sooner, more survives a slower disk.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        env = "SOVEREIGN_LEASE_SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(2..=600),
        hide_short_help = true
    )]
    pub(crate) lease_seconds: u64,
    /// How long a name out of a pool that was given back is kept from others, at least.
    #[arg(
        long,
        global = true,
        value_name = "DAYS",
        env = "SOVEREIGN_POOL_QUARANTINE_DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(0..=3650),
        hide_short_help = true
    )]
    pub(crate) pool_quarantine_days: u64,
    /// Print machine-readable JSON on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress, only the result.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Log more on standard error: once for information, twice for details, three times for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Form of the log lines.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A cloud that can be asked without a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderKind {
    /// Hetzner Cloud.
    Hetzner,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what `up` would create, change and cost; change nothing.
    Plan(PlanArgs),
    /// Make the Sovereign what its spec says; go on where an earlier run stopped.
    Up(UpArgs),
    /// Show where a Sovereign stands and what to do next.
    Status(StatusArgs),
    /// Print what happened to a Sovereign.
    Logs(LogsArgs),
    /// List the Sovereigns this installer knows.
    List(ListArgs),
    /// Print what a Sovereign was handed over with: every proof with its evidence, and what was not proven.
    Report(ReportArgs),
    /// Print the administrator's kubeconfig of a Sovereign that was handed off, sealed to the keys of its spec.
    Kubeconfig(KubeconfigArgs),
    /// Find orphans and drift in the cloud account, with their monthly price.
    Scan(ScanArgs),
    /// Remove a Sovereign with everything its cluster made, give its name back, and prove that nothing is left.
    Destroy(DestroyArgs),
    /// Check that this machine, the account and the registrar are fit for work.
    Doctor(DoctorArgs),
    /// Print the JSON Schema of the spec.
    Schema,
    /// Seal, list and delete secrets that a spec refers to as `sealed`.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Look at, check, render, compare and pack the kit that a Sovereign is made of above k3s.
    #[command(subcommand)]
    Kit(KitCommand),
    /// Look at names as the rest of the world sees them, and at who can delegate them.
    #[command(subcommand)]
    Dns(DnsCommand),
    /// Look at the names that were given out of pools, give one back, and clean up behind those that are gone.
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Look at a Sovereign's zone at its servers and secondaries, lead its names elsewhere or to what is healthy, roll its key.
    #[command(subcommand)]
    Zone(ZoneCommand),
    /// Run a cloud on this machine: a Hetzner-compatible API with fault switches.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write one page for each command into a directory.
    Man {
        /// Directory to write to.
        dir: Option<PathBuf>,
    },
}

/// How far a plan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// The cloud's resources; hosts boot and nobody talks to them yet.
    Cloud,
    /// The zone and its delegation, too: the names lead to load balancers that wait for hosts.
    Names,
    /// Hosts that are fit and hardened, too.
    Hosts,
    /// k3s on every host, all of them in one cluster, without a network for pods yet.
    Cluster,
    /// The kit in the cluster, every component of it proven.
    Kit,
    /// The Sovereign goes on by itself: proven, handed over, and this installer let in no more.
    HandOff,
}

/// How installer and hosts find each other.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Hosts")]
pub(crate) struct HostArgs {
    /// Address at which hosts reach this installer, for example `https://203.0.113.9:8443`: they call it [default: the installer calls them over SSH].
    #[arg(long, value_name = "URL", env = "SOVEREIGN_ADVERTISE", hide_env_values = true)]
    pub(crate) advertise: Option<Url>,
    /// Where to listen for hosts [default: every address, at the port of `--advertise`].
    #[arg(long, value_name = "ADDR", env = "SOVEREIGN_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// The agent that hosts get, a static binary [default: `sovereign-agent-x86_64` beside this program].
    #[arg(long, value_name = "FILE", env = "SOVEREIGN_AGENT", hide_env_values = true)]
    pub(crate) agent: Option<PathBuf>,
    /// The k3s that hosts get: the binary of a release, for their architecture; a file, or where it is fetched from.
    #[arg(long, value_name = "FILE|URL", env = "SOVEREIGN_K3S", hide_env_values = true)]
    pub(crate) k3s: Option<PathBuf>,
    /// The SHA-256 that this k3s has to have; needed with a URL.
    #[arg(long, value_name = "HEX", env = "SOVEREIGN_K3S_SHA256", value_parser = sha256, hide_env_values = true)]
    pub(crate) k3s_sha256: Option<Digest>,
    /// What the Sovereign reconciles from, as `sovereign kit pack` makes it: every host serves it to itself and its pods; a file, or where it is fetched from.
    #[arg(long, value_name = "FILE|URL", env = "SOVEREIGN_KIT", hide_env_values = true)]
    pub(crate) kit: Option<PathBuf>,
    /// The public key that the kit has to be signed by, PEM: `cosign.pub` of whoever packed it.
    #[arg(long, value_name = "FILE", env = "SOVEREIGN_KIT_KEY", hide_env_values = true)]
    pub(crate) kit_key: Option<PathBuf>,
    /// How long a host may take from its server's start to its agent's first word.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = patience, hide_short_help = true)]
    pub(crate) host_patience: Duration,
    /// How far to go [default: `hand-off` with k3s, a kit and its key; `hosts` with none of them].
    #[arg(
        long,
        value_enum,
        value_name = "PHASE",
        env = "SOVEREIGN_UNTIL",
        hide_env_values = true
    )]
    pub(crate) until: Option<Until>,
}

fn sha256(text: &str) -> Result<Digest, String> {
    let digest = format!("sha256:{}", text.to_ascii_lowercase()).parse();
    digest.map_err(|_| "not 64 hex digits".to_owned())
}

fn patience(text: &str) -> Result<Duration, String> {
    let seconds: u64 = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if (10..=7200).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err("not between 10 and 7200".to_owned())
    }
}

/// `sovereign plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) hosts: HostArgs,
    /// Path of a spec, `-` for standard input, or the name of a known Sovereign.
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: String,
    /// Write the plan to a file that `up --plan` accepts.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `sovereign up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) hosts: HostArgs,
    /// Path of a spec, or the name of a known Sovereign.
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: String,
    /// Run only if the plan equals this one, written by `plan -o`; counts as approval.
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    pub(crate) plan: Option<PathBuf>,
    /// Approve the plan without being asked.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// `sovereign status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The Sovereign; may be left out if there is only one.
    pub(crate) name: Option<String>,
}

/// `sovereign report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The Sovereign.
    pub(crate) name: String,
    /// Write `report.json`, its signature, the key it is checked by and the sealed kubeconfig into this folder.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Ask the cloud whether it still takes the token that the installer worked with; ends as held if it does.
    #[arg(long)]
    pub(crate) check_revoked: bool,
}

/// `sovereign kubeconfig`.
#[derive(Debug, Args)]
#[command(
    after_help = "Open it with the private half of one of those keys: `sovereign kubeconfig NAME | age -d -i ~/.ssh/id_ed25519`."
)]
pub(crate) struct KubeconfigArgs {
    /// The Sovereign.
    pub(crate) name: String,
}

/// `sovereign logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The Sovereign.
    pub(crate) name: String,
    /// Go on printing until the run ends.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print only what came after this event number.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) since: u64,
}

/// `sovereign list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Include Sovereigns that were destroyed.
    #[arg(short, long)]
    pub(crate) all: bool,
}

/// `sovereign scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Path of a spec or name of a known Sovereign, for its account and its drift.
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: Option<String>,
    /// Whose account is scanned when no Sovereign is named.
    #[arg(long, value_enum, conflicts_with = "target", default_value = "hetzner")]
    pub(crate) provider: ProviderKind,
    /// Environment variable that holds that account's token.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "target",
        default_value = "HCLOUD_TOKEN"
    )]
    pub(crate) token_env: String,
}

/// `sovereign destroy`.
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// Show what would be removed; remove nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Remove without being asked for the name.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The agent that takes leave of machines, a static binary [default: `sovereign-agent-x86_64` beside this program].
    #[arg(long, value_name = "FILE", env = "SOVEREIGN_AGENT", hide_env_values = true)]
    pub(crate) agent: Option<PathBuf>,
    /// Forget spec and journal, too, once nothing is left.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) forget: bool,
}

/// `sovereign doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Path of a spec or name of a known Sovereign whose account, name servers and registrar are checked, too.
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: Option<String>,
}

/// `sovereign secret`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Seal a secret; it is read from standard input or a hidden prompt.
    Set {
        /// Name that a spec refers to.
        name: String,
    },
    /// List the names of the sealed secrets.
    List,
    /// Delete a sealed secret.
    Delete {
        /// Its name.
        name: String,
    },
}
