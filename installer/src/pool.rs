//! Names out of pools, as commands see them.

use jiff::Timestamp;
use sovereign_bootstrap::planner::{PoolFacts, wanted_pool_name};
use sovereign_bootstrap::teardown::PoolTeardown;
use sovereign_core::spec::SovereignSpec;
use sovereign_dns::ZoneMark;
use sovereign_dns::pool::survey::survey;

use crate::errors::CliError;
use crate::wiring::App;

/// What the book and the servers say of the name that a spec asks for; nothing for a name of another kind.
pub(crate) async fn look(app: &App, spec: &SovereignSpec) -> Result<PoolFacts, CliError> {
    let Some(Ok(name)) = wanted_pool_name(spec) else {
        return Ok(PoolFacts::default());
    };
    let allocations = app.pool_book().all().await?;
    // What is too long for a name is a finding of the planner.
    let servers = match name.fqdn() {
        Ok(child) => {
            survey(
                &app.zones(spec).await?,
                &name.pool,
                &child,
                &ZoneMark::of(&spec.name),
            )
            .await
        }
        Err(_) => Vec::new(),
    };
    Ok(PoolFacts::new(servers, allocations, Timestamp::now()))
}

/// What the Sovereign of a spec gives back.
pub(crate) async fn held(app: &App, spec: &SovereignSpec) -> Result<Option<PoolTeardown>, CliError> {
    let Some(Ok(name)) = wanted_pool_name(spec) else {
        return Ok(None);
    };
    let found = app.pool_book().find(&name).await?;
    let own = found.filter(|found| found.sovereign == spec.name);
    Ok(Some(PoolTeardown {
        name,
        generation: own.map(|own| own.generation),
    }))
}
