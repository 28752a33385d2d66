//! What the journal knows of a Sovereign's delegation: where its name was before, and what gives it back.

mod standing;

use std::collections::BTreeSet;

use sovereign_bootstrap::WayBack;
use sovereign_bootstrap::steps::{InspectDelegation, InspectedDelegation, RestoreDelegation};
use sovereign_core::spec::{Domain, SovereignSpec};
use sovereign_dns::DomainName;
use sovereign_dns::delegation::{Place, Snapshot};
use sovereign_dns::registrar::NsSet;
use sovereign_engine::journal::Run;
use sovereign_engine::plan::PlannedStep;
use sovereign_engine::status::StepStatus;
use sovereign_engine::step::Step;

pub(crate) use self::standing::{DelegationStanding, said};
use crate::errors::CliError;
use crate::parent;
use crate::run_view::RunView;
use crate::wiring::App;

/// What a spec asks of the zone above its name.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The name.
    pub(crate) domain: DomainName,
    /// What it is to those above it.
    pub(crate) place: Place,
    /// The name servers that it is to have.
    pub(crate) nameservers: NsSet,
}

impl Asked {
    /// Nothing where the spec leaves the parent to others, or names nobody who answers.
    pub(crate) fn of(spec: &SovereignSpec) -> Option<Self> {
        let place = match &spec.domain {
            Domain::Registrar { .. } | Domain::Delegated { .. } => Place::Apex,
            Domain::ChildZone { .. } => Place::Child,
            Domain::Pool { .. } | Domain::None => return None,
        };
        Some(Self {
            domain: spec.domain.fqdn()?.parse().ok()?,
            place,
            nameservers: NsSet::read(&spec.dns.as_ref()?.nameservers).ok()?,
        })
    }
}

/// The steps of a kind in a run, each with its name in the run's view.
pub(crate) fn steps_of<S: Step>(run: &Run) -> impl Iterator<Item = (&PlannedStep, S)> {
    let steps = run.plan.steps.iter().filter(|step| step.kind == S::KIND);
    steps.filter_map(|step| Some((step, serde_json::from_value(step.params.clone()).ok()?)))
}

/// How a Sovereign's delegation is given back, by its runs, the newest first; none where it never led here, or was given back
/// since.
pub(crate) fn way_back(runs: &[Run]) -> Option<RestoreDelegation> {
    // A look at servers of ours, named by an earlier spec, is no place to go back to.
    let ours: BTreeSet<BTreeSet<DomainName>> = runs
        .iter()
        .flat_map(steps_of::<InspectDelegation>)
        .map(|(_, inspect)| inspect.name.nameservers.hosts().iter().cloned().collect())
        .collect();
    for run in runs {
        let view = RunView::of(run);
        if is_given_back(run, &view) {
            return None;
        }
        for (step, inspect) in steps_of::<InspectDelegation>(run) {
            let before = before(&view, step);
            if let Some(snapshot) = before.filter(|before| !ours.contains(&before.ns)) {
                return Some(RestoreDelegation {
                    name: inspect.name,
                    snapshot,
                    drain: true,
                });
            }
        }
    }
    None
}

fn is_given_back(run: &Run, view: &RunView) -> bool {
    let mut restores = steps_of::<RestoreDelegation>(run);
    restores.any(|(step, _)| {
        let step = view.step(step.name.as_str());
        step.is_some_and(|step| step.status == StepStatus::Succeeded)
    })
}

/// Where the name was, as a step saw it.
fn before(view: &RunView, step: &PlannedStep) -> Option<Snapshot> {
    let output = view.step(step.name.as_str())?.output.clone()?;
    serde_json::from_value::<InspectedDelegation>(output).ok()?.before
}

/// How the delegation is given back, with the credential where it can be had.
pub(crate) async fn way_back_of(app: &App, spec: &SovereignSpec) -> Result<Option<WayBack>, CliError> {
    let runs = app.store.runs(&spec.name).await?;
    let Some(restore) = way_back(&runs) else {
        return Ok(None);
    };
    let credential = parent::reachable(app, spec).await;
    Ok(Some(WayBack { restore, credential }))
}

#[cfg(test)]
mod tests;
