//! Whether a delegation may be changed at all: facts gathered once, judged together.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sovereign_core::finding::{Finding, Severity};

use super::existing::Existing;
use super::rdap::{Registered, Registration};
use super::snapshot::{Snapshot, SnapshotError, take_snapshot};
use super::view::ParentView;
use crate::name::DomainName;
use crate::probe::{ProbeConfig, Standing};
use crate::registrar::{Capabilities, NsSet, ParentHost, RegistrarError, RegistrarKind};

/// Days before its end from which on a registration is worth a word.
const SOON: i64 = 30;

/// What a name is to those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A domain of its own: all that its old zone holds goes with the move.
    Apex,
    /// A child of a zone that stays where it is.
    Child,
}

/// What was learned about a domain, its registration and the servers around it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The domain.
    pub domain: DomainName,
    /// What it is to those above it.
    pub place: Place,
    /// Our name servers.
    pub ours: NsSet,
    /// Who can change the delegation through an API, and what that can do.
    pub host: Option<(RegistrarKind, Capabilities)>,
    /// Whether the credential opens the domain; nothing where there is none.
    pub access: Option<RegistrarError>,
    /// The delegation as it is; none where that could not be told.
    pub snapshot: Option<Snapshot>,
    /// Why it could not.
    pub unsettled: Option<String>,
    /// What the parent's servers show.
    pub parent: ParentView,
    /// Nobody leads to the zone above the name.
    pub stuck: bool,
    /// What the registry says.
    pub registration: Registered,
    /// What stands at the name.
    pub existing: Existing,
    /// When this was looked at.
    pub now: Timestamp,
}

impl Facts {
    /// Looks at everything. Only reads.
    pub async fn gather(
        domain: &DomainName,
        place: Place,
        host: Option<&dyn ParentHost>,
        probe: &ProbeConfig,
        ours: &NsSet,
    ) -> Self {
        let access = match host {
            Some(host) => host.check_access(domain).await.err(),
            None => None,
        };
        // Without access the registrar's record is not there, and the parent's servers can still be asked.
        let reader = host.filter(|_| access.is_none());
        let looked = take_snapshot(domain, reader, probe, ours).await;
        let mut facts = Self {
            domain: domain.clone(),
            place,
            ours: ours.clone(),
            host: host.map(|host| (host.kind(), host.capabilities())),
            access,
            snapshot: None,
            unsettled: None,
            parent: ParentView::default(),
            stuck: false,
            registration: Registered::Unknown {
                why: "a name inside somebody's zone has none of its own".to_owned(),
            },
            existing: Existing::default(),
            now: Timestamp::now(),
        };
        if place == Place::Apex {
            facts.registration = probe.rdap.look_up(domain).await;
        }
        let report = match looked {
            Ok((snapshot, report)) => {
                facts.snapshot = Some(snapshot);
                report
            }
            Err(SnapshotError::Registrar(error)) => {
                facts.access = Some(error);
                return facts;
            }
            Err(SnapshotError::NotSettled { seen, report, .. }) => {
                facts.unsettled = Some(seen);
                *report
            }
        };
        facts.parent = ParentView::of(&report);
        facts.stuck =
            matches!(report.evidence.standing, Standing::Stuck { .. }) && facts.parent.servers.is_empty();
        facts.existing = if facts.lies_inside() {
            Existing::inside(domain, &report, probe).await
        } else {
            Existing::at(domain, &report, probe).await
        };
        if let Some(snapshot) = &mut facts.snapshot {
            let records = facts.existing.forgotten_after();
            snapshot.forgotten_after = snapshot.forgotten_after.max(records);
        }
        facts
    }

    /// The name is answered from the zone above it: by its place, or because nobody has delegated it yet.
    fn lies_inside(&self) -> bool {
        let delegated = self
            .snapshot
            .as_ref()
            .is_none_or(|snapshot| !snapshot.ns.is_empty());
        self.place == Place::Child || !delegated
    }

    /// The name leads to our servers already.
    pub fn is_ours(&self) -> bool {
        self.snapshot
            .as_ref()
            .is_some_and(|snapshot| snapshot.is_on(&self.ours))
    }
}

