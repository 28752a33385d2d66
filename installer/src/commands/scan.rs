//! `sovereign scan`: orphans and drift in an account, with their price.

use sovereign_bootstrap::scan::{self, KnownSovereigns};
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::{self, Provider};

use crate::cli::{Global, ProviderKind, ScanArgs};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::purpose::{self, Purpose};
use crate::render;
use crate::runner;
use crate::target::Target;
use crate::wiring::App;

/// Looks through the account and says what is odd in it.
pub(crate) async fn run(global: Global, args: ScanArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let provider = match (&args.target, args.provider) {
        (Some(target), _) => Target::load(&app, target).await?.spec.provider,
        (None, ProviderKind::Hetzner) => Provider::Hetzner {
            token: SecretRef::Env(args.token_env),
            sovereign_token: None,
        },
    };
    let known = known(&app, &provider).await?;
    let Some(cloud) = app.cloud(&provider).await? else {
        return Err(CliError::NoAccount);
    };
    let report = scan::scan(&*cloud, &known).await?;
    if app.global.json {
        output::json(&report)?;
    } else {
        output::data(&render::scan::render(&report))?;
    }
    Ok(if report.findings.is_empty() {
        Exit::Ok
    } else {
        Exit::Leftovers
    })
}

/// What each Sovereign should have. One that stands in another account has no plan here; one that was destroyed is not known any more.
async fn known(app: &App, provider: &Provider) -> Result<KnownSovereigns, CliError> {
    let mut known = KnownSovereigns::new();
    for name in app.known().await? {
        let Some(run) = app.last_build(&name).await? else {
            continue;
        };
        let up = Purpose::of(&run.plan) == Purpose::Up;
        if !up && runner::is_complete(&run) {
            continue;
        }
        let document = app.store.spec(&name).await?;
        let kept = document.and_then(|document| spec::parse(&document).ok());
        let here = kept.is_some_and(|parsed| parsed.spec.provider.is_same_account(provider));
        let view = if up && here {
            purpose::view(&run.plan)
        } else {
            None
        };
        known.insert(name, view);
    }
    Ok(known)
}
