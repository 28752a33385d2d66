//! Is everything fit that a Sovereign's name needs: the name servers, the registrar, the way from the root?

use std::time::Duration;

use sovereign_core::spec::SovereignSpec;
use sovereign_dns::probe::{Expectation, Limits, ProbeConfig, Prober, Security, Standing};
use sovereign_dns::registrar::{Capabilities, ParentHost, RegistrarError};
use sovereign_dns::{DomainName, ZoneHost};

use super::{Check, Verdict};
use crate::errors::CliError;
use crate::parent;
use crate::wiring::App;

/// Most time that the way from the root may take to be found open.
const PATIENCE: Duration = Duration::from_secs(15);

/// Nothing to check where the Sovereign has no name.
pub(super) async fn check(app: &App, spec: &SovereignSpec) -> Vec<Check> {
    let Some(name) = spec
        .domain
        .fqdn()
        .and_then(|name| name.parse::<DomainName>().ok())
    else {
        return Vec::new();
    };
    let mut checks = name_servers(app, spec).await;
    checks.extend(registrar(app, spec, &name).await);
    checks.push(way_down(app, &name).await);
    checks
}

async fn name_servers(app: &App, spec: &SovereignSpec) -> Vec<Check> {
    let what = "name servers";
    let hosts = match app.zones(spec).await {
        Ok(hosts) => hosts,
        Err(error) => return vec![failed(what, &error)],
    };
    if hosts.is_empty() {
        let check = Check::new(what, Verdict::Skipped, "the spec has no `dns`");
        return vec![check.hint("add `dns` with the servers that are to answer for the name")];
    }
    let mut checks = Vec::new();
    for host in &hosts {
        checks.push(name_server(&**host).await);
    }
    checks
}

async fn name_server(host: &dyn ZoneHost) -> Check {
    let what = "name server";
    match host.facts().await {
        Ok(facts) => {
            let version = facts
                .version
                .map_or_else(|| "a development build".to_owned(), |it| it.to_string());
            Check::new(what, Verdict::Ok, format!("{}, PowerDNS {version}", host.name()))
        }
        Err(error) => {
            let hint = error.remedy.clone();
            Check::failed(what, &error).hint(hint)
        }
    }
}

async fn registrar(app: &App, spec: &SovereignSpec, name: &DomainName) -> Option<Check> {
    let what = "registrar";
    match parent::of_spec(app, spec).await {
        Ok(None) => None,
        Ok(Some(host)) => Some(match host.check_access(name).await {
            Ok(()) => Check::new(what, Verdict::Ok, reach(&*host, name)),
            Err(error) => refused(what, &error),
        }),
        Err(error) => Some(failed(what, &error)),
    }
}

fn reach(host: &dyn ParentHost, name: &DomainName) -> String {
    let able = host.capabilities();
    format!(
        "{}, may delegate `{name}`; by hand: {}",
        host.kind(),
        by_hand(able).unwrap_or("nothing")
    )
}

/// What is left for a person.
fn by_hand(able: Capabilities) -> Option<&'static str> {
    match (able.ns, able.ds()) {
        (true, true) => None,
        (true, false) => Some("DS records"),
        (false, true) => Some("name servers"),
        (false, false) => Some("everything"),
    }
}

/// Whether delegations can be looked at from here: the way down to the name, as far as it goes.
async fn way_down(app: &App, name: &DomainName) -> Check {
    let what = "way from the DNS root";
    let config = match app.global.world.probe() {
        Ok(config) => config,
        Err(error) => return failed(what, &error),
    };
    let limits = Limits {
        time: PATIENCE,
        ..Limits::default()
    };
    let prober = Prober::new(ProbeConfig { limits, ..config });
    let report = prober.probe(name, &Expectation::default()).await;
    let evidence = &report.evidence;
    if let Standing::Stuck { failures } = &evidence.standing {
        let seen = failures.first().map_or_else(
            || "no root server is known".to_owned(),
            |stuck| format!("{}: {}", stuck.server.address, stuck.failure),
        );
        return Check::new(what, Verdict::Failed, seen).hint(
            "let this machine ask name servers at port 53 over UDP and TCP; delegations are looked at from the root down",
        );
    }
    let root = evidence
        .path
        .first()
        .map_or(Security::Indeterminate, |link| link.security);
    if root == Security::Bogus {
        return Check::new(
            what,
            Verdict::Failed,
            "the root's keys are not those of the trust anchor",
        )
        .hint(
            "somebody between here and the root answers in its place, or `--dns-anchor` is of another root",
        );
    }
    let parent = evidence.parent.clone().unwrap_or_else(DomainName::root);
    let seen = format!(
        "leads to the servers of `{parent}`; the root is {}",
        root.as_str()
    );
    Check::new(what, Verdict::Ok, seen)
}

fn refused(what: &str, error: &RegistrarError) -> Check {
    Check::failed(what, error).hint(error.remedy.clone())
}

fn failed(what: &str, error: &CliError) -> Check {
    let check = Check::failed(what, error);
    match error.hint() {
        Some(hint) => check.hint(hint),
        None => check,
    }
}
