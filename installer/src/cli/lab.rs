//! The command line of the lab.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use sovereign_lab::{CustomerDomain, RegistrarVendor, Share};

use super::lab_registrar::{RegistrarCommand, registered};

/// `sovereign lab`.
#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// Start the lab; it runs until it is stopped.
    Up(LabUp),
    /// Print the exports that point the installer and other clients at the lab.
    Env,
    /// Show what the lab holds.
    Status,
    /// Show how many requests the lab has answered.
    Stats {
        /// Count from nothing again, after showing.
        #[arg(long)]
        reset: bool,
    },
    /// Make the lab misbehave.
    #[command(subcommand)]
    Fault(FaultCommand),
    /// Do something to one server's machine that the cloud's API knows nothing of.
    #[command(subcommand)]
    Host(HostCommand),
    /// Act as the owner of a registered domain, or let its registrar misbehave.
    #[command(subcommand)]
    Registrar(RegistrarCommand),
    /// Shorten every time to live in a zone on the lab's name servers: caches forget it soon, and nobody waits for an hour.
    Shorten {
        /// The zone.
        zone: String,
        /// Seconds.
        #[arg(long, value_name = "SECONDS", default_value_t = 1)]
        ttl: u32,
    },
    /// Make what a running cluster makes by itself: autoscaled servers, volumes, load balancers.
    Inside(LabInside),
    /// Stop the lab and remove its state.
    Down,
}

/// `sovereign lab up`.
#[derive(Debug, Args)]
pub(crate) struct LabUp {
    /// Serve the API alone: a server is a record without a machine behind it. Needs no root.
    #[arg(long, conflicts_with_all = ["hosts", "cache"])]
    pub(crate) api_only: bool,
    /// What runs servers.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) hosts: Hosts,
    /// Directory that keeps the hosts' root file systems for all labs.
    #[arg(
        long,
        env = "SOVEREIGN_LAB_CACHE",
        value_name = "DIR",
        default_value = "/var/cache/sovereign-lab"
    )]
    pub(crate) cache: PathBuf,
    /// Let containers see a folder of this machine, read-only; may be given more than once.
    #[arg(long, value_name = "DIR:PATH", value_parser = share, conflicts_with = "api_only")]
    pub(crate) share: Vec<Share>,
    /// Start a DNS of its own as well, on loopback: a signed root, the top level `example`, and two name servers for zones.
    #[arg(long)]
    pub(crate) dns: bool,
    /// Register a domain, on old name servers, at a registrar with the API of this vendor; may be repeated. With `+signed` or
    /// `+mail` behind it the old zone is signed, or has mail.
    #[arg(long, value_name = "VENDOR:DOMAIN", value_parser = registered, requires = "dns")]
    pub(crate) registrar: Vec<(RegistrarVendor, CustomerDomain)>,
    /// A zone on the two name servers to give names out of.
    #[arg(long, value_name = "ZONE", value_parser = pool, requires = "dns")]
    pub(crate) pool: Option<String>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub(crate) listen: SocketAddr,
    /// Directory that keeps what the lab holds over restarts [default: kept in memory].
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// How long the creation of a server takes at least [default: 20 with `--api-only`, else as long as it takes].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) create_seconds: Option<f64>,
    /// Day the API behaves as on; decides which announced changes are live [default: today].
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) today: Option<Date>,
    /// Servers that a project may hold.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) server_limit: Option<usize>,
    /// Requests that a project may send in an hour.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) requests_per_hour: Option<u32>,
    /// Run in the background.
    #[arg(short, long)]
    pub(crate) detach: bool,
}

/// What runs servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Hosts {
    /// Containers with an init of their own, up in seconds.
    #[default]
    Container,
    /// Virtual machines with firmware, clock and kernel of their own, up in a minute or two.
    Vm,
}

fn share(text: &str) -> Result<Share, String> {
    let (folder, at) = text.split_once(':').ok_or("write it as DIR:PATH")?;
    let folder = std::fs::canonicalize(folder).map_err(|error| format!("`{folder}`: {error}"))?;
    if at.contains(':') || !at.starts_with('/') {
        return Err(format!("`{at}` is not an absolute path"));
    }
    Ok(Share {
        folder,
        at: at.into(),
    })
}

fn pool(zone: &str) -> Result<String, String> {
    if zone.ends_with(".example") && !zone.starts_with('.') {
        Ok(zone.to_owned())
    } else {
        Err("not below `example`, the lab's top level".to_owned())
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=3600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("not between 0 and 3600".to_owned())
    }
}

/// `sovereign lab inside`.
#[derive(Debug, Args)]
pub(crate) struct LabInside {
    /// Name of the cluster's network.
    pub(crate) network: String,
    /// Servers that an autoscaler made.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) servers: u32,
    /// Volumes that the CSI driver made.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) volumes: u32,
    /// Load balancers that the cloud controller made.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) load_balancers: u32,
}

