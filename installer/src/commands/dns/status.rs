//! `sovereign dns status`: how far a Sovereign's delegation is, by its journal.

use crate::cli::{DnsStatus, Global};
use crate::delegation::DelegationStanding;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::wiring::App;
use crate::{output, render, target};

/// Shows each stage with what was seen.
pub(super) async fn run(global: Global, args: DnsStatus) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let name = target::name(&app, &args.name).await?;
    let runs = app.store.runs(&name).await?;
    let standing = DelegationStanding::of(&runs).ok_or(CliError::DelegatesNothing { name })?;
    if app.global.json {
        output::json(&standing)?;
    } else {
        output::data(&render::delegation::standing(&standing))?;
    }
    Ok(Exit::Ok)
}
