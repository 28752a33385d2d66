//! What a person, or the installer over SSH, types on the host.

mod link;
mod logs;
mod output;
mod preflight;
mod status;

use std::process::ExitCode;
use std::rc::Rc;

use crate::cli::{Cli, Command, InstallArgs};
use crate::config::{AgentConfig, Transport};
use crate::daemon;
use crate::fault::Fault;
use crate::host::Host;
use crate::install::{UNIT_NAME, install};
use crate::leave;
use crate::registry;
use crate::root::Root;
use crate::runner::HostRunner;

/// Does what was typed; the process's status.
pub async fn run(cli: Cli) -> Result<u8, Fault> {
    let root = Root::real();
    match cli.command {
        Command::Install(args) => {
            let changed = install(&open()?, &config(args)?).await?;
            output::line(if changed {
                "installed and running"
            } else {
                "runs already"
            })?;
        }
        Command::Run => daemon::run(root).await?,
        Command::Link => link::link(&root).await?,
        Command::Registry { config } => registry::serve(&config).await?,
        Command::Preflight(args) => return preflight::run(&open()?, args).await,
        Command::Status { json } => status::run(&open()?, json).await?,
        Command::Logs { follow, json } => logs::run(&root, follow, json).await?,
        Command::Uninstall => uninstall(&open()?).await?,
    }
    Ok(0)
}

/// Writes an error the way all of them look; the process's status.
pub fn report(cause: &str, remedy: &str) -> ExitCode {
    output::notice(&format!("error: {cause}\nhint: {remedy}"));
    ExitCode::FAILURE
}

fn open() -> Result<Host, Fault> {
    Host::open(Root::real(), Rc::new(HostRunner))
}

fn config(args: InstallArgs) -> Result<AgentConfig, Fault> {
    let transport = match (args.url, args.ca, args.ticket_file) {
        (Some(url), Some(ca), Some(ticket_file)) => Transport::Https { url, ca, ticket_file },
        (None, None, None) if args.ssh => Transport::Ssh,
        _ => {
            return Err(Fault::new(
                "it is not clear how the installer and this agent meet",
                "give `--ssh`, or all of `--url`, `--ca` and `--ticket-file`",
            ));
        }
    };
    Ok(AgentConfig {
        node: args.node,
        transport,
    })
}

async fn uninstall(host: &Host) -> Result<(), Fault> {
    if host.has_unit(UNIT_NAME) {
        let remedy = "see why on the host: `systemctl status sovereign-agent`";
        host.must("systemctl", &["stop", UNIT_NAME], remedy).await?;
    }
    leave::set_leaving(host)?;
    leave::undo_all(host, &|part| output::notice(&format!("taking away: {part}"))).await?;
    leave::remove_agent(host).await
}
