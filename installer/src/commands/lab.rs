//! `sovereign lab`: a cloud on this machine.

mod fault;
mod host;
mod record;
mod registrar;
mod serve;
mod variables;

use std::time::{Duration, Instant};

use serde_json::json;
use sovereign_lab::{Lab, LabClient};

pub(crate) use self::fault::FaultError;
use self::record::Record;
use crate::cli::{Global, LabCommand};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::table::Columns;
use crate::state_dir::StateDir;

/// How long a lab may take to stop.
const STOP_WITHIN: Duration = Duration::from_mins(1);
/// Time between two looks at whether it stopped.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// One match from command to function.
pub(crate) async fn run(global: Global, command: LabCommand) -> Result<Exit, CliError> {
    let state = StateDir::open(global.state_dir.as_deref())?;
    match command {
        LabCommand::Up(args) if args.detach => serve::detached(&global, &state, &args).await?,
        LabCommand::Up(args) => serve::foreground(&global, &state, &args).await?,
        LabCommand::Env => env(&global, &Record::load(&state)?)?,
        LabCommand::Status => status(&global, &client(&state)?).await?,
        LabCommand::Stats { reset } => stats(&global, &client(&state)?, reset).await?,
        LabCommand::Fault(command) => fault::run(&global, &client(&state)?, command).await?,
        LabCommand::Host(command) => return host::run(&global, &client(&state)?, command).await,
        LabCommand::Registrar(command) => registrar::run(&global, &client(&state)?, command).await?,
        LabCommand::Shorten { zone, ttl } => client(&state)?.shorten(&zone, ttl).await?,
        LabCommand::Inside(args) => {
            let client = client(&state)?;
            client
                .make_inside(&args.network, args.servers, args.volumes, args.load_balancers)
                .await?;
        }
        LabCommand::Down => down(&state).await?,
    }
    Ok(Exit::Ok)
}

fn client(state: &StateDir) -> Result<LabClient, CliError> {
    Ok(LabClient::new(Record::load(state)?.address))
}

/// For `eval "$(sovereign lab env)"`.
fn env(global: &Global, record: &Record) -> Result<(), CliError> {
    let variables = variables::variables(record);
    if global.json {
        return output::json(&variables);
    }
    variables
        .into_iter()
        .try_for_each(|(name, value)| output::data(&format!("export {name}={value}")))
}

async fn status(global: &Global, client: &LabClient) -> Result<(), CliError> {
    let status = client.status().await?;
    if global.json {
        return output::json(&status);
    }
    let mut table = Columns::new(["project", "kind", "number"]).right(2);
    let mut empty = true;
    for (project, kinds) in status["projects"].as_object().into_iter().flatten() {
        for (kind, all) in kinds.as_object().into_iter().flatten() {
            let number = all.as_array().map_or(0, Vec::len);
            table.row([project.clone(), kind.replace('_', " "), number.to_string()]);
            empty = false;
        }
    }
    if empty {
        return output::data("the lab is empty");
    }
    output::data(&table.render(""))?;
    host::table(&client.hosts().await?)
}

async fn stats(global: &Global, client: &LabClient, reset: bool) -> Result<(), CliError> {
    let stats = client.stats().await?;
    if reset {
        client.reset_stats().await?;
    }
    if global.json {
        return output::json(&json!({ "total": stats.total(), "rows": stats.rows }));
    }
    let mut table = Columns::new(["method", "path", "status", "number"])
        .right(2)
        .right(3);
    for row in &stats.rows {
        table.row([
            row.method.clone(),
            row.path.clone(),
            row.status.to_string(),
            row.count.to_string(),
        ]);
    }
    output::data(&format!("{}\n{} requests", table.render(""), stats.total()))
}

async fn down(state: &StateDir) -> Result<(), CliError> {
    let record = Record::load(state)?;
    let client = LabClient::new(record.address);
    if client.stop().await.is_ok() {
        let began = Instant::now();
        while client.status().await.is_ok() || !record.has_ended() {
            if began.elapsed() > STOP_WITHIN {
                return Err(CliError::LabDoesNotStop {
                    address: record.address,
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    if record.ground.is_some() {
        // One that was killed has left its namespaces and disks.
        Lab::sweep().await?;
    }
    record.remove(state)?;
    output::notice(&format!(
        "the lab at {} is down; its state is gone",
        record.address
    ));
    Ok(())
}
