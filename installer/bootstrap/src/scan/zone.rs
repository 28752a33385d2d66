//! A Sovereign's zone against what its servers have and answer.

use std::sync::Arc;

use sovereign_core::finding::{Finding, Severity};
use sovereign_dns::check::ZoneProblem;
use sovereign_dns::drift::{Drift, DriftKind, drift};
use sovereign_dns::probe::{DsSeen, Expectation, ProbeConfig, Prober};
use sovereign_dns::publish::shared_keys;
use sovereign_dns::record::Ds;
use sovereign_dns::sealed::{SealFinding, SealProblem, judge_now, seals};
use sovereign_dns::shade::{Shade, shades};
use sovereign_dns::transfer::{Supply, check_secondaries};
use sovereign_dns::zone::{Zone, ZoneSettings};
use sovereign_dns::{DnsError, ZoneFinding, ZoneHost, ZoneRequest, check_zone};

/// Keys that the zone's parent vouches for and that the zone does not have, such as those of an earlier zone of its name: every answer
/// is bogus while one stands alone, or will be once the name is delegated here. Only reads; a parent that does not answer is no finding.
pub async fn scan_parent(
    hosts: &[Arc<dyn ZoneHost>],
    request: &ZoneRequest,
    probe: ProbeConfig,
) -> Result<Vec<Finding>, DnsError> {
    let own = shared_keys(hosts, &request.name).await?.ds;
    let report = Prober::new(probe)
        .probe(&request.name, &Expectation::default())
        .await;
    let stale = report
        .evidence
        .parents
        .iter()
        .filter_map(|parent| match &parent.ds {
            DsSeen::Present { ds, .. } => {
                let foreign: Vec<&Ds> = ds.iter().filter(|ds| !own.contains(ds)).collect();
                let bogus = foreign.len() == ds.len();
                (!foreign.is_empty()).then(|| vouched(&parent.server.to_string(), request, &foreign, bogus))
            }
            DsSeen::Absent | DsSeen::Unknown => None,
        });
    Ok(stale.collect())
}

fn vouched(server: &str, request: &ZoneRequest, foreign: &[&Ds], bogus: bool) -> Finding {
    let tags: Vec<String> = foreign.iter().map(|ds| ds.key_tag.to_string()).collect();
    let (severity, effect) = if bogus {
        (
            Severity::Error,
            "every answer of the zone is bogus for whoever asks it by this parent",
        )
    } else {
        (Severity::Warning, "answers validate by another one")
    };
    Finding::new(
        severity,
        "zone.ds",
        server,
        format!(
            "the parent vouches for key {} of `{}`, which the zone does not have: {effect}",
            tags.join(", "),
            request.name
        ),
        "have the parent publish the DS records of the key that the zone has now, or none; delegate the name here only after caches have forgotten the old ones",
    )
}

/// What `up` does about what it can set right by itself.
const UP: &str = "`sovereign up` sets it right";

/// Everything about the zone that is not as wanted, and notes on what others put into it: what each server has, what it answers, and
/// what the secondaries answer. Only reads.
pub async fn scan_zone(
    hosts: &[Arc<dyn ZoneHost>],
    request: &ZoneRequest,
    supply: &Supply,
) -> Result<Vec<Finding>, DnsError> {
    let mut findings = Vec::new();
    let mut is_everywhere = !hosts.is_empty();
    for host in hosts {
        match host.find(&request.name).await? {
            None => {
                is_everywhere = false;
                findings.push(missing(&**host, request));
            }
            Some(zone) if !zone.is_of(&request.mark) => {
                is_everywhere = false;
                findings.push(foreign(&**host, &zone));
            }
            Some(zone) => findings.extend(copy(&**host, request, &zone)),
        }
    }
    if !is_everywhere {
        return Ok(findings);
    }
    let Some(primary) = hosts.first() else {
        return Ok(findings);
    };
    match shared_keys(hosts, &request.name).await {
        Ok(published) => {
            let sealed = judge_now(&seals(hosts, &supply.secondaries, &request.name).await?);
            let mut answers = check_zone(hosts, request, &published).await?;
            answers.extend(check_secondaries(&**primary, request, &published, supply).await?);
            let answers = answers.iter().filter(|one| !is_told(one, &sealed));
            findings.extend(answers.map(answer));
            findings.extend(sealed.iter().map(signature));
        }
        Err(error) => findings.push(Finding::new(
            Severity::Error,
            "zone.keys",
            primary.name(),
            error.to_string(),
            error.remedy,
        )),
    }
    Ok(findings)
}

fn missing(host: &dyn ZoneHost, request: &ZoneRequest) -> Finding {
    Finding::new(
        Severity::Error,
        "zone.missing",
        host.name(),
        format!("zone `{}` is not there", request.name),
        "`sovereign up` makes it again; if this was its only server it gets another key, which the parent has to be told",
    )
}

