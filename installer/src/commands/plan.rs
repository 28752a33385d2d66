//! `sovereign plan`: what `up` would do.

use std::path::Path;

use sovereign_bootstrap::{PlannedSovereign, plan_machines, plan_up};
use sovereign_core::finding::Severity;
use sovereign_remote::dialer::AgentBinary;

use crate::cli::{Global, HostArgs, PlanArgs};
use crate::cluster_files::ClusterFiles;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;
use crate::render::paint::Stream;
use crate::target::Target;
use crate::wiring::App;
use crate::{agent_binary, host_link, machines, own_token, pool};

/// Plans and shows; changes nothing.
pub(crate) async fn run(global: Global, args: PlanArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let target = Target::load(&app, &args.target).await?;
    let agent = agent_binary::load(args.hosts.agent.as_deref())?;
    let files = ClusterFiles::load(&app, &args.hosts, &target.spec, None).await?;
    let planned = make(&app, &target, &args.hosts, &agent, files.as_ref()).await?;
    if let Some(path) = &args.output {
        write(path, &planned)?;
    }
    if app.global.json {
        output::json(&document(&planned))?;
        return Ok(Exit::Ok);
    }
    output::data(&render::plan::up(&planned.plan, &planned.view, Stream::Out))?;
    if let Some(path) = &args.output {
        output::notice(&format!(
            "\nrun exactly this plan with `sovereign up {} --plan {}`",
            args.target,
            path.display()
        ));
    }
    Ok(Exit::Ok)
}

/// The plan for a spec in its account as it is now.
pub(super) async fn make(
    app: &App,
    target: &Target,
    hosts: &HostArgs,
    agent: &AgentBinary,
    files: Option<&ClusterFiles>,
) -> Result<PlannedSovereign, CliError> {
    let warnings = target
        .warnings
        .iter()
        .filter(|finding| finding.severity > Severity::Note);
    let doubt = files.and_then(|files| files.doubt(&target.spec));
    let warnings: Vec<_> = warnings.cloned().chain(doubt).collect();
    if !warnings.is_empty() {
        output::notice(&format!("{}\n", render::findings::render(&warnings, Stream::Err)));
    }
    let link = host_link::plan(hosts, &target.spec, agent)?;
    let until = host_link::until(hosts, files)?;
    let pool = pool::look(app, &target.spec).await?;
    let planned = match app.cloud(&target.spec.provider).await? {
        Some(cloud) => {
            let own_token = own_token::look(app, &target.spec.provider, &until).await?;
            let inventory = cloud.inventory().await?;
            plan_up(&target.spec, &inventory, &link, &until, &own_token, &pool)
        }
        None => plan_machines(
            &target.spec,
            &machines::look(&target.spec).await,
            &link,
            &until,
            &pool,
        ),
    };
    planned.map_err(|findings| CliError::Preflight { findings })
}

fn document(planned: &PlannedSovereign) -> serde_json::Value {
    serde_json::json!({
        "digest": planned.plan.digest(),
        "plan": planned.plan,
    })
}

fn write(path: &Path, planned: &PlannedSovereign) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(&document(planned));
    let text = text.map_err(|source| CliError::Encode {
        what: "the plan",
        source,
    })?;
    std::fs::write(path, text + "\n").map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}
