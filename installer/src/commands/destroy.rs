//! `sovereign destroy`: removes a Sovereign with everything its cluster made, and proves that nothing is left.

use std::collections::BTreeSet;
use std::path::Path;

use sovereign_bootstrap::teardown::TeardownItem;
use sovereign_bootstrap::{MachineTeardown, Teardown, plan_destroy, plan_leave, teardown_listing};
use sovereign_core::event::RunOutcome;
use sovereign_core::name::SovereignName;
use sovereign_core::spec::SovereignSpec;
use sovereign_dns::DomainName;
use sovereign_engine::journal::{Journal as _, Run};
use sovereign_engine::lease::Claim;
use sovereign_engine::plan::Plan;

use crate::cli::{DestroyArgs, Global};
use crate::commands::outcome;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::purpose::Purpose;
use crate::render::paint::Stream;
use crate::target::{self, Target};
use crate::wiring::{App, worker};
use crate::{ask, output, render, runner};

/// Looks, shows, asks and removes.
pub(crate) async fn run(global: Global, args: DestroyArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = account(&app, &args.target).await?;
    let name = target.spec.name.clone();
    let last = app.store.last_run(&name).await?;
    let Some(cloud) = app.cloud(&target.spec.provider).await? else {
        return leave(&app, &target, args, last.as_ref()).await;
    };
    let begun = last
        .as_ref()
        .filter(|run| Purpose::of(&run.plan) == Purpose::Destroy && !runner::is_complete(run));
    let teardown = teardown_listing(&*cloud, &name, last.as_ref()).await?;
    if args.dry_run {
        return show(&app, &teardown);
    }
    if !app.global.json {
        output::notice(&format!("{}\n", render::plan::destroy(&teardown, Stream::Err)));
    }
    let approved =
        args.yes || teardown.items.is_empty() || begun.is_some_and(|run| covers(&run.plan, &teardown));
    if !approved {
        approve(&name)?;
    }
    app.store.put_spec(&name, &target.document).await?;
    let plan = plan_destroy(&teardown, zone(&target.spec).as_ref())?;
    carry_out(&app, &target, &args, &plan, last.as_ref()).await
}

/// Takes everything away from machines that are there; they stay.
async fn leave(app: &App, target: &Target, args: DestroyArgs, last: Option<&Run>) -> Result<Exit, CliError> {
    let name = &target.spec.name;
    let teardown = last.and_then(MachineTeardown::of);
    let teardown = teardown.ok_or_else(|| CliError::NothingOnMachines { name: name.clone() })?;
    if args.dry_run {
        return show_machines(app, &teardown);
    }
    if !app.global.json {
        output::notice(&format!("{}\n", render::plan::leave(&teardown, Stream::Err)));
    }
    let begun =
        last.is_some_and(|run| Purpose::of(&run.plan) == Purpose::Destroy && !runner::is_complete(run));
    if !args.yes && !begun {
        approve(name)?;
    }
    let plan = plan_leave(&teardown, zone(&target.spec).as_ref())?;
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
    let executor = app.executor(&target.spec, &link).await?;
    let ended = runner::run(app, &executor, plan, last).await?;
    let exit = outcome::tell(app, plan, &ended)?;
    if args.forget && ended.report.outcome == RunOutcome::Completed {
        forget(app, &target.spec.name).await?;
    }
    Ok(exit)
}

/// The zone that somebody was asked to answer for.
fn zone(spec: &SovereignSpec) -> Option<DomainName> {
    spec.dns.as_ref()?;
    spec.domain.fqdn()?.parse().ok()
}

fn show_machines(app: &App, teardown: &MachineTeardown) -> Result<Exit, CliError> {
    if app.global.json {
        output::json(&serde_json::json!({ "sovereign": teardown.sovereign, "hosts": teardown.hosts }))?;
    } else {
        output::data(&render::plan::leave(teardown, Stream::Out))?;
    }
    Ok(Exit::Ok)
}

/// The Sovereign and its account: from the spec given, or from the one kept.
async fn account(app: &App, text: &str) -> Result<Target, CliError> {
    let is_file = text.contains('/') || Path::new(text).is_file();
    if !is_file && !app.known().await?.iter().any(|name| name.as_str() == text) {
        // Says which names are known.
        target::known_name(app, text).await?;
    }
    match Target::load(app, text).await {
        Err(CliError::UnknownTarget { .. }) => Err(CliError::NoSpec {
            name: target::known_name(app, text).await?,
        }),
        target => target,
    }
}

fn show(app: &App, teardown: &Teardown) -> Result<Exit, CliError> {
    if app.global.json {
        output::json(&serde_json::json!({ "sovereign": teardown.scope.sovereign, "items": teardown.items }))?;
    } else {
        output::data(&render::plan::destroy(teardown, Stream::Out))?;
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
    match app.store.claim(name, &worker(), app.lease()).await? {
        Claim::Granted(lease) => app.store.forget(&lease).await?,
        Claim::Held { by, until } => {
            return Err(CliError::LeaseHeld {
                name: name.clone(),
                by: by.to_string(),
                until,
            });
        }
    }
    Ok(app.store.forget_spec(name).await?)
}
