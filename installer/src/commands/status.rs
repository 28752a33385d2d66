//! `sovereign status`: where a Sovereign stands and what to do next.

use jiff::Timestamp;

use crate::cli::{Global, StatusArgs};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;
use crate::standing::Standing;
use crate::target;
use crate::wiring::App;

/// Shows one Sovereign; the only one if no name is given.
pub(crate) async fn run(global: Global, args: StatusArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let name = match args.name {
        Some(name) => target::name(&app, &name).await?,
        None => match app.known().await?.as_slice() {
            [only] => only.clone(),
            known => {
                return Err(CliError::WhichOne {
                    known: known.to_vec(),
                });
            }
        },
    };
    let now = Timestamp::now();
    let run = app.standing_run(&name).await?.ok_or(CliError::Unknown {
        name: name.to_string(),
        known: Vec::new(),
    })?;
    let standing = Standing::of(&run, now);
    if app.global.json {
        output::json(&standing)?;
    } else {
        output::data(&render::status::full(&standing, now))?;
    }
    Ok(Exit::Ok)
}
