//! `sovereign dns rollback`: gives a Sovereign's delegation back, on the operator's word.

use sovereign_bootstrap::{WayBack, plan_rollback};
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::{Journal as _, Run};

use crate::cli::{DnsRollback, Global};
use crate::commands::outcome;
use crate::delegation;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::purpose::Purpose;
use crate::render::paint::Stream;
use crate::wiring::App;
use crate::{ask, output, render, runner, target};

/// Shows where it goes back to, asks and does it.
pub(super) async fn run(global: Global, args: DnsRollback) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let spec = target::known(&app, &args.target).await?.spec;
    let name = spec.name.clone();
    let way_back = delegation::way_back_of(&app, &spec).await?;
    let way_back = way_back.ok_or_else(|| CliError::NothingToGiveBack { name: name.clone() })?;
    let last = app.store.last_run(&name).await?;
    if !app.global.json {
        let text = render::delegation::way_back(&way_back, Stream::Err);
        output::notice(&format!("{text}\n"));
    }
    if !args.yes && !last.as_ref().is_some_and(is_begun) {
        approve(&name, &way_back)?;
    }
    let plan = plan_rollback(&way_back)?;
    let link = HostLink::calling(&app, None)?;
    let executor = app.executor(&spec, &link, &plan).await?;
    let ended = runner::run(&app, executor, &plan, last.as_ref()).await?;
    outcome::tell(&app, &plan, &ended)
}

/// It was approved before, and stopped on the way.
fn is_begun(run: &Run) -> bool {
    Purpose::of(&run.plan) == Purpose::Rollback && !runner::is_complete(run)
}

fn approve(name: &SovereignName, way_back: &WayBack) -> Result<(), CliError> {
    if !output::can_ask() {
        return Err(CliError::NobodyToAsk {
            what: format!("`dns rollback` of `{name}`"),
            remedy: "look at the lines above, then add `--yes`".to_owned(),
        });
    }
    let domain = &way_back.restore.name.domain;
    if ask::for_name(
        &format!("type `{domain}` to give its delegation back:"),
        domain.as_str(),
    )? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}
