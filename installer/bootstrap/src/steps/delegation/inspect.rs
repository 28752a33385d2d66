//! The delegation as it is, before anything is changed: the snapshot that a roll-back leads to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sovereign_core::finding::{Finding, Severity};
use sovereign_dns::delegation::{Facts, Memory, ParentView, Place, Snapshot, judge};
use sovereign_dns::probe::{Expectation, Prober};
use sovereign_dns::registrar::RegistrarError;
use sovereign_dns::{DomainName, ErrorClass};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::course::DelegatedName;
use super::remembered::Remembered;
use crate::services::Services;

/// What is found while a change is on its way to the parent.
const PUBLISHED_LATER: [&str; 2] = ["delegation.differs", "delegation.under-way"];

/// Looks at the delegation, at the registrar and at every server of the parent, and refuses what could not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectDelegation {
    /// The name.
    #[serde(flatten)]
    pub name: DelegatedName,
    /// What it is to those above it.
    pub place: Place,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedDelegation {
    /// The delegation as it was before it was touched, also by an earlier plan that did not come to its end; none where it led to our
    /// servers already, so that there is nothing to go back to.
    pub before: Option<Snapshot>,
    /// The parent is signed: it is to vouch for the zone's keys.
    pub parent_signed: bool,
    /// What is worth knowing and stops nothing.
    pub findings: Vec<Finding>,
    /// What caches may hold, by this look and by what earlier plans left.
    #[serde(default)]
    pub memory: Memory,
}

impl Step for InspectDelegation {
    const KIND: &'static str = "delegation.inspect";
    type Services = Services;
    type Output = InspectedDelegation;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<InspectedDelegation>, StepError> {
        if !leads_to_us(cx, &self.name).await {
            return Ok(None);
        }
        let inspected = self.inspect(cx).await?;
        Ok(Some(inspected).filter(|inspected| inspected.before.is_none()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<InspectedDelegation, StepError> {
        self.inspect(cx).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl InspectDelegation {
    async fn inspect(&self, cx: &StepContext<'_, Services>) -> Result<InspectedDelegation, StepError> {
        let DelegatedName {
            domain, nameservers, ..
        } = &self.name;
        cx.waiting("the delegation as it is", &format!("looking at `{domain}`"));
        let host = cx.services.parent.as_deref();
        let probe = &cx.services.probe;
        let facts = Facts::gather(domain, self.place, host, probe, nameservers).await;
        let findings = judge(&facts);
        let is_ours = facts.is_ours();
        if let Some(error) = facts.access {
            return Err(registrar_error(error));
        }
        if let Some(seen) = facts.unsettled {
            return Err(not_settled(domain, &seen));
        }
        let Remembered {
            before, mut memory, ..
        } = Remembered::of(cx, &self.name.sovereign, domain).await?;
        refuse(domain, &findings, before.is_some())?;
        let snapshot = facts
            .snapshot
            .ok_or_else(|| not_settled(domain, &facts.parent.to_string()))?;
        memory.note_snapshot(&snapshot);
        let came_from = before.filter(|before| before.is_left_for(&snapshot, nameservers));
        Ok(InspectedDelegation {
            parent_signed: snapshot.parent_signed,
            before: came_from.or_else(|| (!is_ours).then_some(snapshot)),
            findings,
            memory,
        })
    }
}

/// Whether some server of the parent shows our name servers.
pub(super) async fn leads_to_us(cx: &StepContext<'_, Services>, name: &DelegatedName) -> bool {
    let ours: BTreeSet<_> = name.nameservers.hosts().iter().cloned().collect();
    let expectation = Expectation {
        new: ours.clone(),
        ..Expectation::default()
    };
    let report = Prober::new(cx.services.probe.clone())
        .probe(&name.domain, &expectation)
        .await;
    let view = ParentView::of(&report);
    view.sets().any(|set| *set == ours)
}

/// A change on its way, or a server that is away for a moment.
fn not_settled(domain: &DomainName, seen: &str) -> StepError {
    StepError::Retry {
        cause: format!("the delegation of `{domain}` is not settled: {seen}"),
        after: None,
        unsettled: false,
    }
}

/// All that speaks against it, at once. `on_its_way`: an earlier plan of ours asked for a change, which may not be published yet.
fn refuse(domain: &DomainName, findings: &[Finding], on_its_way: bool) -> Result<(), StepError> {
    let errors: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let is_ours = |finding: &&Finding| PUBLISHED_LATER.contains(&finding.code.as_str());
    if on_its_way && errors.iter().all(is_ours) {
        return Err(not_settled(domain, &errors[0].message));
    }
    let list = |of: fn(&Finding) -> &str| errors.iter().map(|it| of(it)).collect::<Vec<_>>().join("; ");
    Err(StepError::Fatal {
        cause: format!(
            "the delegation of `{domain}` is not touched: {}",
            list(|finding| &finding.message)
        ),
        remedy: list(|finding| &finding.remedy),
    })
}

/// A registrar's error as a step's.
pub(in crate::steps) fn registrar_error(error: RegistrarError) -> StepError {
    let cause = error.to_string();
    match error.class() {
        ErrorClass::Retry | ErrorClass::Unsettled => StepError::Retry {
            cause,
            after: error.after(),
            unsettled: error.unsettled,
        },
        ErrorClass::Stop | ErrorClass::Taken | ErrorClass::NotFound => StepError::Fatal {
            cause,
            remedy: error.remedy,
        },
    }
}
