//! `sovereign report` and `sovereign kubeconfig`: what a Sovereign was handed over with.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sovereign_engine::journal::Run;
use sovereign_store::Vault;

use crate::cli::{Global, KubeconfigArgs, ReportArgs};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::report::{self, Report};
use crate::revocation::{self, Revocation};
use crate::wiring::App;
use crate::{output, target};

/// Prints the report or writes it into a folder, with what the cloud says of the installer's token where that is asked for.
pub(crate) async fn report(global: Global, args: ReportArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let run = last(&app, &args.name).await?;
    let mut report = Report::of(&run)?;
    let mut exit = Exit::Ok;
    if args.check_revoked {
        let revocation = revocation::ask(&app, &run).await?;
        report.asked(revocation, Timestamp::now());
        if revocation == Revocation::Accepted {
            exit = Exit::Held;
            output::notice("the cloud still takes the token that this installer worked with");
        }
    }
    match &args.out {
        Some(folder) => write_all(&app, &run, &report, folder).await?,
        None => output::json(&report)?,
    }
    Ok(exit)
}

/// Writes the report, its signature, the key that it is checked by, and the sealed kubeconfig into a folder.
async fn write_all(app: &App, run: &Run, report: &Report, folder: &Path) -> Result<(), CliError> {
    let text = serde_json::to_vec_pretty(report).map_err(|source| CliError::Encode {
        what: "the report",
        source,
    })?;
    let key = report::signing_key(&Vault::open(&app.store)?).await?;
    fs::create_dir_all(folder).map_err(unwritten(folder))?;
    write(
        folder,
        "report.json.sig",
        STANDARD.encode(key.sign(&text)).as_bytes(),
    )?;
    write(folder, "report.json", &text)?;
    write(folder, "cosign.pub", key.public().to_pem()?.as_bytes())?;
    if let Some(sealed) = report::kubeconfig(run) {
        write(folder, "kubeconfig.age", sealed.as_bytes())?;
    }
    Ok(())
}

/// Prints the kubeconfig as it was sealed.
pub(crate) async fn kubeconfig(global: Global, args: KubeconfigArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let run = last(&app, &args.name).await?;
    let sealed = report::kubeconfig(&run).ok_or_else(|| CliError::NotHandedOff {
        name: args.name.clone(),
        state: "not handed off",
    })?;
    output::data(&sealed)?;
    Ok(Exit::Ok)
}

async fn last(app: &App, name: &str) -> Result<Run, CliError> {
    let name = target::name(app, name).await?;
    let run = app.last_build(&name).await?;
    run.ok_or(CliError::Unknown {
        name: name.to_string(),
        known: Vec::new(),
    })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), CliError> {
    let path = folder.join(name);
    fs::write(&path, bytes).map_err(unwritten(&path))
}

fn unwritten(path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Write { path, source }
}
