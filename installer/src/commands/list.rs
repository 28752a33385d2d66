//! `sovereign list`: the Sovereigns this installer knows.

use jiff::Timestamp;

use crate::cli::{Global, ListArgs};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;
use crate::standing::{Standing, State};
use crate::wiring::App;

/// Lists them by name; what was destroyed only if asked for.
pub(crate) async fn run(global: Global, args: ListArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let now = Timestamp::now();
    let mut standings = Vec::new();
    for name in app.known().await? {
        if let Some(run) = app.standing_run(&name).await? {
            standings.push(Standing::of(&run, now));
        }
    }
    standings.retain(|standing| args.all || standing.state != State::Destroyed);
    if app.global.json {
        output::json(&standings)?;
    } else if standings.is_empty() {
        output::notice("no Sovereigns; `sovereign up SPEC` makes one");
    } else {
        output::data(&render::status::list(&standings, now))?;
    }
    Ok(Exit::Ok)
}
