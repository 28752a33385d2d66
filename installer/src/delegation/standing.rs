//! How far a Sovereign's delegation is, by its journal: each stage with when it was reached and what was seen.

use jiff::Timestamp;
use serde::Serialize;
use sovereign_bootstrap::steps::{
    DrainDelegation, InspectDelegation, InspectedDelegation, PointDelegation, ROLL_BACK, ReachedStage,
    RestoreDelegation, SignDelegation, UnsignDelegation, ValidateDelegation, ValidatedDelegation,
};
use sovereign_core::agent::SubStepState;
use sovereign_core::event::{Event, EventKind};
use sovereign_dns::DomainName;
use sovereign_dns::delegation::Snapshot;
use sovereign_dns::registrar::NsSet;
use sovereign_engine::journal::Run;
use sovereign_engine::plan::PlannedStep;
use sovereign_engine::status::StepStatus;
use sovereign_engine::step::Step as _;

use super::{steps_of, way_back};
use crate::next::Next;
use crate::render::time::span;
use crate::run_view::{RunView, StepView};
use crate::standing::OpenStep;

/// How far a delegation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Nothing was looked at yet.
    NotBegun,
    /// It was looked at, and nothing was changed.
    Inspected,
    /// The change is asked for, and not seen everywhere yet.
    Submitted,
    /// Every server of the parent shows our name servers.
    Observed,
    /// No cache leads to the old ones any more.
    Drained,
    /// The parent vouches for the zone's keys.
    Signed,
    /// Proven from the root down.
    Validated,
    /// It did not go well, and is on its way back by itself.
    RollingBack,
    /// It did not go well, and went back by itself.
    RolledBack,
    /// It is being given back.
    GoingBack,
    /// It was given back.
    GivenBack,
}

impl Level {
    /// As it is written in JSON and for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::Inspected => "inspected",
            Self::Submitted => "submitted",
            Self::Observed => "observed",
            Self::Drained => "drained",
            Self::Signed => "signed",
            Self::Validated => "validated",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::GoingBack => "going back",
            Self::GivenBack => "given back",
        }
    }
}

/// A stage on the way.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage {
    /// What it is, in words.
    pub(crate) title: String,
    /// `pending`, `running`, `done`, `failed` or `held`.
    pub(crate) status: &'static str,
    /// When it was reached.
    pub(crate) reached: Option<Timestamp>,
    /// What was seen; while it lasts, what is waited for; where it failed, why.
    pub(crate) evidence: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// How far a Sovereign's delegation is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DelegationStanding {
    /// The Sovereign.
    pub(crate) sovereign: String,
    /// The name.
    pub(crate) domain: DomainName,
    /// The name servers that it is to have.
    pub(crate) nameservers: NsSet,
    /// How far it is.
    pub(crate) level: Level,
    /// Where the name was before, which a roll-back leads to.
    pub(crate) before: Option<Snapshot>,
    /// The stages of the last run that changed something about it.
    pub(crate) stages: Vec<Stage>,
    /// Commands that make sense now.
    pub(crate) next: Vec<Next>,
}

impl DelegationStanding {
    /// By a Sovereign's runs, the newest first; none where no run was ever to change a delegation.
    pub(crate) fn of(runs: &[Run]) -> Option<Self> {
        let run = runs.iter().find(|run| run.plan.steps.iter().any(is_stage))?;
        let inspected = steps_of::<InspectDelegation>(run).map(|(_, step)| step.name);
        let restored = steps_of::<RestoreDelegation>(run).map(|(_, step)| step.name);
        let name = inspected.chain(restored).next()?;
        let view = RunView::of(run);
        let level = level(run, &view);
        let sovereign = run.plan.sovereign.to_string();
        Some(Self {
            level,
            before: way_back(runs).map(|back| back.snapshot),
            stages: stages(run, &view),
            next: next(level, &sovereign),
            domain: name.domain,
            nameservers: name.nameservers,
            sovereign,
        })
    }
}

/// The steps that are stages; those that keep and forget the credential are not.
fn is_stage(step: &PlannedStep) -> bool {
    const STAGES: [&str; 7] = [
        InspectDelegation::KIND,
        UnsignDelegation::KIND,
        PointDelegation::KIND,
        DrainDelegation::KIND,
        SignDelegation::KIND,
        ValidateDelegation::KIND,
        RestoreDelegation::KIND,
    ];
    STAGES.contains(&step.kind.as_str())
}

fn level(run: &Run, view: &RunView) -> Level {
    let status = |kind: &str| {
        let step = run.plan.steps.iter().find(|step| step.kind == kind)?;
        Some(&view.step(step.name.as_str())?.status)
    };
    let done = |kind: &str| status(kind) == Some(&StepStatus::Succeeded);
    let touched = |kind: &str| status(kind).is_some_and(|status| *status != StepStatus::Pending);
    let reached = [
        (ValidateDelegation::KIND, Level::Validated),
        (SignDelegation::KIND, Level::Signed),
        (DrainDelegation::KIND, Level::Drained),
        (PointDelegation::KIND, Level::Observed),
    ];
    if status(RestoreDelegation::KIND).is_some() {
        return if done(RestoreDelegation::KIND) {
            Level::GivenBack
        } else {
            Level::GoingBack
        };
    }
    if let Some(level) = turned_back(run) {
        return level;
    }
    if let Some((_, level)) = reached.into_iter().find(|(kind, _)| done(kind)) {
        return level;
    }
    if touched(PointDelegation::KIND) {
        Level::Submitted
    } else if done(InspectDelegation::KIND) {
        Level::Inspected
    } else {
        Level::NotBegun
    }
}

