//! Spec + inventory → plan, or every reason why not. Pure: no clock, no randomness, no I/O; the same input gives the same bytes.
//!
//! ```text
//!  preflight ──► layouts (what a region comes to here) + findings
//!                  │ no error among them
//!                  ├──► draft: steps and the lines of the view
//!                  ├──► removals: what is ours and no longer in the spec
//!                  └──► prices
//! ```

mod choices;
mod draft;
mod fingerprint;
mod layout;
mod preflight;
mod prices;
mod removals;
mod requests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sovereign_cloud::inventory::Inventory;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Candidate, Network, SovereignSpec};
use sovereign_engine::plan::{Plan, PlanError, StepName};

use self::draft::Draft;
use self::layout::{GroupLayout, RegionLayout};
use crate::view::{PlanView, PlannedChoice, PlannedGroup, PlannedRanges, Standing};

/// A plan with what the operator sees of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSovereign {
    /// What runs; its details are the view.
    pub plan: Plan,
    /// What the operator sees.
    pub view: PlanView,
}

/// Makes the plan that brings the account to what the spec says. An error holds every finding, not the first; at least one of
/// them is an error.
pub fn plan_up(spec: &SovereignSpec, inventory: &Inventory) -> Result<PlannedSovereign, Vec<Finding>> {
    let (layouts, findings) = preflight::check(spec, inventory);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    assemble(spec, inventory, &layouts, findings).map_err(|error| {
        let message = sovereign_engine::step::chain(&error);
        vec![Finding::new(
            Severity::Error,
            "plan.internal",
            "",
            message,
            "please report this with the spec",
        )]
    })
}

fn assemble(
    spec: &SovereignSpec,
    inventory: &Inventory,
    layouts: &[RegionLayout<'_>],
    mut findings: Vec<Finding>,
) -> Result<PlannedSovereign, PlanError> {
    let unwritable = |source| PlanError::Params {
        step: StepName::new("plan"),
        source,
    };
    let mut draft = Draft::new(spec, inventory, fingerprint::digest(spec).map_err(unwritable)?);
    draft.build(layouts)?;
    let removals = removals::of(spec, inventory, &draft.planned());
    draft.remove(&removals)?;
    let view = PlanView {
        resources: draft.resources,
        groups: layouts
            .iter()
            .flat_map(|layout| {
                layout
                    .groups
                    .iter()
                    .map(|group| planned_group(layout, group, inventory))
            })
            .collect(),
        networks: layouts.iter().map(planned_ranges).collect(),
        prices: prices::of(inventory, layouts, &removals.servers),
        findings: {
            findings.extend(removals.findings);
            findings
        },
    };
    let details = serde_json::to_value(&view).map_err(unwritable)?;
    Ok(PlannedSovereign {
        plan: draft.plan.finish(details),
        view,
    })
}

/// A group with every candidate of the spec, in the spec's order.
fn planned_group(layout: &RegionLayout<'_>, group: &GroupLayout<'_>, inventory: &Inventory) -> PlannedGroup {
    let standing = |candidate: &Candidate| {
        if let Some(passed) = group
            .passed_over
            .iter()
            .find(|passed| passed.candidate == *candidate)
        {
            return Standing::PassedOver {
                why: passed.why.clone(),
            };
        }
        match group.choices.first() {
            Some(first) if first.candidate == *candidate => Standing::Chosen,
            _ => Standing::Fallback,
        }
    };
    let choice = |candidate: &Candidate| PlannedChoice {
        candidate: candidate.clone(),
        monthly: inventory
            .offer(candidate)
            .and_then(|(_, offer)| offer.price)
            .map(|price| price.monthly),
        standing: standing(candidate),
    };
    PlannedGroup {
        region: layout.region.name.clone(),
        name: group.group.name.clone(),
        count: group.group.count,
        created: u32::try_from(group.missing()).unwrap_or(u32::MAX),
        image: group.group.image().to_owned(),
        choices: group.group.candidates().iter().map(choice).collect(),
    }
}

fn planned_ranges(layout: &RegionLayout<'_>) -> PlannedRanges {
    let ranges: &[_] = match &layout.region.network {
        Network::Private {
            cidr,
            subnet,
            pods,
            services,
        } => &[
            ("network", *cidr),
            ("nodes", *subnet),
            ("pods", *pods),
            ("services", *services),
        ],
        Network::Public { pods, services } => &[("pods", *pods), ("services", *services)],
    };
    PlannedRanges {
        region: layout.region.name.clone(),
        ranges: ranges
            .iter()
            .map(|(name, range)| ((*name).to_owned(), *range))
            .collect::<BTreeMap<_, _>>(),
    }
}
