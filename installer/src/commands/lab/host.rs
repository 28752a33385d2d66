//! `sovereign lab host`: a hand on one machine of the lab.

use serde_json::json;
use sovereign_lab::{HostFaults, HostView, LabClient};

use crate::cli::{Global, HostCommand, Link};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::table::Columns;

/// Does something to one machine.
pub(super) async fn run(global: &Global, client: &LabClient, command: HostCommand) -> Result<Exit, CliError> {
    match command {
        HostCommand::Show { server } => show(global, &client.host(&server).await?)?,
        HostCommand::Reboot { server } => client.reboot_host(&server).await?,
        HostCommand::Kill { server } => client.kill_host(&server).await?,
        HostCommand::Exec { server, command } => return execute(client, &server, &command).await,
        HostCommand::Console { server } => output::data(client.console(&server).await?.trim_end())?,
        HostCommand::Heal { server } => client.afflict(&server, &HostFaults::default()).await?,
        HostCommand::Cut { server, link } => {
            let cut = |faults: &mut HostFaults| match link {
                Link::Public => faults.cut_public = true,
                Link::Private => faults.cut_private = true,
            };
            afflict(client, &server, cut).await?;
        }
        HostCommand::Fill { server, left } => {
            afflict(client, &server, |faults| faults.disk_left_mib = Some(left)).await?;
        }
        HostCommand::Misroute { server } => {
            afflict(client, &server, |faults| faults.metadata_route = true).await?;
        }
    }
    Ok(Exit::Ok)
}

/// Adds to what is wrong with a host.
async fn afflict(
    client: &LabClient,
    server: &str,
    change: impl FnOnce(&mut HostFaults),
) -> Result<(), CliError> {
    let mut faults = client.host(server).await?.faults;
    change(&mut faults);
    Ok(client.afflict(server, &faults).await?)
}

fn show(global: &Global, host: &HostView) -> Result<(), CliError> {
    if global.json {
        return output::json(host);
    }
    table(std::slice::from_ref(host))
}

/// The command's output goes where ours goes; the exit code tells whether it succeeded.
async fn execute(client: &LabClient, server: &str, command: &[String]) -> Result<Exit, CliError> {
    let said = client.execute(server, command).await?;
    if !said.stdout.is_empty() {
        output::data(said.stdout.trim_end_matches('\n'))?;
    }
    if !said.stderr.is_empty() {
        output::notice(said.stderr.trim_end_matches('\n'));
    }
    Ok(if said.code == Some(0) {
        Exit::Ok
    } else {
        Exit::Failure
    })
}

/// The hosts, one a line; nothing where there are none.
pub(super) fn table(hosts: &[HostView]) -> Result<(), CliError> {
    if hosts.is_empty() {
        return Ok(());
    }
    let mut table = Columns::new(["host", "status", "boots", "wrong with it"]).right(2);
    for host in hosts {
        let status = host.status.clone();
        table.row([
            host.name.clone(),
            status,
            host.boots.to_string(),
            wrong(&host.faults),
        ]);
    }
    output::data(&table.render(""))
}

/// The faults that are set, by their names.
fn wrong(faults: &HostFaults) -> String {
    let (now, well) = (json!(faults), json!(HostFaults::default()));
    let set = now.as_object().into_iter().flatten();
    let set = set.filter(|(name, value)| well[name.as_str()] != **value);
    let named: Vec<String> = set.map(|(name, _)| name.replace('_', " ")).collect();
    named.join(", ")
}
