//! Who can change a delegation: the registrar, or the host of the zone above, by the credential of the spec or by the copy of it
//! that was sealed when the change began.

use std::sync::Arc;

use secrecy::SecretString;
use sovereign_bootstrap::parent_credential;
use sovereign_bootstrap::steps::ForgetParentCredential;
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

/// The same for a plan. One that gives a delegation back goes on without a credential: the step shows what to enter by hand, and
/// watches for it.
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
            output::notice(&format!(
                "nobody can be asked to give the delegation back: {}\nwhat has to be entered by hand is shown, and watched for; the zone stays until then",
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
    kinds.any(|kind| kind.starts_with(DELEGATION) && kind != ForgetParentCredential::KIND)
}

/// Whether a run that goes on has its delegation behind it, and the credential with it.
async fn is_behind(app: &App, plan: &Plan) -> Result<bool, CliError> {
    let last = app.store.last_run(&plan.sovereign).await?;
    let Some(run) = last.filter(|run| run.plan == *plan && !runner::is_complete(run)) else {
        return Ok(false);
    };
    let view = RunView::of(&run);
    let mut steps = plan.steps.iter().filter(|step| step.kind.starts_with(DELEGATION));
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
