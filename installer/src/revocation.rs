//! Whether the cloud still takes the token that the installer worked with: asked with that very token.

use secrecy::ExposeSecret as _;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::secret::fingerprint;
use sovereign_core::spec::Provider;
use sovereign_engine::journal::Run;

use crate::errors::CliError;
use crate::report;
use crate::target::Target;
use crate::wiring::App;

/// Code of the cloud's answer to a token that it does not know, or knows no more.
const UNKNOWN_TOKEN: &str = "unauthorized";

/// What the cloud said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revocation {
    /// It takes the token no more.
    Revoked,
    /// It still takes it.
    Accepted,
}

/// Asks with the token that the kept spec leads to. Another token than the one of the run would prove nothing: that is an error.
pub(crate) async fn ask(app: &App, run: &Run) -> Result<Revocation, CliError> {
    let name = run.plan.sovereign.as_str();
    let spec = Target::load(app, name).await?.spec;
    let Provider::Hetzner { token, .. } = &spec.provider else {
        return Err(CliError::NoAccount);
    };
    let worked_with = report::handed(run).and_then(|handed| handed.installer_token);
    let secret = app.secret(token).await?;
    if worked_with != Some(fingerprint(secret.expose_secret())) {
        return Err(CliError::AnotherToken {
            reference: token.clone(),
            name: name.to_owned(),
        });
    }
    match app.hetzner(secret)?.list(ResourceKind::Network).await {
        Ok(_) => Ok(Revocation::Accepted),
        Err(error) if error.code == UNKNOWN_TOKEN => Ok(Revocation::Revoked),
        Err(error) => Err(error.into()),
    }
}
