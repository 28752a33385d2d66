//! `sovereign lab host`: a hand on one machine of the lab.

use serde_json::json;
use sovereign_lab::{HostFaults, HostView, LabClient};

use crate::cli::{Global, HostAct, LabHost, Link};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::table::Columns;

/// Does something to one machine.
pub(super) async fn run(global: &Global, client: &LabClient, args: LabHost) -> Result<Exit, CliError> {
    let host = client.host(&args.server).await?;
    let change = |change: fn(&mut HostFaults)| {
        let mut faults = host.faults.clone();
        change(&mut faults);
        faults
    };
    let faults = match args.act {
        HostAct::Show => {
            show(global, &host)?;
            return Ok(Exit::Ok);
        }
        HostAct::Reboot => {
            client.reboot_host(&args.server).await?;
            return Ok(Exit::Ok);
        }
        HostAct::Kill => {
            client.kill_host(&args.server).await?;
            return Ok(Exit::Ok);
        }
        HostAct::Exec { command } => return execute(client, &args.server, &command).await,
        HostAct::Console => {
            output::data(client.console(&args.server).await?.trim_end())?;
            return Ok(Exit::Ok);
        }
        HostAct::Cut { link: Link::Public } => change(|faults| faults.cut_public = true),
        HostAct::Cut { link: Link::Private } => change(|faults| faults.cut_private = true),
        HostAct::Misroute => change(|faults| faults.metadata_route = true),
        HostAct::Fill { left } => HostFaults {
            disk_left_mib: Some(left),
            ..host.faults.clone()
        },
        HostAct::Heal => HostFaults::default(),
    };
    client.afflict(&args.server, &faults).await?;
    Ok(Exit::Ok)
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
