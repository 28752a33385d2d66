//! Spec + inventory → plan, or every reason why not. Pure: no clock, no randomness, no I/O; the same input gives the same bytes.
//!
//! ```text
//!  preflight ──► layouts (what a region comes to here) + findings
//!                  │ no error among them
//!                  ├──► draft: steps and the lines of the view
//!                  ├──► removals: what is ours and no longer in the spec
//!                  └──► prices
//! ```

mod addresses;
mod choices;
mod cluster;
mod delegation;
mod draft;
mod fingerprint;
mod hand_off;
mod hosts;
mod layout;
mod machines;
mod meeting;
mod own_token;
mod pool;
mod preflight;
mod prices;
mod recipients;
mod removals;
mod requests;
mod roll;
mod user_data;
mod zone;

use serde::{Deserialize, Serialize};
use sovereign_cloud::inventory::Inventory;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Candidate, SovereignSpec};
use sovereign_engine::plan::{Plan, PlanError, StepName};

use self::draft::Draft;
use self::layout::{GroupLayout, RegionLayout};
use crate::link::{LinkPlan, Until};
use crate::view::{PlanView, PlannedChoice, PlannedGroup, PlannedRanges, PlannedUserData, Standing};

pub use self::addresses::plan_addresses;
pub use self::machines::{MachineFacts, Offered, plan_machines};
pub use self::own_token::TokenFacts;
pub use self::pool::{PoolFacts, wanted as wanted_pool_name};
pub use self::roll::plan_roll;
pub use self::zone::zone_of;

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
pub fn plan_up(
    spec: &SovereignSpec,
    inventory: &Inventory,
    link: &LinkPlan,
    until: &Until,
    own_token: &TokenFacts,
    pool: &PoolFacts,
) -> Result<PlannedSovereign, Vec<Finding>> {
    let (layouts, mut findings) = preflight::check(spec, inventory);
    findings.extend(meeting::check(spec, until));
    findings.extend(own_token::check(spec, until, own_token));
    findings.extend(pool::check(spec, pool));
    findings.extend(recipients::check(spec, until));
    let meters = user_data::meters(spec, &layouts, link, &mut findings);
    findings.extend(hosts::access(spec, link));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    let facts = Facts {
        spec,
        inventory,
        link,
        until,
    };
    assemble(&facts, &layouts, meters, findings).map_err(|error| vec![internal(&error)])
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
struct Facts<'a> {
    spec: &'a SovereignSpec,
    inventory: &'a Inventory,
    link: &'a LinkPlan,
    until: &'a Until,
}

/// A plan that contradicts itself: a defect of the planner.
fn internal(error: &PlanError) -> Finding {
    let message = sovereign_engine::step::chain(error);
    Finding::new(
        Severity::Error,
        "plan.internal",
        "",
        message,
        "please report this with the spec",
    )
}

fn assemble(
    facts: &Facts<'_>,
    layouts: &[RegionLayout<'_>],
    user_data: Vec<PlannedUserData>,
    mut findings: Vec<Finding>,
) -> Result<PlannedSovereign, PlanError> {
    let unwritable = |source| PlanError::Params {
        step: StepName::new("plan"),
        source,
    };
    let Facts { spec, inventory, .. } = *facts;
    let mut draft = Draft::new(*facts, fingerprint::digest(spec).map_err(unwritable)?);
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
        networks: spec.regions.iter().map(PlannedRanges::of).collect(),
        hosts: draft.hosts,
        link: facts.link.clone(),
        files: facts.until.files().cloned(),
        user_data,
        zone: draft.zone,
        delegation: draft.delegation,
        prices: Some(prices::of(inventory, layouts, &removals.servers)),
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
