//! Whom the kubeconfig can be sealed to is said before anything is made.

use sovereign_bootstrap::plan_up;
use sovereign_bootstrap::planner::PoolFacts;
use sovereign_core::finding::{Finding, Severity};

use crate::own_token::{ACCEPTED, hand_off};
use crate::{EMPTY, HA, planned, read, ssh};

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOTSESIJq6mUs27ROJEdb1GrJmR/lDWMsYcj+/HOeL6YS8JTZNzyQPSCLqVRK9yzTdiaLBHn8chnSnHShJiK66g= operator";

/// The spec with these keys.
fn with(keys: &[&str]) -> String {
    let lines = HA.lines().filter(|line| !line.contains("- ssh-"));
    let keys = format!("sshKeys: [{}]", keys.join(", "));
    lines.map(|line| line.replace("sshKeys:", &keys) + "\n").collect()
}

fn of_keys(findings: Vec<Finding>) -> Vec<(Severity, String, String)> {
    let of_keys = findings.into_iter().filter(|one| one.code.contains("ssh_key"));
    of_keys.map(|one| (one.severity, one.code, one.path)).collect()
}

#[test]
fn a_key_that_nothing_is_sealed_to_is_named_and_none_at_all_is_refused() {
    let plan = |keys: &[&str]| {
        let spec = read(&with(keys));
        plan_up(
            &spec,
            &EMPTY,
            &ssh(),
            &hand_off(),
            &ACCEPTED,
            &PoolFacts::default(),
        )
    };
    let left_out = of_keys(plan(&[ED25519, ECDSA]).expect("a plan").view.findings);
    let code = "preflight.ssh_key.left_out".to_owned();
    assert_eq!(
        left_out,
        [(Severity::Warning, code, "access.sshKeys[1]".to_owned())]
    );
    let none = of_keys(plan(&[ECDSA]).expect_err("no plan"));
    let code = "preflight.ssh_key.unsealable".to_owned();
    assert_eq!(none, [(Severity::Error, code, "access.sshKeys".to_owned())]);
    assert!(of_keys(plan(&[ED25519]).expect("a plan").view.findings).is_empty());
}

#[test]
fn a_plan_that_seals_nothing_asks_for_no_such_key() {
    let planned = planned(&read(&with(&[ECDSA])), &EMPTY);
    assert!(of_keys(planned.view.findings).is_empty());
}
