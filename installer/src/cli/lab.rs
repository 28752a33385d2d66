//! The command line of the lab.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

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
    /// Make what a running cluster makes by itself: autoscaled servers, volumes, load balancers.
    Inside(LabInside),
    /// Stop the lab and remove its state.
    Down,
}

/// `sovereign lab up`.
#[derive(Debug, Args)]
pub(crate) struct LabUp {
    /// Serve the API alone: a server is a record without a machine behind it.
    #[arg(long, required = true)]
    pub(crate) api_only: bool,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub(crate) listen: SocketAddr,
    /// Directory that keeps what the lab holds over restarts [default: kept in memory].
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// How long the creation of a server takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    pub(crate) create_seconds: f64,
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
}
