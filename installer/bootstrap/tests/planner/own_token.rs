//! The cloud token that stays with the Sovereign: what is said of it before anything is made, and what the plan has of it.

use serde_json::Value;
use sovereign_bootstrap::cluster::{ClusterFiles, KitPlan};
use sovereign_bootstrap::link::Until;
use sovereign_bootstrap::plan_up;
use sovereign_bootstrap::planner::{PoolFacts, TokenFacts};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::k3s::Artifact;
use sovereign_core::spec::SovereignSpec;

use crate::{EMPTY, HA, ha, read, ssh};

pub(crate) const ACCEPTED: TokenFacts = TokenFacts::Accepted { can_write: true };

pub(crate) fn hand_off() -> Until {
    let file = Artifact {
        sha256: "0".repeat(64),
        size: 1,
    };
    let kit = KitPlan {
        digest: format!("sha256:{}", "0".repeat(64)),
        signer: "a key".into(),
    };
    Until::HandOff(
        ClusterFiles {
            k3s: file.clone(),
            kit: file,
        },
        kit,
    )
}

/// The spec without a token of the Sovereign's own.
fn without() -> SovereignSpec {
    let lines = HA.lines().filter(|line| !line.contains("sovereignToken"));
    read(&lines.collect::<Vec<_>>().join("\n"))
}

fn refused(facts: &TokenFacts) -> Vec<Finding> {
    let mut findings =
        plan_up(&ha(), &EMPTY, &ssh(), &hand_off(), facts, &PoolFacts::default()).expect_err("no plan");
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// The parameters of the step that hands over.
fn handed(spec: &SovereignSpec, facts: &TokenFacts) -> (Value, Vec<Finding>) {
    let planned = plan_up(spec, &EMPTY, &ssh(), &hand_off(), facts, &PoolFacts::default()).expect("a plan");
    let mut steps = planned.plan.steps.into_iter();
    let step = steps.find(|step| step.name.as_str() == "hand_off");
    (step.expect("it hands off").params, planned.view.findings)
}

#[test]
fn a_token_that_cannot_stay_is_refused_with_what_to_do() {
    for (facts, code) in [
        (TokenFacts::Installers, "preflight.token.same"),
        (
            TokenFacts::Refused("unauthorized".into()),
            "preflight.token.refused",
        ),
        (
            TokenFacts::Accepted { can_write: false },
            "preflight.token.read_only",
        ),
    ] {
        let findings = refused(&facts);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].code, code);
        assert_eq!(findings[0].path, "provider.sovereignToken");
        assert!(!findings[0].remedy.is_empty());
    }
}

#[test]
fn the_plan_says_that_a_token_is_handed_over_with_the_name_of_its_network() {
    let (params, findings) = handed(&ha(), &ACCEPTED);
    assert_eq!(params["cloudToken"]["network"], "acme-prod-fsn-net", "{params:#}");
    assert!(findings.iter().all(|finding| !finding.code.contains("token")));
    // A node alone needs no other.
    let public = HA
        .replace(
            "    controlPlane",
            "    network: {mode: public}\n    controlPlane",
        )
        .replace("count: 3", "count: 1")
        .replace("count: 2", "count: 0");
    let (params, _) = handed(&read(&public), &ACCEPTED);
    assert_eq!(params["cloudToken"], serde_json::json!({}));
}

#[test]
fn without_a_token_none_is_handed_over_and_the_operator_is_told() {
    let (params, findings) = handed(&without(), &TokenFacts::Unasked);
    assert!(params.get("cloudToken").is_none(), "{params:#}");
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == "preflight.token.none")
    );
}

#[test]
fn a_plan_that_does_not_go_so_far_asks_for_nothing() {
    let planned = plan_up(
        &without(),
        &EMPTY,
        &ssh(),
        &Until::Hosts,
        &TokenFacts::Unasked,
        &PoolFacts::default(),
    )
    .expect("a plan");
    assert!(
        planned
            .view
            .findings
            .iter()
            .all(|finding| !finding.code.contains("token"))
    );
}
