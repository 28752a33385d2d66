//! How a lab is set up.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::private_dns::CustomerDomain;
use crate::registrars::RegistrarVendor;

/// A token and the project it opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// 64 characters, as some clients insist.
    pub value: String,
    /// The project's name.
    pub project: String,
    /// Writes are refused with `token_readonly`.
    pub read_only: bool,
}

/// What a project may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Servers.
    pub servers: usize,
    /// Primary IPs; a server with public addresses takes two.
    pub primary_ips: usize,
    /// Load balancers.
    pub load_balancers: usize,
    /// Volumes.
    pub volumes: usize,
    /// Requests per hour; the bucket refills evenly.
    pub requests_per_hour: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            servers: 5_000,
            primary_ips: 10_000,
            load_balancers: 100,
            volumes: 1_000,
            requests_per_hour: 3_600,
        }
    }
}

/// What runs servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// Containers with an init of their own; they come up in seconds.
    #[default]
    Container,
    /// Virtual machines with firmware, clock and kernel of their own.
    Vm,
}

/// How the host side is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsConfig {
    /// Where root file systems are kept for all labs.
    pub cache: PathBuf,
    /// What runs servers.
    pub kind: HostKind,
    /// Folders of this machine that containers see, read-only.
    pub shares: Vec<Share>,
}

/// A folder of this machine that hosts see, read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The folder.
    pub folder: PathBuf,
    /// Where hosts see it; an absolute path.
    pub at: PathBuf,
}

impl Default for HostsConfig {
    fn default() -> Self {
        Self {
            cache: "/var/cache/sovereign-lab".into(),
            kind: HostKind::default(),
            shares: Vec::new(),
        }
    }
}

/// Who and what is in the DNS of a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Customers' domains and the registrars that have them.
    pub registrars: Vec<(RegistrarVendor, CustomerDomain)>,
    /// A zone that names are given out of.
    pub pool: Option<String>,
}

/// How a lab is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct LabConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Keeps the state over restarts; in memory without.
    pub state: Option<PathBuf>,
    /// Tokens; `lab env` prints the first, and the second that may write to the same project.
    pub tokens: Vec<Token>,
    /// How long the creation of a server takes, in seconds. Other actions take a twentieth of it.
    pub create_seconds: f64,
    /// What each project may hold.
    pub limits: Limits,
    /// The day the API behaves as on; decides which announced changes are live.
    pub today: Date,
    /// Makes servers real hosts; without, a server is a record.
    pub hosts: Option<HostsConfig>,
    /// A DNS of its own beside the lab; none without.
    pub dns: Option<DnsConfig>,
}

impl Default for LabConfig {
    fn default() -> Self {
        let token = Token {
            value: "lab0".repeat(16),
            project: "lab".into(),
            read_only: false,
        };
        let reader = Token {
            value: "read".repeat(16),
            project: "lab".into(),
            read_only: true,
        };
        let second = Token {
            value: "own0".repeat(16),
            project: "lab".into(),
            read_only: false,
        };
        let other = Token {
            value: "two0".repeat(16),
            project: "other".into(),
            read_only: false,
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            state: None,
            tokens: vec![token, reader, second, other],
            create_seconds: 20.0,
            limits: Limits::default(),
            today: jiff::Timestamp::now()
                .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                .date(),
            hosts: None,
            dns: None,
        }
    }
}
