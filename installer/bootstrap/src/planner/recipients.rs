//! Whom the operator's way in can be sealed to.

use sovereign_core::finding::{Finding, Severity};
use sovereign_core::hand_off::can_be_sealed_to;
use sovereign_core::spec::SovereignSpec;

use crate::link::Until;

/// Place of the keys in the spec.
const PATH: &str = "access.sshKeys";
const REMEDY: &str = "add an ed25519 key (`ssh-keygen -t ed25519`), or an RSA key of at most 4096 bits, of whoever runs the Sovereign";

/// What is to be said of the keys in a plan that goes so far: nothing is sealed before the hand-off.
pub(super) fn check(spec: &SovereignSpec, until: &Until) -> Vec<Finding> {
    if !until.hands_off() {
        return Vec::new();
    }
    let keys = &spec.access.ssh_keys;
    let left_out: Vec<usize> = (0..keys.len())
        .filter(|&index| !can_be_sealed_to(&keys[index]))
        .collect();
    if left_out.len() == keys.len() {
        let message = "the kubeconfig can be sealed to none of these keys, and nobody could read it";
        let code = "preflight.ssh_key.unsealable";
        return vec![Finding::new(Severity::Error, code, PATH, message, REMEDY)];
    }
    left_out
        .into_iter()
        .map(|index| {
            Finding::new(
                Severity::Warning,
                "preflight.ssh_key.left_out",
                format!("{PATH}[{index}]"),
                "the kubeconfig is not sealed to this key: only ed25519 keys, and RSA keys of at most 4096 bits, can open it",
                REMEDY,
            )
        })
        .collect()
}
