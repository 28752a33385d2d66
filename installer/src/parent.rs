//! Who can change a delegation: the registrar, or the host of the zone above, by the credential of the spec or by the copy of it
//! that was sealed when the change began.

use std::sync::Arc;

use secrecy::SecretString;
use sovereign_bootstrap::parent_credential;
use sovereign_bootstrap::steps::{ForgetParentCredential, ForsakeZoneKey, RetireZoneKey, VouchZoneKey};
use sovereign_core::registrar::RegistrarCredential;
use sovereign_core::spec::SovereignSpec;
use sovereign_dns::registrar::{ParentHost, connect};
use sovereign_engine::journal::Journal as _;
use sovereign_engine::plan::Plan;
use sovereign_engine::step::{Step as _, chain};

use crate::errors::CliError;
use crate::purpose::Purpose;
use crate::run_view::{RunView, StepView};
use crate::wiring::App;
use crate::{output, runner};

/// What kinds of steps that look at delegations, or change them, begin with.
const DELEGATION: &str = "delegation.";

/// Who can change the delegation, where the spec names somebody.
pub(crate) async fn of_spec(
    app: &App,
    spec: &SovereignSpec,
) -> Result<Option<Arc<dyn ParentHost>>, CliError> {
    let Some(wanted) = spec.domain.parent_host() else {
        return Ok(None);
    };
    let credential = credential(app, spec, wanted).await?;
    let endpoint = app.global.world.registrar(wanted.kind());
    Ok(Some(connect(credential, &endpoint)?))
}

/// The credential that a spec names, if it can be had.
pub(crate) async fn reachable(app: &App, spec: &SovereignSpec) -> Option<RegistrarCredential> {
    let is_reachable = of_spec(app, spec).await.is_ok();
    spec.domain.parent_host().filter(|_| is_reachable).cloned()
}

/// The same for a plan. One that gives a delegation back, or rolls a key, goes on without a credential: the step shows what to enter by
/// hand, and watches for it.
pub(crate) async fn of_plan(
    app: &App,
    spec: &SovereignSpec,
    plan: &Plan,
) -> Result<Option<Arc<dyn ParentHost>>, CliError> {
    if !is_asked_by(plan) || is_behind(app, plan).await? {
        return Ok(None);
    }
    match of_spec(app, spec).await {
        Err(error) if Purpose::of(plan) != Purpose::Up => {
            let (what, until_then) = match Purpose::of(plan) {
                Purpose::RollKey => ("change the keys at the parent", "the old key stays until then"),
                _ => ("give the delegation back", "the zone stays until then"),
            };
            output::notice(&format!(
                "nobody can be asked to {what}: {}\nwhat has to be entered by hand is shown, and watched for; {until_then}",
                chain(&error)
            ));
            Ok(None)
        }
        found => found,
    }
}

/// Whether a plan looks at a delegation, or changes it.
pub(crate) fn is_asked_by(plan: &Plan) -> bool {
    let mut kinds = plan.steps.iter().map(|step| step.kind.as_str());
    kinds.any(|kind| is_about_parent(kind) && kind != ForgetParentCredential::KIND)
}

fn is_about_parent(kind: &str) -> bool {
    const OF_A_ROLL: [&str; 3] = [VouchZoneKey::KIND, RetireZoneKey::KIND, ForsakeZoneKey::KIND];
    kind.starts_with(DELEGATION) || OF_A_ROLL.contains(&kind)
}

/// Whether a run that goes on has its delegation behind it, and the credential with it.
async fn is_behind(app: &App, plan: &Plan) -> Result<bool, CliError> {
    let last = app.store.last_run(&plan.sovereign).await?;
    let Some(run) = last.filter(|run| run.plan == *plan && !runner::is_complete(run)) else {
        return Ok(false);
    };
    let view = RunView::of(&run);
    let mut steps = plan.steps.iter().filter(|step| is_about_parent(&step.kind));
    Ok(steps.all(|step| view.step(step.name.as_str()).is_some_and(StepView::is_done)))
}

/// From where the spec says; else the sealed copy, if it is for the same registrar.
async fn credential(
    app: &App,
    spec: &SovereignSpec,
    wanted: &RegistrarCredential,
) -> Result<RegistrarCredential<SecretString>, CliError> {
    let missing = match looked_up(app, wanted).await {
        Ok(found) => return Ok(found),
        Err(missing) => missing,
    };
    let kept = parent_credential::kept(&app.sealed(), &spec.name).await;
    let kept = kept.ok().flatten().filter(|kept| kept.kind() == wanted.kind());
    kept.ok_or(missing)
}

async fn looked_up(
    app: &App,
    wanted: &RegistrarCredential,
) -> Result<RegistrarCredential<SecretString>, CliError> {
    let mut found = Vec::new();
    for reference in wanted.secrets() {
        found.push(app.secret(&reference).await?);
    }
    let resolved = wanted.clone().with_secrets(found);
    resolved.ok_or(CliError::EmptySecret)
}
