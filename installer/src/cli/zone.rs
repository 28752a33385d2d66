//! `sovereign zone`: types only; the doc comments are the help texts.

use std::net::{Ipv4Addr, Ipv6Addr};

use clap::{Args, Subcommand};

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
