//! `sovereign zone`: types only; the doc comments are the help texts.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use clap::{Args, Subcommand, ValueEnum};
use sovereign_dns::health::{HealthCheck, Region};

/// `sovereign zone`.
#[derive(Debug, Subcommand)]
pub(crate) enum ZoneCommand {
    /// Compare a Sovereign's zone, as its last run made it, with what every server has and answers; change nothing.
    Check(ZoneCheck),
    /// Show what each secondary needs to fetch the zone: where from, and by which key.
    Secondaries(ZoneSecondaries),
    /// Lead the names of a Sovereign's zone to other addresses at once, at every server and secondary.
    SetAddresses(ZoneSetAddresses),
    /// Give a Sovereign's zone a new key, without a moment at which its answers do not validate.
    RollKey(ZoneRollKey),
    /// Lead the names of a Sovereign's zone to the addresses that answer, for as long as it runs.
    Health(ZoneHealth),
}

/// `sovereign zone check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 0 if everything is as wanted, whatever others have added, and with 8 if something differs."
)]
pub(crate) struct ZoneCheck {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// Ask the parent, too, from the DNS root down, whether it vouches for keys that the zone does not have.
    #[arg(long)]
    pub(crate) parent: bool,
}

/// `sovereign zone set-addresses`.
#[derive(Debug, Args)]
#[command(
    after_help = "For an address that changed in the cloud `sovereign up` does the same. The next `up` makes the addresses what the spec says."
)]
pub(crate) struct ZoneSetAddresses {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// IPv4 address; may be repeated. Without one the names have none.
    #[arg(
        long,
        value_name = "ADDR",
        value_delimiter = ',',
        required_unless_present = "ipv6"
    )]
    pub(crate) ipv4: Vec<Ipv4Addr>,
    /// IPv6 address; may be repeated. Without one the names have none.
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub(crate) ipv6: Vec<Ipv6Addr>,
}

/// `sovereign zone roll-key`.
#[derive(Debug, Args)]
#[command(
    after_help = "A key is added, caches learn it, the parent gets its DS record, caches forget the old one, and the old key is removed. At a registrar whose API sets keys, and in a pool's zone, the DS record is changed by this command; elsewhere it shows what to enter and watches for it, or for a parent that reads CDS. It may be stopped at any time: the same command goes on."
)]
pub(crate) struct ZoneRollKey {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
}

/// `sovereign zone health`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every address of every region is asked at an interval; one that fails so often in a row is led to no more, and one that answers so often is led to again. What stands is read from the zone each time, so the command may be stopped, started anew and run twice. Where nothing answers, the names stay as they are. With `--once` it ends when it is clear where they are to lead: with 5 if nothing answers.\n\nThe next `up` leads the names to every address again."
)]
pub(crate) struct ZoneHealth {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// A region and its addresses; may be repeated. Without one they are those that the last `up` led the names to.
    #[arg(long = "region", value_name = "REGION=ADDR,ADDR")]
    pub(crate) regions: Vec<Region>,
    /// What is asked of each address: a connection, or a page under that name that it answers with a status below 400.
    #[arg(long, value_name = "tcp:PORT|URL", default_value = "tcp:443")]
    pub(crate) check: HealthCheck,
    /// Time between two looks at an address.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) interval: u64,
    /// How long an address may take to answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) timeout: u64,
    /// Answers in a row until an address is led to.
    #[arg(long, value_name = "TIMES", default_value = "3")]
    pub(crate) rise: NonZeroU32,
    /// Failures in a row until an address is led to no more.
    #[arg(long, value_name = "TIMES", default_value = "3")]
    pub(crate) fall: NonZeroU32,
    /// Look until it is clear where the names are to lead, lead them there, and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Have the name servers themselves choose when they are asked, by LUA records, and end; each of them is asked first whether it can.
    #[arg(long, value_name = "RULE", conflicts_with_all = ["once", "interval", "timeout", "rise", "fall"])]
    pub(crate) lua: Option<Lua>,
}

/// How name servers choose among addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lua {
    /// All that answer the page of `--check`, and all there are where none does.
    #[value(name = "ifurlup")]
    IfUrlUp,
    /// The one closest to whoever asks, by the server's own database of places; whether it answers does not count.
    #[value(name = "pickclosest")]
    PickClosest,
}

/// `sovereign zone secondaries`.
#[derive(Debug, Args)]
pub(crate) struct ZoneSecondaries {
    /// Name of the Sovereign, or path of its spec.
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) target: String,
    /// Show the keys, too, as the primary has them at this moment: whoever has one can fetch the zone.
    #[arg(long)]
    pub(crate) show_keys: bool,
}
