//! `sovereign dns plan`: what a change of the delegation will be like; nothing is changed.

use sovereign_dns::delegation::{Facts, Forecast};

use crate::cli::{DnsPlan, Global};
use crate::delegation::Asked;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::target::Target;
use crate::wiring::App;
use crate::{output, parent, render};

/// Looks at the registrar, the registry, the parent's servers and the name's own, and says what would be done.
pub(super) async fn run(global: Global, args: DnsPlan) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = Target::load(&app, &args.target).await?;
    let asked = Asked::of(&target.spec).ok_or_else(|| CliError::DelegatesNothing {
        name: target.spec.name.clone(),
    })?;
    let host = parent::of_spec(&app, &target.spec).await?;
    let probe = app.global.world.probe()?;
    let facts = Facts::gather(
        &asked.domain,
        asked.place,
        host.as_deref(),
        &probe,
        &asked.nameservers,
    )
    .await;
    let forecast = Forecast::of(&facts);
    if app.global.json {
        output::json(&forecast)?;
    } else {
        output::data(&render::delegation::forecast(&forecast))?;
    }
    Ok(if forecast.is_clear() {
        Exit::Ok
    } else {
        Exit::Preflight
    })
}
