//! `sovereign doctor`: is this machine, and the account, fit for work?

mod names;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use sovereign_cloud::CloudError;
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::Provider;
use sovereign_store::MasterKey;

use crate::cli::{DoctorArgs, Global};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;
use crate::render::time;
use crate::state_dir::StateDir;
use crate::target::Target;
use crate::wiring::App;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Skipped,
    Failed,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// What was looked at.
    what: String,
    verdict: Verdict,
    /// What was seen.
    seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn new(what: &str, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self {
            what: what.to_owned(),
            verdict,
            seen: seen.into(),
            hint: None,
        }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    fn failed(what: &str, error: &dyn std::error::Error) -> Self {
        Self::new(what, Verdict::Failed, sovereign_engine::step::chain(error))
    }
}

/// Checks everything there is to check; fails if anything failed.
pub(crate) async fn run(global: Global, args: DoctorArgs) -> Result<Exit, CliError> {
    let as_json = global.json;
    let checks = examine(global, args.target.as_deref()).await;
    if as_json {
        output::json(&json!({ "checks": checks }))?;
    } else {
        output::data(&table(&checks))?;
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Failed);
    Ok(if failed { Exit::Failure } else { Exit::Ok })
}

async fn examine(global: Global, target: Option<&str>) -> Vec<Check> {
    let mut checks = Vec::new();
    let state = match StateDir::open(global.state_dir.as_deref()) {
        Ok(state) => state,
        Err(error) => return vec![Check::failed("state directory", &error)],
    };
    checks.push(private("state directory", state.path()));
    checks.push(master_key(state.path()));
    let app = match App::open(global).await {
        Ok(app) => app,
        Err(error) => {
            checks.push(Check::failed("database", &error));
            return checks;
        }
    };
    checks.push(database(&app).await);
    match target {
        Some(target) => match Target::load(&app, target).await {
            Ok(target) => {
                checks.extend(account(&app, &target.spec.provider).await);
                checks.extend(names::check(&app, &target.spec).await);
            }
            Err(error) => checks.push(Check::failed("spec", &error)),
        },
        None => checks.push(
            Check::new("account", Verdict::Skipped, "no spec given")
                .hint("`sovereign doctor SPEC` checks its account, and what its name needs"),
        ),
    }
    checks
}

fn private(what: &str, path: &Path) -> Check {
    match std::fs::metadata(path) {
        Err(error) => Check::failed(what, &error),
        Ok(found) if found.mode() & 0o077 != 0 => {
            let seen = format!(
                "{} can be entered by others (mode {:o})",
                path.display(),
                found.mode() & 0o777
            );
            Check::new(what, Verdict::Failed, seen).hint(format!("run `chmod 700 {}`", path.display()))
        }
        Ok(_) => Check::new(what, Verdict::Ok, path.display().to_string()),
    }
}

fn master_key(dir: &Path) -> Check {
    let what = "master key";
    let from_environment = std::env::var_os("SOVEREIGN_MASTER_KEY").is_some();
    if !from_environment && !dir.join("master.key").exists() {
        return Check::new(what, Verdict::Skipped, "not made yet; the first secret makes it");
    }
    match MasterKey::load(dir) {
        Ok(_) if from_environment => Check::new(what, Verdict::Ok, "from the environment"),
        Ok(_) => Check::new(what, Verdict::Ok, "a file that only its owner can read"),
        Err(error) => Check::failed(what, &error),
    }
}

async fn database(app: &App) -> Check {
    match app.store.check().await {
        Ok(Ok(())) => Check::new("database", Verdict::Ok, "whole"),
        Ok(Err(words)) => Check::new("database", Verdict::Failed, words)
            .hint("keep a copy of the state directory, then restore it from a backup"),
        Err(error) => Check::failed("database", &error),
    }
}

/// Endpoint and token in one look: both are proven by an answer.
async fn account(app: &App, provider: &Provider) -> Vec<Check> {
    let began = Instant::now();
    let token = match provider {
        Provider::Hetzner { token, .. } => token,
        Provider::Machines { key, .. } => return vec![login_key(app, key).await],
    };
    let answer = match app.cloud(provider).await {
        Ok(Some(cloud)) => cloud.inventory().await.map_err(CliError::from),
        Ok(None) => Err(CliError::NoAccount),
        Err(error) => Err(error),
    };
    match answer {
        Ok(inventory) => {
            let seen = format!(
                "{} resources, read in {}",
                inventory.resources.len(),
                time::length(began.elapsed())
            );
            let reads = Check::new("account", Verdict::Ok, seen);
            let writes = if inventory.can_write {
                Check::new("token", Verdict::Ok, format!("{token}, may write"))
            } else {
                Check::new("token", Verdict::Failed, format!("{token} may only read"))
                    .hint("make a token with read and write access in the cloud's console")
            };
            vec![reads, writes]
        }
        Err(CliError::Cloud { source }) => vec![refused(&source)],
        Err(error) => vec![Check::failed("account", &error)],
    }
}

async fn login_key(app: &App, key: &SecretRef) -> Check {
    match app.secret(key).await {
        Ok(_) => Check::new("login key", Verdict::Ok, key.to_string()),
        Err(error) => Check::failed("login key", &error),
    }
}

fn refused(error: &CloudError) -> Check {
    Check::failed("account", error).hint(error.remedy.clone())
}

fn table(checks: &[Check]) -> String {
    let mut table = Columns::plain();
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Ok => Stream::Out.paint(Tone::Good, "ok"),
            Verdict::Skipped => Stream::Out.paint(Tone::Faint, "skipped"),
            Verdict::Failed => Stream::Out.paint(Tone::Bad, "failed"),
        };
        table.row([verdict, check.what.clone(), check.seen.clone()]);
    }
    let mut text = table.render("");
    for hint in checks
        .iter()
        .filter_map(|check| check.hint.as_ref())
        .filter(|hint| !hint.is_empty())
    {
        text.push_str(&format!("\n{}: {hint}", Stream::Out.paint(Tone::Strong, "hint")));
    }
    text
}
