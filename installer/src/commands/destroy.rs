//! `sovereign destroy`: removes a Sovereign with everything its cluster made, and proves that nothing is left.

use std::collections::BTreeSet;

use sovereign_bootstrap::teardown::TeardownItem;
use sovereign_bootstrap::{
    MachineTeardown, NameTeardown, Teardown, WayBack, plan_destroy, plan_leave, teardown_listing,
};
use sovereign_core::event::RunOutcome;
use sovereign_core::name::SovereignName;
use sovereign_core::spec::SovereignSpec;
use sovereign_dns::DomainName;
use sovereign_engine::journal::{Journal as _, Run};
use sovereign_engine::plan::Plan;

use crate::claimed::claim;
use crate::cli::{DestroyArgs, Global};
use crate::commands::outcome;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::purpose::Purpose;
use crate::render::paint::Stream;
use crate::target::{self, Target};
use crate::wiring::{App, worker};
use crate::{ask, delegation, output, pool, render, runner};

/// Looks, shows, asks and removes.
pub(crate) async fn run(global: Global, args: DestroyArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = target::known(&app, &args.target).await?;
    let name = target.spec.name.clone();
    let last = app.store.last_run(&name).await?;
    let built = app.last_build(&name).await?;
    let Some(cloud) = app.cloud(&target.spec.provider).await? else {
        return leave(&app, &target, args, last.as_ref(), built.as_ref()).await;
    };
    let begun = built
        .as_ref()
        .filter(|run| Purpose::of(&run.plan) == Purpose::Destroy && !runner::is_complete(run));
    let teardown = teardown_listing(&*cloud, &name, built.as_ref()).await?;
    let names = name_teardown(&app, &target.spec).await?;
    if args.dry_run {
        return show(&app, &teardown, names.as_ref());
    }
    if !app.global.json {
        let text = render::plan::destroy(&teardown, names.as_ref(), Stream::Err);
        output::notice(&format!("{text}\n"));
    }
    let nothing = teardown.items.is_empty() && way_back(names.as_ref()).is_none();
    let approved = args.yes || nothing || begun.is_some_and(|run| covers(&run.plan, &teardown));
    if !approved {
        approve(&name)?;
    }
    app.store.put_spec(&name, &target.document).await?;
    let plan = plan_destroy(&teardown, names.as_ref())?;
    carry_out(&app, &target, &args, &plan, last.as_ref()).await
}

/// Takes everything away from machines that are there; they stay.
async fn leave(
    app: &App,
    target: &Target,
    args: DestroyArgs,
    last: Option<&Run>,
    built: Option<&Run>,
) -> Result<Exit, CliError> {
    let name = &target.spec.name;
    let teardown = built.and_then(MachineTeardown::of);
    let teardown = teardown.ok_or_else(|| CliError::NothingOnMachines { name: name.clone() })?;
    let names = name_teardown(app, &target.spec).await?;
    if args.dry_run {
        return show_machines(app, &teardown, names.as_ref());
    }
    if !app.global.json {
        let text = render::plan::leave(&teardown, names.as_ref(), Stream::Err);
        output::notice(&format!("{text}\n"));
    }
    let begun =
        built.is_some_and(|run| Purpose::of(&run.plan) == Purpose::Destroy && !runner::is_complete(run));
    if !args.yes && !begun {
        approve(name)?;
    }
    let plan = plan_leave(&teardown, names.as_ref())?;
    carry_out(app, target, &args, &plan, last).await
}

async fn carry_out(
    app: &App,
    target: &Target,
    args: &DestroyArgs,
    plan: &Plan,
    last: Option<&Run>,
) -> Result<Exit, CliError> {
    let link = HostLink::calling(app, args.agent.as_deref())?;
    let executor = app.executor(&target.spec, &link, plan).await?;
    let ended = runner::run(app, executor, plan, last).await?;
    let exit = outcome::tell(app, plan, &ended)?;
    if args.forget && ended.report.outcome == RunOutcome::Completed {
        forget(app, &target.spec.name).await?;
    }
    Ok(exit)
}

/// What goes of the name: the zone that somebody was asked to answer for, after whoever is led to it is led elsewhere.
async fn name_teardown(app: &App, spec: &SovereignSpec) -> Result<Option<NameTeardown>, CliError> {
    let way_back = delegation::way_back_of(app, spec).await?;
    let delegated = way_back
        .as_ref()
        .map(|way_back| way_back.restore.name.domain.clone());
    let zone = zone(spec).or(delegated);
    let pool = pool::held(app, spec).await?;
    Ok(zone.map(|zone| NameTeardown { zone, way_back, pool }))
}

fn zone(spec: &SovereignSpec) -> Option<DomainName> {
    spec.dns.as_ref()?;
    spec.domain.fqdn()?.parse().ok()
}

/// Where the delegation goes back to, if it does.
fn way_back(names: Option<&NameTeardown>) -> Option<&WayBack> {
    names?.way_back.as_ref()
}

/// For `--json`: the name that goes back to its pool, or null.
fn pool_json(names: Option<&NameTeardown>) -> serde_json::Value {
    let pool = names.and_then(|names| names.pool.as_ref());
    serde_json::json!(pool.map(|pool| pool.name.to_string()))
}

/// For `--json`: where it goes back to, or null.
fn delegation_json(names: Option<&NameTeardown>) -> serde_json::Value {
    serde_json::json!(way_back(names).map(|way_back| &way_back.restore))
}

fn show_machines(
    app: &App,
    teardown: &MachineTeardown,
    names: Option<&NameTeardown>,
) -> Result<Exit, CliError> {
    if app.global.json {
        let MachineTeardown { sovereign, hosts } = teardown;
        output::json(
            &serde_json::json!({ "sovereign": sovereign, "hosts": hosts, "delegation": delegation_json(names), "pool": pool_json(names) }),
        )?;
    } else {
        output::data(&render::plan::leave(teardown, names, Stream::Out))?;
    }
    Ok(Exit::Ok)
}

fn show(app: &App, teardown: &Teardown, names: Option<&NameTeardown>) -> Result<Exit, CliError> {
    if app.global.json {
        let (sovereign, items) = (&teardown.scope.sovereign, &teardown.items);
        output::json(
            &serde_json::json!({ "sovereign": sovereign, "items": items, "delegation": delegation_json(names), "pool": pool_json(names) }),
        )?;
    } else {
        output::data(&render::plan::destroy(teardown, names, Stream::Out))?;
    }
    Ok(Exit::Ok)
}

/// Everything found was in the plan that was approved before.
fn covers(approved: &Plan, found: &Teardown) -> bool {
    let Ok(approved) = serde_json::from_value::<Teardown>(approved.details.clone()) else {
        return false;
    };
    let identity = |item: &TeardownItem| (item.resource.kind, item.resource.id);
    let approved: BTreeSet<_> = approved.items.iter().map(identity).collect();
    found.items.iter().all(|item| approved.contains(&identity(item)))
}

fn approve(name: &SovereignName) -> Result<(), CliError> {
    if !output::can_ask() {
        return Err(CliError::NobodyToAsk {
            what: format!("`destroy` of `{name}`"),
            remedy: format!("see what would go with `sovereign destroy {name} --dry-run`, then add `--yes`"),
        });
    }
    let question = format!("type `{name}` to remove all of this for good:");
    if ask::for_name(&question, name.as_str())? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}

async fn forget(app: &App, name: &SovereignName) -> Result<(), CliError> {
    let lease = claim(app, name, &worker()).await?;
    app.store.forget(&lease).await?;
    Ok(app.store.forget_spec(name).await?)
}
