//! `sovereign pool`: names that were given out of pools.

mod release;
mod sweep;

pub(crate) use self::sweep::Swept;
use jiff::Timestamp;
use serde_json::{Value, json};
use sovereign_dns::DomainName;
use sovereign_dns::pool::{Allocation, PoolName};

use crate::cli::{Global, PoolCommand, PoolList, PoolShow};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;
use crate::wiring::App;

/// Lists, shows, releases or sweeps.
pub(crate) async fn run(global: Global, command: PoolCommand) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    match command {
        PoolCommand::List(args) => list(&app, &args).await,
        PoolCommand::Show(args) => show(&app, &args).await,
        PoolCommand::Release(args) => release::run(&app, &args).await,
        PoolCommand::Sweep(args) => sweep::run(&app, &args).await,
    }
}

async fn list(app: &App, args: &PoolList) -> Result<Exit, CliError> {
    let mut names = app.pool_book().all().await?;
    names.retain(|one| args.all || one.is_taken());
    if app.global.json {
        output::json(&names.iter().map(document).collect::<Vec<_>>())?;
    } else if names.is_empty() {
        output::notice("no names; a spec with `domain: {mode: pool, ...}` and `dns` asks for one");
    } else {
        output::data(&render::pool::list(&names, Timestamp::now()))?;
    }
    Ok(Exit::Ok)
}

async fn show(app: &App, args: &PoolShow) -> Result<Exit, CliError> {
    let found = find(app, &args.name).await?;
    let history = app.pool_book().history(&found.name).await?;
    if app.global.json {
        let history: Vec<Value> = history.iter().map(document).collect();
        output::json(&json!({ "name": document(&found), "history": history }))?;
    } else {
        output::data(&render::pool::show(&found, &history, Timestamp::now()))?;
    }
    Ok(Exit::Ok)
}

/// An allocation for programs. What proves the owner is nobody's business.
fn document(one: &Allocation) -> Value {
    json!({
        "name": one.name.to_string(),
        "pool": one.name.pool,
        "label": one.name.label,
        "sovereign": one.sovereign,
        "state": one.state.word(),
        "until": one.state.until(),
        "clearAt": one.clear_at,
        "generation": one.generation,
        "since": one.since,
    })
}

/// A name that the book knows.
async fn find(app: &App, name: &DomainName) -> Result<Allocation, CliError> {
    let unknown = || CliError::UnknownPoolName { name: name.clone() };
    let name = PoolName::of(name).map_err(|_| unknown())?;
    app.pool_book().find(&name).await?.ok_or_else(unknown)
}
