//! Changes of the zone alone, each a plan of its own in the journal.

use std::net::IpAddr;

use sovereign_bootstrap::plan_addresses;
use sovereign_bootstrap::plan_roll;
use sovereign_bootstrap::planner::wanted_pool_name;
use sovereign_bootstrap::steps::RolledZone;
use sovereign_core::event::RunOutcome;
use sovereign_dns::pool::PoolName;
use sovereign_dns::publish::shared_keys;
use sovereign_engine::journal::{Journal as _, Run};
use sovereign_engine::plan::Plan;

use crate::cli::{ZoneRollKey, ZoneSetAddresses};
use crate::commands::outcome;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::purpose::Purpose;
use crate::runner::Ended;
use crate::target::Target;
use crate::wiring::App;
use crate::{output, parent, runner};

/// Leads the zone's names elsewhere, and says how long caches may go on leading to the old addresses.
pub(super) async fn set_addresses(app: &App, args: ZoneSetAddresses) -> Result<Exit, CliError> {
    let target = Target::load(app, &args.target).await?;
    let (step, request) = super::wanted(app, &target.spec.name).await?;
    let ipv4 = args.ipv4.into_iter().map(IpAddr::from);
    let addresses: Vec<IpAddr> = ipv4.chain(args.ipv6.into_iter().map(IpAddr::from)).collect();
    let plan = plan_addresses(&step.leading_to(addresses, None))?;
    let (exit, completed) = carry_out(app, &target, &plan).await?;
    if completed && !app.global.json {
        output::notice(&format!(
            "caches may lead to the addresses of before for {} s more: keep those answering until then",
            request.longest_address_ttl()
        ));
    }
    Ok(exit)
}

/// Gives the zone a new key; a roll that was stopped goes on.
pub(super) async fn roll_key(app: &App, args: ZoneRollKey) -> Result<Exit, CliError> {
    let target = Target::load(app, &args.target).await?;
    let name = &target.spec.name;
    // Names may have been led elsewhere meanwhile.
    let runs = app.store.runs(name).await?;
    let last = runs
        .into_iter()
        .find(|run| Purpose::of(&run.plan) != Purpose::Addresses);
    let plan = match last {
        Some(run) if is_stopped_roll(&run) => run.plan,
        Some(run) if changes_delegation(&run) => {
            return Err(CliError::DelegationUnfinished {
                name: name.clone(),
                by: Purpose::of(&run.plan).word(),
            });
        }
        _ => new_roll(app, &target).await?,
    };
    Ok(carry_out(app, &target, &plan).await?.0)
}

/// The keys that the zone has now are to go.
async fn new_roll(app: &App, target: &Target) -> Result<Plan, CliError> {
    let spec = &target.spec;
    let (step, _) = super::wanted(app, &spec.name).await?;
    let hosts = app.zones(spec).await?;
    let in_pool = |name: &PoolName| name.fqdn().is_ok_and(|fqdn| fqdn == step.zone);
    let zone = RolledZone {
        sovereign: spec.name.clone(),
        retiring: shared_keys(&hosts, &step.zone).await?.ds,
        nameservers: step.nameservers.iter().cloned().collect(),
        pool: wanted_pool_name(spec).and_then(Result::ok).filter(in_pool),
        zone: step.zone,
        secondaries: step.secondaries,
    };
    let credential = parent::reachable(app, spec).await;
    Ok(plan_roll(&zone, credential.as_ref())?)
}

fn is_stopped_roll(run: &Run) -> bool {
    Purpose::of(&run.plan) == Purpose::RollKey && !runner::is_complete(run)
}

/// A run that is to move the delegation, or give it back, and has not come to its end: keys are its concern, too.
fn changes_delegation(run: &Run) -> bool {
    parent::is_asked_by(&run.plan) && !runner::is_complete(run)
}

/// Runs a plan, tells what came of it, and says whether it came to its end.
pub(super) async fn carry_out(app: &App, target: &Target, plan: &Plan) -> Result<(Exit, bool), CliError> {
    let ended = run(app, target, plan).await?;
    let completed = ended.report.outcome == RunOutcome::Completed;
    Ok((outcome::tell(app, plan, &ended)?, completed))
}

/// Runs a plan.
pub(super) async fn run(app: &App, target: &Target, plan: &Plan) -> Result<Ended, CliError> {
    let last = app.store.last_run(&plan.sovereign).await?;
    let link = HostLink::calling(app, None)?;
    let executor = app.executor(&target.spec, &link, plan).await?;
    runner::run(app, executor, plan, last.as_ref()).await
}
