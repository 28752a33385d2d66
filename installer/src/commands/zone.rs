//! `sovereign zone`: a Sovereign's zone at its servers.

mod change;
mod health;

use secrecy::ExposeSecret as _;
use serde::Serialize;
use sovereign_bootstrap::scan::{scan_parent, scan_zone};
use sovereign_bootstrap::steps::CreateZone;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::name::SovereignName;
use sovereign_dns::ZoneRequest;
use sovereign_dns::transfer::{Pairing, Supply, pairings};

use crate::cli::{Global, ZoneCheck, ZoneCommand, ZoneSecondaries};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;
use crate::render::paint::Stream;
use crate::target::Target;
use crate::wiring::App;

/// Looks at the zone.
pub(crate) async fn run(global: Global, command: ZoneCommand) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    match command {
        ZoneCommand::Check(args) => check(&app, args).await,
        ZoneCommand::Secondaries(args) => secondaries(&app, args).await,
        ZoneCommand::SetAddresses(args) => change::set_addresses(&app, args).await,
        ZoneCommand::RollKey(args) => change::roll_key(&app, args).await,
        ZoneCommand::Health(args) => health::run(&app, args).await,
    }
}

/// What `check` saw.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    zone: String,
    findings: Vec<Finding>,
}

async fn check(app: &App, args: ZoneCheck) -> Result<Exit, CliError> {
    let target = Target::load(app, &args.target).await?;
    let name = &target.spec.name;
    let (step, request) = wanted(app, name).await?;
    let hosts = app.zones(&target.spec).await?;
    let supply = Supply {
        secondaries: app.secondaries(&target.spec).await?,
        catalog: step.catalog,
    };
    let mut findings = scan_zone(&hosts, &request, &supply).await?;
    if args.parent {
        let probe = app.global.world.probe()?;
        findings.extend(scan_parent(&hosts, &request, probe).await?);
    }
    let differs = findings.iter().any(|finding| finding.severity == Severity::Error);
    let checked = Checked {
        zone: step.zone.to_string(),
        findings,
    };
    if app.global.json {
        output::json(&checked)?;
    } else {
        output::data(&text(&checked, differs))?;
    }
    Ok(if differs { Exit::Leftovers } else { Exit::Ok })
}

/// The zone as the newest run that made it wanted it.
async fn wanted(app: &App, name: &SovereignName) -> Result<(CreateZone, ZoneRequest), CliError> {
    let runs = app.store.runs(name).await?;
    let wanted = runs.iter().find_map(CreateZone::of);
    wanted.ok_or_else(|| CliError::NoZone {
        name: name.to_string(),
    })
}

fn text(checked: &Checked, differs: bool) -> String {
    let Checked { zone, findings } = checked;
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let verdict = match (differs, errors) {
        (false, _) => format!("zone {zone} is as wanted at every server"),
        (true, 1) => format!("zone {zone} differs in 1 place"),
        (true, errors) => format!("zone {zone} differs in {errors} places"),
    };
    if findings.is_empty() {
        return verdict;
    }
    format!("{}\n\n{verdict}", render::findings::render(findings, Stream::Out))
}

/// What one secondary needs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Needs {
    secondary: String,
    fetches: Vec<String>,
    primary: String,
    key_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The installer sets it up by its API.
    set_up_by_installer: bool,
}

async fn secondaries(app: &App, args: ZoneSecondaries) -> Result<Exit, CliError> {
    let target = Target::load(app, &args.target).await?;
    let known = app.secondaries(&target.spec).await?;
    let hosts = app.zones(&target.spec).await?;
    let Some(primary) = hosts.first().filter(|_| !known.is_empty()) else {
        return Err(CliError::NoSecondaries {
            name: target.spec.name.to_string(),
        });
    };
    let zone = target.spec.domain.fqdn().unwrap_or_default();
    let catalog = target.spec.dns.as_ref().and_then(|dns| dns.catalog.clone());
    let fetches = vec![catalog.unwrap_or(zone)];
    let pairings = pairings(&**primary, &known).await?;
    let needs: Vec<Needs> = pairings
        .iter()
        .zip(&known)
        .map(|(pairing, secondary)| Needs {
            set_up_by_installer: secondary.host.is_some(),
            ..needs(pairing, &fetches, args.show_keys)
        })
        .collect();
    if app.global.json {
        output::json(&needs)?;
    } else {
        let blocks: Vec<String> = needs.iter().map(block).collect();
        output::data(&blocks.join("\n\n"))?;
    }
    Ok(Exit::Ok)
}

fn needs(pairing: &Pairing, fetches: &[String], show_keys: bool) -> Needs {
    let key = pairing.key.as_ref();
    Needs {
        secondary: pairing.secondary.to_string(),
        fetches: fetches.to_vec(),
        primary: pairing.primary.to_string(),
        key_name: pairing.key_name.to_string(),
        algorithm: key.map(|key| key.algorithm.clone()),
        secret: key
            .filter(|_| show_keys)
            .map(|key| key.secret.expose_secret().to_owned()),
        set_up_by_installer: false,
    }
}

fn block(needs: &Needs) -> String {
    let key = match (&needs.algorithm, &needs.secret) {
        (None, _) => "not made yet: `sovereign up` makes it".to_owned(),
        (Some(algorithm), None) => format!("{}, {algorithm}; `--show-keys` shows it", needs.key_name),
        (Some(algorithm), Some(secret)) => format!("{}, {algorithm}, {secret}", needs.key_name),
    };
    let who = if needs.set_up_by_installer {
        "the installer, by its API"
    } else {
        "you"
    };
    format!(
        "secondary {}\n  set up by   {who}\n  fetches     {}\n  from        {}, whose NOTIFY it takes\n  by TSIG key {key}",
        needs.secondary,
        needs.fetches.join(", "),
        needs.primary
    )
}
