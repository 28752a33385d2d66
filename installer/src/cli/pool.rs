//! `sovereign pool`: types only; the doc comments are the help texts.

use clap::{Args, Subcommand};
use sovereign_dns::DomainName;

/// `sovereign pool`.
#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// List the names that were given out of pools, with their owners.
    List(PoolList),
    /// Show whose a name is, how far it has come and everything that became of it.
    Show(PoolShow),
    /// Take a name from its Sovereign: out of the pool, its zone away, into quarantine.
    Release(PoolRelease),
    /// Find what is in a pool's DNS and nobody's, and remove what still is when its grace is over.
    Sweep(PoolSweep),
}

/// `sovereign pool list`.
#[derive(Debug, Args)]
pub(crate) struct PoolList {
    /// Include names that are nobody's any more.
    #[arg(short, long)]
    pub(crate) all: bool,
}

/// `sovereign pool show`.
#[derive(Debug, Args)]
pub(crate) struct PoolShow {
    /// The name, for example `acme.sovereigns.example`.
    pub(crate) name: DomainName,
}

/// `sovereign pool release`.
#[derive(Debug, Args)]
#[command(
    after_help = "`sovereign destroy` gives a Sovereign's name back with everything else; this takes the name alone. It waits until no cache leads to the Sovereign any more, and may be repeated after any failure."
)]
pub(crate) struct PoolRelease {
    /// The name, for example `acme.sovereigns.example`.
    pub(crate) name: DomainName,
    /// Path of a spec whose `dns.servers` have the pool [default: the spec kept for the name's owner].
    #[arg(long, value_name = "SPEC|NAME")]
    pub(crate) spec: Option<String>,
    /// Release without being asked for the name.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// `sovereign pool sweep`.
#[derive(Debug, Args)]
#[command(
    after_help = "What bears no mark, or the mark of a Sovereign that this installer never gave the name to, is never touched. A name that is being taken away is left to whoever is at it until it has lain untouched for 10 minutes. Zones are written to `pool-exports` of the state directory before they go; their keys go with them."
)]
pub(crate) struct PoolSweep {
    /// Path of a spec or name of a known Sovereign whose pool is swept [default: the pools of all known Sovereigns].
    #[arg(value_name = "SPEC|NAME")]
    pub(crate) target: Option<String>,
    /// How long something must have been nobody's before it goes.
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u64).range(0..=3650))]
    pub(crate) grace_days: u64,
    /// Show what would be noted and removed; change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Remove without being asked.
    #[arg(short, long)]
    pub(crate) yes: bool,
}