/// Everything that speaks against a change, or is worth knowing before one, the heaviest first. Pure.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    access(facts, &mut findings);
    name_servers(facts, &mut findings);
    parent(facts, &mut findings);
    if !facts.is_ours() {
        registration(facts, &mut findings);
        existing(facts, &mut findings);
        keys(facts, &mut findings);
        way_back(facts, &mut findings);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn finding(severity: Severity, code: &str, message: String, remedy: impl Into<String>) -> Finding {
    Finding::new(severity, format!("delegation.{code}"), "domain", message, remedy)
}

fn access(facts: &Facts, findings: &mut Vec<Finding>) {
    if let Some(error) = &facts.access {
        let remedy = error.remedy.clone();
        findings.push(finding(Severity::Error, "access", error.to_string(), remedy));
    }
}

fn name_servers(facts: &Facts, findings: &mut Vec<Finding>) {
    let domain = &facts.domain;
    if let Err(error) = facts.ours.check() {
        let remedy = "name at least two under `dns.nameservers`, on different machines";
        let message = format!("`{domain}` would have {error}");
        findings.push(finding(Severity::Error, "nameservers", message, remedy));
    }
    let inside: Vec<&str> = facts
        .ours
        .hosts()
        .iter()
        .filter(|host| host.is_within(domain))
        .map(DomainName::as_str)
        .collect();
    if !inside.is_empty() {
        let message = format!(
            "name servers of `{domain}` lie inside it: {}; nobody could find them before they are asked",
            inside.join(", ")
        );
        let remedy = "give the name servers names in another domain";
        findings.push(finding(Severity::Error, "glue", message, remedy));
    }
}

fn parent(facts: &Facts, findings: &mut Vec<Finding>) {
    let domain = &facts.domain;
    if facts.stuck {
        let message = format!("no server leads to the zone above `{domain}`");
        let remedy = "check the name; `sovereign dns check` says where the way down from the root ends";
        findings.push(finding(Severity::Error, "parent", message, remedy));
    } else if let Some(seen) = &facts.unsettled {
        let message = format!("the servers of the parent of `{domain}` do not agree: {seen}");
        let remedy = "wait until an earlier change has reached all of them, or see which one does not answer";
        findings.push(finding(Severity::Error, "unsettled", message, remedy));
    }
    let Some((snapshot, registered)) = facts
        .snapshot
        .as_ref()
        .and_then(|snapshot| Some((snapshot, snapshot.registered.as_ref()?)))
    else {
        return;
    };
    let recorded: BTreeSet<DomainName> = registered.ns.hosts().iter().cloned().collect();
    if recorded != snapshot.ns && !(registered.uses_provider_default && snapshot.ns.is_empty()) {
        let message = format!(
            "the registrar's record of `{domain}` is {registered}, and the parent shows something else: {}",
            facts.parent
        );
        let remedy = "wait until the registrar's last change is published, or ask its support why it is not";
        findings.push(finding(Severity::Error, "differs", message, remedy));
    }
    if let Some(under_way) = &registered.under_way {
        let ns = under_way
            .ns
            .as_ref()
            .map_or_else(String::new, |ns| format!(" towards NS {ns}"));
        let message = format!("a change of `{domain}` is under way at the registrar{ns}");
        findings.push(finding(
            Severity::Warning,
            "under-way",
            message,
            "it is waited for",
        ));
    }
}

fn registration(facts: &Facts, findings: &mut Vec<Finding>) {
    let domain = &facts.domain;
    let found = match &facts.registration {
        Registered::Found(found) => found,
        Registered::NotFound => {
            let message = format!("the registry knows no registration of `{domain}`");
            let remedy = "check the spelling; a name below a registered domain wants the mode `childZone`";
            findings.push(finding(Severity::Warning, "unregistered", message, remedy));
            return;
        }
        Registered::Unknown { why } => {
            if facts.place == Place::Apex {
                let message =
                    format!("the registry could not be asked about locks and expiry of `{domain}`: {why}");
                let remedy = "see at the registrar that the domain is neither locked nor about to expire";
                findings.push(finding(Severity::Note, "registry-unknown", message, remedy));
            }
            return;
        }
    };
    statuses(domain, found, findings);
    let Some(expires) = found.expires else { return };
    let left = expires.duration_since(facts.now);
    let remedy = "renew the domain at the registrar, and let it renew by itself";
    if left <= SignedDuration::ZERO {
        let message = format!("the registration of `{domain}` expired on {expires:.0}");
        findings.push(finding(Severity::Error, "expired", message, remedy));
    } else if left <= SignedDuration::from_hours(24 * SOON) {
        let message = format!("the registration of `{domain}` ends on {expires:.0}");
        findings.push(finding(Severity::Warning, "expires", message, remedy));
    }
}

/// Statuses of EPP that keep a change from being made or seen.
fn statuses(domain: &DomainName, found: &Registration, findings: &mut Vec<Finding>) {
    const STOP: [(&str, &str, &str, &str); 8] = [
        (
            "clientupdateprohibited",
            "locked",
            "is locked against changes by its registrar",
            "lift the lock at the registrar for the time of the change",
        ),
        (
            "serverupdateprohibited",
            "locked",
            "is locked by the registry",
            "have the registrar lift the registry lock; that takes a person at both sides",
        ),
        (
            "clienthold",
            "hold",
            "is on hold at its registrar and not published",
            "settle with the registrar why it is on hold",
        ),
        (
            "serverhold",
            "hold",
            "is on hold at the registry and not published",
            "settle with the registrar why it is on hold",
        ),
        (
            "pendingtransfer",
            "transfer",
            "is being transferred to another registrar",
            "wait until the transfer is done",
        ),
        (
            "pendingdelete",
            "deleted",
            "is about to be deleted",
            "restore the domain at the registrar",
        ),
        (
            "redemptionperiod",
            "deleted",
            "has lapsed and can only be restored",
            "restore the domain at the registrar",
        ),
        (
            "pendingupdate",
            "under-way",
            "has a change under way at the registry",
            "wait until it is done",
        ),
    ];
    for (status, code, words, remedy) in STOP {
        if found.statuses.contains(status) {
            let message = format!("`{domain}` {words} (status {status})");
            findings.push(finding(Severity::Error, code, message, remedy));
        }
    }
}

fn existing(facts: &Facts, findings: &mut Vec<Finding>) {
    let (domain, existing) = (&facts.domain, &facts.existing);
    if facts.lies_inside() {
        inside(facts, findings);
        return;
    }
    let elsewhere = format!(
        "give the Sovereign a name below it instead: `domain: {{mode: childZone, name: platform.{domain}, parent: {domain}}}` leaves everything at `{domain}` as it is"
    );
    let mail = existing.mail_hosts();
    if !mail.is_empty() {
        let message = format!(
            "mail for `{domain}` goes to {}, and would be lost",
            mail.join(", ")
        );
        findings.push(finding(Severity::Error, "mail", message, &*elsewhere));
    } else if existing.sends_mail() {
        let message = format!("mail is sent in the name of `{domain}` (SPF), and would be refused");
        findings.push(finding(Severity::Error, "mail", message, &*elsewhere));
    }
    let web = existing.web();
    if !web.is_empty() {
        let message = format!(
            "`{domain}` leads somewhere now, and will lead to the Sovereign: {}",
            web.join("; ")
        );
        findings.push(finding(Severity::Warning, "web", message, &*elsewhere));
    }
    if existing.unknown {
        let message = format!("what stands at `{domain}` could not be asked for in full");
        let remedy = "see that neither mail nor web is lost with its old zone";
        findings.push(finding(Severity::Warning, "existing-unknown", message, remedy));
    }
}

fn inside(facts: &Facts, findings: &mut Vec<Finding>) {
    let domain = &facts.domain;
    if !facts.existing.records.is_empty() {
        let records: Vec<String> = facts
            .existing
            .records
            .iter()
            .map(|record| format!("{} {}", record.kind, record.data))
            .collect();
        let message = format!("`{domain}` has records of its own: {}", records.join("; "));
        let remedy = "a delegation stands alone: remove them, or choose another name";
        findings.push(finding(Severity::Error, "taken", message, remedy));
    }
    let ns = facts.snapshot.as_ref().map(|snapshot| &snapshot.ns);
    if let Some(ns) = ns.filter(|ns| !ns.is_empty()) {
        let ns: Vec<&str> = ns.iter().map(DomainName::as_str).collect();
        let message = format!("`{domain}` is a zone of its own already, on {}", ns.join(", "));
        let remedy = "choose another name, or remove its NS records if nobody needs that zone";
        findings.push(finding(Severity::Error, "taken", message, remedy));
    }
}

fn keys(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(snapshot) = &facts.snapshot else { return };
    let domain = &facts.domain;
    if !snapshot.vouched.is_empty() {
        let message = format!(
            "`{domain}` is signed: its keys (DS) are taken off first, which caches take up to {} s to notice",
            snapshot.ds_ttl
        );
        let remedy = "nothing; until our keys are there, its answers are not proven";
        findings.push(finding(Severity::Note, "signed", message, remedy));
    } else if let Some(seconds) = snapshot.keys_ttl() {
        let message = format!(
            "the zone of `{domain}` is signed, and no key of it (DS) is at the parent: caches may have one that was taken off just now for up to {seconds} s, which is waited for"
        );
        let remedy = "nothing; it is waited for once";
        findings.push(finding(Severity::Note, "signed", message, remedy));
    }
    let Some((kind, able)) = facts.host else { return };
    if !able.ds() && (snapshot.parent_signed || !snapshot.vouched.is_empty()) {
        let message = format!("the API of {kind} cannot change keys (DS) of `{domain}`");
        let remedy = format!("be ready to enter them in the web interface of {kind} when they are shown");
        findings.push(finding(Severity::Warning, "keys-by-hand", message, remedy));
    }
}

fn way_back(facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(snapshot) = &facts.snapshot else { return };
    let able = facts.host.map(|(_, able)| able);
    if snapshot.end(able).is_none() {
        let message = format!(
            "`{}` is on name servers that the registrar neither names nor can go back to",
            facts.domain
        );
        let remedy = "set the domain's present name servers explicitly at the registrar first";
        findings.push(finding(Severity::Error, "no-way-back", message, remedy));
    }
}

#[cfg(test)]
mod tests;