/// Where a step turned back and has not come to its end since: what was reached before does not hold any more.
fn turned_back(run: &Run) -> Option<Level> {
    let mut turned = None;
    for Event { step, kind, .. } in &run.events {
        match kind {
            EventKind::SubStep(part) if part.name == ROLL_BACK => {
                turned = match part.state {
                    SubStepState::Begun => Some((step, Level::RollingBack)),
                    SubStepState::Done { .. } => Some((step, Level::RolledBack)),
                    SubStepState::Failed { .. } => None,
                };
            }
            EventKind::StepStarted { .. } if turned == Some((step, Level::RolledBack)) => {
                turned = Some((step, Level::Submitted));
            }
            EventKind::StepSucceeded { .. } if turned.is_some_and(|(turned, _)| turned == step) => {
                turned = None;
            }
            _ => {}
        }
    }
    turned.map(|(_, level)| level)
}

fn stages(run: &Run, view: &RunView) -> Vec<Stage> {
    let steps = run.plan.steps.iter().filter(|step| is_stage(step));
    let steps = steps.filter_map(|step| Some((step, view.step(step.name.as_str())?)));
    steps.map(|(planned, step)| stage(planned, step)).collect()
}

fn stage(planned: &PlannedStep, step: &StepView) -> Stage {
    let open = OpenStep::of(step);
    let status = match (&step.status, &open) {
        (StepStatus::Succeeded, _) => "done",
        (_, Some(open)) => open.status,
        (_, None) => "pending",
    };
    let seen = step
        .output
        .as_ref()
        .and_then(|output| seen(&planned.kind, output));
    Stage {
        title: step.title.clone(),
        status,
        reached: step.ended.filter(|_| status == "done"),
        hint: open.as_ref().and_then(|open| open.hint.clone()),
        evidence: seen.or_else(|| open.map(|open| open.detail)),
    }
}

/// What a stage saw when it was reached.
fn seen(kind: &str, output: &serde_json::Value) -> Option<String> {
    let output = output.clone();
    match kind {
        InspectDelegation::KIND => {
            let inspected: InspectedDelegation = serde_json::from_value(output).ok()?;
            Some(inspected.before.as_ref().map_or_else(
                || "it led to our name servers already".to_owned(),
                |before| {
                    format!(
                        "it was {}; caches keep that for {}",
                        said(before),
                        span(before.forgotten_after)
                    )
                },
            ))
        }
        ValidateDelegation::KIND => {
            let proof: ValidatedDelegation = serde_json::from_value(output).ok()?;
            Some(proof.evidence)
        }
        DrainDelegation::KIND => {
            let reached: ReachedStage = serde_json::from_value(output).ok()?;
            let since = reached.memory.gone_ns_forgotten()?;
            Some(format!("no cache leads to the old name servers since {since:.0}"))
        }
        UnsignDelegation::KIND => {
            let reached: ReachedStage = serde_json::from_value(output).ok()?;
            let since = reached.memory.gone_keys_forgotten()?;
            Some(format!("no cache has a key that does not fit since {since:.0}"))
        }
        PointDelegation::KIND => Some("every server of the parent shows our name servers".to_owned()),
        SignDelegation::KIND => {
            Some("every server of the parent vouches for the zone's keys, if it is signed".to_owned())
        }
        _ => None,
    }
}

/// A delegation as it was, on one line.
pub(crate) fn said(before: &Snapshot) -> String {
    let ns: Vec<&str> = before.ns.iter().map(DomainName::as_str).collect();
    let ns = if ns.is_empty() {
        "not delegated".to_owned()
    } else {
        format!("NS {}", ns.join(" "))
    };
    let ds: Vec<String> = before.vouched.iter().map(ToString::to_string).collect();
    let ds = if ds.is_empty() {
        "no DS".to_owned()
    } else {
        format!("DS {}", ds.join(", "))
    };
    format!("{ns}; {ds}")
}

fn next(level: Level, sovereign: &str) -> Vec<Next> {
    match level {
        Level::GivenBack => vec![Next::delegate_again(sovereign)],
        Level::GoingBack => vec![Next::go_on("dns rollback", sovereign)],
        Level::Validated => vec![Next::roll_back(sovereign)],
        Level::NotBegun | Level::Inspected | Level::RollingBack | Level::RolledBack => {
            vec![Next::go_on("up", sovereign)]
        }
        Level::Submitted | Level::Observed | Level::Drained | Level::Signed => {
            vec![Next::go_on("up", sovereign), Next::roll_back(sovereign)]
        }
    }
}
