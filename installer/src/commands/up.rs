//! `sovereign up`: makes a Sovereign what its spec says, or goes on where an earlier run stopped.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;
use sovereign_bootstrap::PlannedSovereign;
use sovereign_bootstrap::link::Transport;
use sovereign_bootstrap::view::Act;
use sovereign_cloud::resource::ResourceKind;
use sovereign_engine::journal::{Journal as _, Run};
use sovereign_engine::plan::Plan;
use sovereign_remote::dialer::AgentBinary;

use crate::cli::{Global, UpArgs};
use crate::cluster_files::ClusterFiles;
use crate::commands::{outcome, plan};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::host_link::HostLink;
use crate::purpose::{self, Purpose};
use crate::render::paint::Stream;
use crate::render::status::short;
use crate::standing::{Standing, State};
use crate::target::Target;
use crate::wiring::App;
use crate::{agent_binary, ask, output, parent, render, runner};

/// Plans, asks and runs; or goes on with what was approved before.
pub(crate) async fn run(global: Global, args: UpArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = Target::load(&app, &args.target).await?;
    let last = app.store.last_run(&target.spec.name).await?;
    let built = app.last_build(&target.spec.name).await?;
    if let Some(run) = built.as_ref().filter(|run| is_handed_off(run)) {
        return stays(&app, &target, run);
    }
    let approved = args.plan.as_deref().map(read_plan).transpose()?;
    let agent = agent_binary::load(args.hosts.agent.as_deref())?;
    let unfinished = unfinished(&target, last.as_ref())?;
    let before = unfinished.and_then(|run| purpose::view(&run.plan)?.files);
    let files = ClusterFiles::load(&app, &args.hosts, &target.spec, before.as_ref()).await?;
    let brought = Brought {
        agent: &agent,
        files: files.as_ref(),
    };
    let goes_on = match unfinished {
        Some(run) if stands(&app, &target, run).await? => Some(run),
        _ => None,
    };
    let plan = match goes_on.filter(|run| brought.fits(&run.plan)) {
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
        _ => {
            let runs = app.store.runs(&target.spec.name).await?;
            let carried_out = runs.iter().find(|run| !is_finished_roll(run));
            fresh(&app, &target, approved.as_ref(), &args, carried_out, brought).await?
        }
    };
    app.store.put_spec(&target.spec.name, &target.document).await?;
    let transport = transport(&plan);
    let link = HostLink::open(&app, &args.hosts, &transport, agent.clone(), files.as_ref()).await?;
    let executor = app.executor(&target.spec, &link, &plan).await?;
    let ended = runner::run(&app, executor, &plan, last.as_ref()).await?;
    outcome::tell(&app, &plan, &ended)
}

/// What this installer brings along for the hosts.
#[derive(Debug, Clone, Copy)]
struct Brought<'a> {
    agent: &'a AgentBinary,
    files: Option<&'a ClusterFiles>,
}

impl Brought<'_> {
    /// The plan was approved with just these. Others make another plan.
    fn fits(self, plan: &Plan) -> bool {
        purpose::view(plan).is_some_and(|view| {
            let files = view.files.is_none() || view.files == self.files.map(ClusterFiles::artifacts);
            files && view.link.agent == self.agent.sha256()
        })
    }
}

/// The way to the hosts that a plan was approved with.
fn transport(plan: &Plan) -> Transport {
    purpose::view(plan).map_or(Transport::Ssh, |view| view.link.transport)
}

/// It was handed off, and nobody has taken it down since.
fn is_handed_off(run: &Run) -> bool {
    Standing::of(run, Timestamp::now()).state == State::HandedOff
}

/// Nothing is left to do, and nothing can be done.
fn stays(app: &App, target: &Target, run: &Run) -> Result<Exit, CliError> {
    if run.plan.spec_digest != target.digest()? {
        return Err(CliError::HandedOff {
            name: target.spec.name.to_string(),
        });
    }
    let standing = Standing::of(run, Timestamp::now());
    if app.global.json {
        output::json_line(
            &json!({ "summary": { "sovereign": standing.sovereign, "state": standing.state, "unchanged": true } }),
        )?;
    } else {
        output::data(&render::status::full(&standing, Timestamp::now()))?;
    }
    Ok(Exit::Ok)
}

/// It gave the zone a new key: nothing that a spec says is different since.
fn is_finished_roll(run: &Run) -> bool {
    Purpose::of(&run.plan) == Purpose::RollKey && runner::is_complete(run)
}

/// The last run, if it is of this very spec and did not come to its end.
fn unfinished<'a>(target: &Target, last: Option<&'a Run>) -> Result<Option<&'a Run>, CliError> {
    let Some(run) = last.filter(|run| !runner::is_complete(run)) else {
        return Ok(None);
    };
    let name = target.spec.name.clone();
    match Purpose::of(&run.plan) {
        Purpose::Up | Purpose::Addresses | Purpose::RollKey => {}
        Purpose::Destroy => return Err(CliError::DestroyUnfinished { name }),
        Purpose::Rollback => return Err(CliError::RollbackUnfinished { name }),
    }
    Ok((run.plan.spec_digest == target.digest()?).then_some(run))
}

/// Every server that the run made is there. A run that goes on does not look for what it has made: whoever deleted a server that could
/// not be helped gets another one by a plan made now. A cloud that does not say is asked by the run itself.
async fn stands(app: &App, target: &Target, run: &Run) -> Result<bool, CliError> {
    let standing = Standing::of(run, Timestamp::now());
    let mut servers = standing
        .resources
        .iter()
        .filter(|made| made.kind == ResourceKind::Server)
        .peekable();
    if servers.peek().is_none() {
        return Ok(true);
    }
    let Some(cloud) = app.cloud(&target.spec.provider).await? else {
        return Ok(true);
    };
    let Ok(there) = cloud.list(ResourceKind::Server).await else {
        return Ok(true);
    };
    Ok(servers.all(|made| there.iter().any(|server| server.id == made.id)))
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
    let planned = plan::make(app, target, &args.hosts, brought.agent, brought.files).await?;
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

/// Every resource is there. What is trusted about machines, and where a name is delegated, is not seen in resources: only a plan
/// that was carried out before is known to change nothing.
fn changes_nothing(planned: &PlannedSovereign, last: Option<&Run>) -> bool {
    let resources = planned.view.count(Act::Create) + planned.view.count(Act::Remove);
    let machines = planned.view.hosts.iter().any(|host| host.address.is_some());
    let carried_out = last.is_some_and(|run| run.plan == planned.plan && runner::is_complete(run));
    resources == 0 && (!(machines || parent::is_asked_by(&planned.plan)) || carried_out)
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
