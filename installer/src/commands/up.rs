//! `sovereign up`: makes a Sovereign what its spec says, or goes on where an earlier run stopped.

use std::path::Path;

use sovereign_bootstrap::PlannedSovereign;
use sovereign_bootstrap::link::Transport;
use sovereign_bootstrap::view::Act;
use sovereign_engine::journal::{Journal as _, Run};
use sovereign_engine::plan::Plan;
use sovereign_remote::dialer::AgentBinary;

use crate::cli::{Global, UpArgs};
use crate::commands::{outcome, plan};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::k3s_binary::K3sBinary;
use crate::purpose::{self, Purpose};
use crate::render::paint::Stream;
use crate::render::status::short;
use crate::target::Target;
use crate::wiring::App;
use crate::{agent_binary, ask, output, render, runner};

/// Plans, asks and runs; or goes on with what was approved before.
pub(crate) async fn run(global: Global, args: UpArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = Target::load(&app, &args.target).await?;
    let last = app.store.last_run(&target.spec.name).await?;
    let approved = args.plan.as_deref().map(read_plan).transpose()?;
    let agent = agent_binary::load(args.hosts.agent.as_deref())?;
    let k3s = args.hosts.k3s.as_deref().map(K3sBinary::load).transpose()?;
    let brought = Brought {
        agent: &agent,
        k3s: k3s.as_ref(),
    };
    let unfinished = unfinished(&target, last.as_ref())?.filter(|run| brought.fits(&run.plan));
    let plan = match unfinished {
        Some(run) if approved.as_ref().is_none_or(|plan| *plan == run.plan) => {
            say(
                &app,
                &format!(
                    "going on with plan {}, approved before",
                    short(run.plan.digest().as_str())
                ),
            );
            run.plan.clone()
        }
        _ => fresh(&app, &target, approved.as_ref(), &args, last.as_ref(), brought).await?,
    };
    app.store.put_spec(&target.spec.name, &target.document).await?;
    let link = HostLink::open(&app, &args.hosts, &transport(&plan), agent.clone(), k3s.as_ref()).await?;
    let executor = app.executor(&target.spec, &link).await?;
    let ended = runner::run(&app, &executor, &plan, last.as_ref()).await?;
    outcome::tell(&app, &plan, &ended)
}

/// What this installer brings along for the hosts.
#[derive(Debug, Clone, Copy)]
struct Brought<'a> {
    agent: &'a AgentBinary,
    k3s: Option<&'a K3sBinary>,
}

impl Brought<'_> {
    /// The plan was approved with just these. Others make another plan.
    fn fits(self, plan: &Plan) -> bool {
        purpose::view(plan).is_some_and(|view| {
            let k3s = view.k3s.is_none() || view.k3s.as_ref() == self.k3s.map(|k3s| &k3s.artifact);
            k3s && view.link.agent == self.agent.sha256()
        })
    }
}

/// The way to the hosts that a plan was approved with.
fn transport(plan: &Plan) -> Transport {
    purpose::view(plan).map_or(Transport::Ssh, |view| view.link.transport)
}

/// The last run, if it is of this very spec and did not come to its end.
fn unfinished<'a>(target: &Target, last: Option<&'a Run>) -> Result<Option<&'a Run>, CliError> {
    let Some(run) = last.filter(|run| !runner::is_complete(run)) else {
        return Ok(None);
    };
    if Purpose::of(&run.plan) == Purpose::Destroy {
        return Err(CliError::DestroyUnfinished {
            name: target.spec.name.clone(),
        });
    }
    Ok((run.plan.spec_digest == target.digest()?).then_some(run))
}

/// A plan made now, once it is approved. What changes nothing needs no approval.
async fn fresh(
    app: &App,
    target: &Target,
    approved: Option<&Plan>,
    args: &UpArgs,
    last: Option<&Run>,
    brought: Brought<'_>,
) -> Result<Plan, CliError> {
    let planned = plan::make(app, target, &args.hosts, brought.agent, brought.k3s).await?;
    if let Some(approved) = approved {
        if *approved != planned.plan {
            let digest = |plan: &Plan| short(plan.digest().as_str()).to_owned();
            return Err(CliError::PlanChanged {
                approved: digest(approved),
                now: digest(&planned.plan),
            });
        }
        return Ok(planned.plan);
    }
    if changes_nothing(&planned, last) {
        say(app, "everything planned is there; verifying each of it");
        return Ok(planned.plan);
    }
    say(
        app,
        &format!(
            "{}\n",
            render::plan::up(&planned.plan, &planned.view, Stream::Err)
        ),
    );
    if !args.yes {
        approve(&planned)?;
    }
    Ok(planned.plan)
}

/// Every resource is there. What is trusted about machines is not seen in resources: only a plan that was carried out before is
/// known to change nothing.
fn changes_nothing(planned: &PlannedSovereign, last: Option<&Run>) -> bool {
    let resources = planned.view.count(Act::Create) + planned.view.count(Act::Remove);
    let machines = planned.view.hosts.iter().any(|host| host.address.is_some());
    let carried_out = last.is_some_and(|run| run.plan == planned.plan && runner::is_complete(run));
    resources == 0 && (!machines || carried_out)
}

fn approve(planned: &PlannedSovereign) -> Result<(), CliError> {
    let name = &planned.plan.sovereign;
    if !output::can_ask() {
        return Err(CliError::NobodyToAsk {
            what: format!("`up` of `{name}`"),
            remedy: "look at the plan with `sovereign plan SPEC -o plan.json`, then run `sovereign up SPEC --plan plan.json`; \
                     or approve unseen with `--yes`"
                .to_owned(),
        });
    }
    if ask::yes_or_no("carry out this plan?")? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}

fn read_plan(path: &Path) -> Result<Plan, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })?;
    let not_a_plan = |source| CliError::NotAPlan {
        path: path.to_owned(),
        source,
    };
    let mut document: serde_json::Value = serde_json::from_str(&text).map_err(not_a_plan)?;
    serde_json::from_value(document["plan"].take()).map_err(not_a_plan)
}

/// Beside the data; with `--json` there is nobody to talk to.
fn say(app: &App, text: &str) {
    if !app.global.json {
        output::notice(text);
    }
}
