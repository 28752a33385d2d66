//! The cloud token that stays with a Sovereign: looked at before anything is planned, taken along where a plan hands it over.

use secrecy::ExposeSecret as _;
use sovereign_bootstrap::link::Until;
use sovereign_bootstrap::planner::TokenFacts;
use sovereign_bootstrap::services::OwnToken;
use sovereign_bootstrap::steps::HandOff;
use sovereign_cloud::ErrorClass;
use sovereign_core::spec::Provider;
use sovereign_engine::plan::Plan;
use sovereign_engine::step::Step as _;

use crate::errors::CliError;
use crate::wiring::App;

/// What is to be known of the token in a plan that goes so far: that it is another one than the installer's, and that the cloud
/// takes it.
pub(crate) async fn look(app: &App, provider: &Provider, until: &Until) -> Result<TokenFacts, CliError> {
    let Provider::Hetzner {
        token,
        sovereign_token: Some(own),
    } = provider
    else {
        return Ok(TokenFacts::Unasked);
    };
    if !until.hands_off() {
        return Ok(TokenFacts::Unasked);
    }
    let own = app.secret(own).await?;
    if own.expose_secret() == app.secret(token).await?.expose_secret() {
        return Ok(TokenFacts::Installers);
    }
    match app.hetzner(own)?.can_write().await {
        Ok(can_write) => Ok(TokenFacts::Accepted { can_write }),
        Err(error) if error.class == ErrorClass::Stop => Ok(TokenFacts::Refused(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The token, if this plan hands one over.
pub(crate) async fn taken_along(
    app: &App,
    provider: &Provider,
    plan: &Plan,
) -> Result<Option<OwnToken>, CliError> {
    match provider {
        Provider::Hetzner {
            sovereign_token: Some(own),
            ..
        } if is_handed_over(plan) => {
            let secret = app.secret(own).await?;
            let cloud = app.hetzner(secret.clone())?;
            Ok(Some(OwnToken { secret, cloud }))
        }
        _ => Ok(None),
    }
}

fn is_handed_over(plan: &Plan) -> bool {
    let mut steps = plan.steps.iter().filter(|step| step.kind == HandOff::KIND);
    steps.any(|step| {
        serde_json::from_value::<HandOff>(step.params.clone()).is_ok_and(|step| step.cloud_token.is_some())
    })
}
