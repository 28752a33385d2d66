//! What a change of a delegation will be like, before anything is changed: the dry run.

use serde::Serialize;
use sovereign_core::finding::{Finding, Severity};

use super::existing::Existing;
use super::preflight::{Facts, judge};
use super::rdap::Registered;
use super::route::Stage;
use super::snapshot::Snapshot;
use super::view::ParentView;
use crate::name::DomainName;
use crate::registrar::{Capabilities, ManualSteps, NsSet, Target, manual_steps};

/// Seconds that a registry takes to publish a change, as a rule.
const PUBLISHED: u32 = 300;

/// One phase of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// Which.
    pub stage: Stage,
    /// What happens.
    pub what: String,
    /// A person has to act.
    pub by_hand: bool,
    /// Seconds that it takes, as far as TTLs say; a person's time comes on top.
    pub seconds: u32,
}

/// A change that could be made, with everything that is known about it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The domain.
    pub domain: DomainName,
    /// The name servers that it is to have.
    pub nameservers: NsSet,
    /// The delegation as it is, which a roll-back leads to.
    pub snapshot: Option<Snapshot>,
    /// What each server of the parent shows.
    pub parent: ParentView,
    /// What the registry says.
    pub registration: Registered,
    /// Records that go with the old zone, as far as they can be found by asking.
    pub existing: Existing,
    /// What will be done; nothing where the domain is there already.
    pub phases: Vec<Phase>,
    /// What a roll-back would do from the end of it.
    pub roll_back: Vec<Phase>,
    /// Seconds after the last change until no cache knows the old delegation.
    pub worst_cache: u32,
    /// What a person has to enter, where no API can. Keys follow once the zone is made.
    pub by_hand: Option<ManualSteps>,
    /// What speaks against it, or is worth knowing; the heaviest first.
    pub findings: Vec<Finding>,
}

impl Forecast {
    /// From what was learned. Pure.
    pub fn of(facts: &Facts) -> Self {
        let able = facts.host.map(|(_, able)| able);
        let signed = facts.parent.signed;
        let snapshot = facts.snapshot.as_ref();
        let (mut there, back) = match snapshot.filter(|_| !facts.is_ours()) {
            Some(snapshot) => (
                phases(
                    snapshot.keys_ttl().is_some(),
                    signed,
                    able,
                    snapshot.keys_ttl().unwrap_or_default(),
                    snapshot.forgotten_after,
                ),
                phases(
                    signed,
                    !snapshot.vouched.is_empty(),
                    able,
                    snapshot.ds_ttl,
                    snapshot.forgotten_after,
                ),
            ),
            None => (Vec::new(), Vec::new()),
        };
        let taken_off = snapshot.is_some_and(|snapshot| snapshot.vouched.is_empty());
        for phase in there.iter_mut().filter(|phase| phase.stage == Stage::KeysOff) {
            phase.by_hand &= !taken_off;
        }
        let ns_by_hand = !there.is_empty() && !able.is_some_and(|able| able.ns);
        let target = Target::ns(facts.ours.clone());
        Self {
            domain: facts.domain.clone(),
            nameservers: facts.ours.clone(),
            snapshot: facts.snapshot.clone(),
            parent: facts.parent.clone(),
            registration: facts.registration.clone(),
            existing: facts.existing.clone(),
            phases: there,
            roll_back: back,
            worst_cache: snapshot.map_or(0, |snapshot| snapshot.forgotten_after),
            by_hand: ns_by_hand.then(|| manual_steps(&facts.domain, &target)),
            findings: judge(facts),
        }
    }

    /// Whether nothing speaks against the change.
    pub fn is_clear(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity < Severity::Error)
    }
}

/// Phases between two ends. `leaves_keys`: the one that is left has keys at the parent; `brings_keys`: the other shall.
pub fn phases(
    leaves_keys: bool,
    brings_keys: bool,
    able: Option<Capabilities>,
    ds_ttl: u32,
    forgotten_after: u32,
) -> Vec<Phase> {
    let ns_by_hand = !able.is_some_and(|able| able.ns);
    let ds_by_hand = !able.is_some_and(Capabilities::ds);
    let mut phases = Vec::new();
    let mut add = |stage, what: &str, by_hand, seconds| {
        phases.push(Phase {
            stage,
            what: what.to_owned(),
            by_hand,
            seconds,
        });
    };
    if leaves_keys {
        let what = "old keys (DS) are taken off the parent, and every cache forgets them";
        add(Stage::KeysOff, what, ds_by_hand, PUBLISHED.saturating_add(ds_ttl));
    }
    add(
        Stage::Pointed,
        "the parent gets the new name servers, seen at each of its servers",
        ns_by_hand,
        PUBLISHED,
    );
    add(
        Stage::Forgotten,
        "every cache forgets the old name servers",
        false,
        forgotten_after,
    );
    if brings_keys {
        let what = "the parent gets the new keys (DS), seen at each of its servers";
        add(Stage::KeysOn, what, ds_by_hand, PUBLISHED);
    }
    phases
}