fn foreign(host: &dyn ZoneHost, zone: &Zone) -> Finding {
    let owner = if zone.owner.is_empty() {
        "nobody that the installer knows".to_owned()
    } else {
        format!("`{}`", zone.owner)
    };
    Finding::new(
        Severity::Error,
        "zone.foreign",
        host.name(),
        format!("zone `{}` belongs to {owner}", zone.name),
        "find out who has taken it over; the installer leaves it alone",
    )
}

/// A server's copy.
fn copy(host: &dyn ZoneHost, request: &ZoneRequest, zone: &Zone) -> Vec<Finding> {
    let settings = missing_settings(zone.settings).into_iter().map(|setting| {
        let message = format!("zone `{}` {setting}", zone.name);
        Finding::new(Severity::Error, "zone.setting", host.name(), message, UP)
    });
    let records = drift(request, zone);
    let shades = shades(zone);
    settings
        .chain(records.iter().map(|drift| record(host, drift)))
        .chain(shades.iter().map(|shade| shaded(host, shade)))
        .collect()
}

fn shaded(host: &dyn ZoneHost, shade: &Shade) -> Finding {
    let Shade { name, by, kind } = shade;
    Finding::new(
        Severity::Warning,
        "zone.record.shades",
        host.name(),
        format!(
            "`{name}` has no answer any more: `{by}` {kind} stands below it, so that the wildcard ends there"
        ),
        format!("give `{name}` records of its own if anybody asks for it, or remove what stands below it"),
    )
}

fn missing_settings(settings: ZoneSettings) -> Vec<&'static str> {
    let wanted = [
        (settings.signed, "is not signed"),
        (
            settings.rectified,
            "does not keep its proofs of absence up to date",
        ),
        (settings.serial_moves, "keeps its serial whatever changes"),
        (
            settings.keys_told,
            "does not tell a parent its keys (CDS, CDNSKEY)",
        ),
    ];
    let missing = wanted.into_iter().filter(|(is_set, _)| !is_set);
    missing.map(|(_, words)| words).collect()
}

fn record(host: &dyn ZoneHost, drift: &Drift) -> Finding {
    let what = format!("`{}` {}", drift.name, drift.kind);
    let found = drift
        .found
        .as_ref()
        .map(|set| format!("{} ({} s)", set.records.texts().join(", "), set.ttl));
    let found = found.unwrap_or_default();
    let wanted = drift
        .wanted
        .as_ref()
        .map(|set| format!("{} ({} s)", set.records.texts().join(", "), set.ttl));
    let wanted = wanted.unwrap_or_default();
    let author = drift.author;
    let (severity, code, message, remedy) = match drift.drift {
        DriftKind::Missing => (
            Severity::Error,
            "zone.record.missing",
            format!("{what} = {wanted} is not there"),
            UP.to_owned(),
        ),
        DriftKind::Changed => (
            Severity::Error,
            "zone.record.changed",
            format!("{what} is {found} instead of {wanted}, changed by {author}"),
            UP.to_owned(),
        ),
        DriftKind::Stray => (
            Severity::Error,
            "zone.record.stray",
            format!("{what} = {found} leads a name of the Sovereign elsewhere, written by {author}"),
            "`sovereign up` removes it".to_owned(),
        ),
        DriftKind::Foreign => (
            Severity::Note,
            "zone.record.foreign",
            format!("{what} = {found} was written by {author}; it stays"),
            "nothing: it goes with the zone".to_owned(),
        ),
    };
    Finding::new(severity, code, host.name(), message, remedy)
}

/// A server's signatures that are not in time, or not those of the others.
fn signature(finding: &SealFinding) -> Finding {
    let (severity, code) = match finding.problem {
        SealProblem::Expired => (Severity::Error, "zone.signature.expired"),
        SealProblem::Future => (Severity::Error, "zone.signature.future"),
        SealProblem::OtherKeys => (Severity::Error, "zone.signature.keys"),
        SealProblem::Expires => (Severity::Warning, "zone.signature.expires"),
        SealProblem::Older => (Severity::Note, "zone.signature.older"),
    };
    let SealFinding {
        server,
        message,
        remedy,
        ..
    } = finding;
    Finding::new(
        severity,
        code,
        server.to_string(),
        message.clone(),
        remedy.clone(),
    )
}

/// An answer whose signature is not in time, of a server whose signatures are told of as a whole.
fn is_told(answer: &ZoneFinding, sealed: &[SealFinding]) -> bool {
    let untimely = matches!(answer.problem, ZoneProblem::Untimely(_));
    untimely && sealed.iter().any(|one| one.server.to_string() == answer.server)
}

/// An answer that is not as wanted.
fn answer(finding: &ZoneFinding) -> Finding {
    let ZoneFinding {
        server,
        name,
        kind,
        problem,
    } = finding;
    Finding::new(
        Severity::Error,
        "zone.answer",
        server,
        format!("`{name}` {kind}: {problem}"),
        UP,
    )
}