/// `sovereign lab host`: what somebody with a hand on the machine can do, and the cloud's API cannot.
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// Show what is known of a host.
    Show {
        /// The server's name or number.
        server: String,
    },
    /// Reboot a host in order, as somebody who is logged in would.
    Reboot {
        /// The server's name or number.
        server: String,
    },
    /// Let a host break: it is off from one moment to the next.
    Kill {
        /// The server's name or number.
        server: String,
    },
    /// Pull a cable of a host.
    Cut {
        /// The server's name or number.
        server: String,
        /// Which.
        link: Link,
    },
    /// Fill a host's disk up.
    Fill {
        /// The server's name or number.
        server: String,
        /// But for so many MiB.
        #[arg(long, value_name = "MIB", default_value_t = 0)]
        left: u64,
    },
    /// Send a host's questions for metadata into its private network, where nobody answers.
    Misroute {
        /// The server's name or number.
        server: String,
    },
    /// Take away everything that is wrong with a host; what only a boot changes, changes at the next.
    Heal {
        /// The server's name or number.
        server: String,
    },
    /// Run a command on a host as root, from its console.
    Exec {
        /// The server's name or number.
        server: String,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Print what a host said on its console.
    Console {
        /// The server's name or number.
        server: String,
    },
}

/// A host's cables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Link {
    /// The public one.
    Public,
    /// The private ones.
    Private,
}

/// `sovereign lab fault`.
#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Switch a fault on; one of the same name is replaced.
    Set(Box<FaultSet>),
    /// Switch one fault off, or all of them.
    Clear {
        /// Its name.
        name: Option<String>,
    },
    /// List the faults that are on.
    List,
    /// Say which server types are sold out; replaces what was said before.
    SoldOut {
        /// Each `TYPE@LOCATION`, for example `cx33@fsn1`.
        offers: Vec<String>,
    },
    /// Leave so many requests in every project's bucket.
    Bucket {
        /// Requests.
        remaining: u32,
    },
}

/// `sovereign lab fault set`.
#[derive(Debug, Args)]
pub(crate) struct FaultSet {
    /// Name to switch it off by.
    pub(crate) name: String,
    /// What it does to the requests it matches.
    #[arg(long, value_enum)]
    pub(crate) effect: Effect,
    /// HTTP status, for `error`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) status: Option<u16>,
    /// Error code, for `error` and `action-fails`.
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Seconds, for `slow-boot` and `clock-off`.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) seconds: Option<i64>,
    /// Stage of cloud-init, for `cloud-init-fails`.
    #[arg(long, value_enum)]
    pub(crate) stage: Option<Stage>,
    /// MiB that stay free, for `disk-full` [default: 0].
    #[arg(long, value_name = "MIB")]
    pub(crate) left: Option<u64>,
    /// Milliseconds, for `delay`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) ms: Option<u64>,
    /// Times as long, for `action-slow`.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) factor: Option<f64>,
    /// Match only this HTTP method.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Match only paths that begin so, for example `/servers`.
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Match only bodies whose `name` contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) resource: Option<String>,
    /// Match only bodies with this server type.
    #[arg(long, value_name = "TYPE")]
    pub(crate) server_type: Option<String>,
    /// Match only bodies with this location.
    #[arg(long)]
    pub(crate) location: Option<String>,
    /// Let so many matches through first.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u32,
    /// Strike so many times [default: always].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) times: Option<u32>,
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Effect {
    /// Answer with an error and do nothing.
    Error,
    /// Drop the connection before anything is done.
    DropRequest,
    /// Do what was asked, then drop the connection.
    DropResponse,
    /// Answer later.
    Delay,
    /// Let the action end in error.
    ActionFails,
    /// Let the action be nowhere to be found.
    ActionVanishes,
    /// Let the action take longer.
    ActionSlow,
    /// Bring servers up without their private network.
    NoPrivateNic,
    /// Let the machine take longer until it says anything. This and what follows is for real hosts.
    SlowBoot,
    /// Let the machine have power and never come up.
    DeadBoot,
    /// Let a stage of cloud-init fail, and those after it not run.
    CloudInitFails,
    /// Let the clock be off; virtual machines only.
    ClockOff,
    /// Let the disk be full.
    DiskFull,
    /// Let the public cable be out.
    NoPublicLink,
    /// Let the private cables be out.
    NoPrivateLink,
    /// Send questions for metadata into the private network once the host has its user data.
    WrongMetadataRoute,
}

/// A stage of cloud-init.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Before the network.
    Local,
    /// With the network: files, users, keys.
    Network,
    /// Packages, time, commands to run.
    Config,
    /// Runs the commands.
    Final,
}
