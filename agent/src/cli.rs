//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use ipnet::Ipv4Net;
use url::Url;

/// Runs on a host of a Sovereign: looks at it, makes it what the installer says, and reports.
#[derive(Debug, Parser)]
#[command(name = "sovereign-agent", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the agent can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make this agent a service of the host and start it; repeating it changes nothing
    Install(InstallArgs),
    /// Run as the service does, in the foreground
    Run,
    /// Connect standard input and output to the running agent; the installer's way in over SSH
    Link,
    /// Serve what the installer brought, as the service of the registry does, in the foreground
    Registry {
        /// The registry's configuration; its certificate and key are beside it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Look at the host: what is fine, what was mended, what is wrong and what to do
    Preflight(PreflightArgs),
    /// Show who this host is, what it is to be and how far it is
    Status {
        /// Write one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show what happened on this host
    Logs {
        /// Stay and show what happens
        #[arg(long, short)]
        follow: bool,
        /// Write one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take away everything that was put on this host, and the agent
    Uninstall,
}

/// How the agent becomes a service.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("transport").required(true).args(["url", "ssh"])))]
pub struct InstallArgs {
    /// Name of the server in the plan
    #[arg(long)]
    pub node: String,
    /// Address of the installer that the agent calls
    #[arg(long, requires_all = ["ca", "ticket_file"])]
    pub url: Option<Url>,
    /// File with the Sovereign's CA certificate, PEM
    #[arg(long, requires = "url")]
    pub ca: Option<String>,
    /// File with the single-use ticket; it is removed once it is read
    #[arg(long, requires = "url")]
    pub ticket_file: Option<String>,
    /// The installer comes in over SSH
    #[arg(long)]
    pub ssh: bool,
}

/// What a look at the host is to find.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// Write one JSON document
    #[arg(long)]
    pub json: bool,
    /// Least number of CPUs
    #[arg(long, default_value_t = 1)]
    pub min_cpus: u32,
    /// Least memory, in MiB
    #[arg(long, default_value_t = 0)]
    pub min_memory_mib: u64,
    /// Least free space on the root file system, in MiB
    #[arg(long, default_value_t = 0)]
    pub min_free_disk_mib: u64,
    /// Range the private interface has its address in
    #[arg(long)]
    pub private_range: Option<Ipv4Net>,
    /// The private address that the cloud assigned
    #[arg(long)]
    pub private_address: Option<IpAddr>,
    /// `host:port` that must accept a connection; may be given more than once
    #[arg(long)]
    pub reach: Vec<String>,
    /// The cloud's metadata service must answer
    #[arg(long)]
    pub metadata: bool,
}
