//! Whether the Sovereign can keep the cloud token that the spec has for it.

use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Provider, SovereignSpec};

use crate::link::Until;

/// Place of the token in the spec.
const PATH: &str = "provider.sovereignToken";

/// What is known of the cloud token that the spec has for the Sovereign, asked before anything is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenFacts {
    /// There is none, or the plan does not go as far as the hand-off.
    Unasked,
    /// It is the very token that the installer works with.
    Installers,
    /// The cloud does not take it.
    Refused(String),
    /// The cloud takes it.
    Accepted {
        /// It may write.
        can_write: bool,
    },
}

/// What is to be said of it in a plan that goes so far.
pub(super) fn check(spec: &SovereignSpec, until: &Until, facts: &TokenFacts) -> Option<Finding> {
    if !until.hands_off() {
        return None;
    }
    let error = |code: &str, message: String, remedy: &str| {
        Finding::new(
            Severity::Error,
            format!("preflight.{code}"),
            PATH,
            message,
            remedy,
        )
    };
    match facts {
        TokenFacts::Installers => Some(error(
            "token.same",
            "the token that is to stay with the Sovereign is the installer's own, which is revoked after the hand-off".into(),
            "make another token of the same project, for the Sovereign alone, and put it where `provider.sovereignToken` leads",
        )),
        TokenFacts::Refused(why) => Some(error(
            "token.refused",
            format!("the cloud does not take the token that is to stay with the Sovereign: {why}"),
            "check that it is complete and was not revoked, or make another one in the same project",
        )),
        TokenFacts::Accepted { can_write: false } => Some(error(
            "token.read_only",
            "the token that is to stay with the Sovereign may only read".into(),
            "create one with read and write access: the cloud's controllers in the Sovereign make volumes and load balancers",
        )),
        TokenFacts::Accepted { can_write: true } => None,
        TokenFacts::Unasked => without(spec),
    }
}

fn without(spec: &SovereignSpec) -> Option<Finding> {
    let none = matches!(
        spec.provider,
        Provider::Hetzner {
            sovereign_token: None,
            ..
        }
    );
    none.then(|| {
        Finding::new(
            Severity::Note,
            "preflight.token.none",
            PATH,
            "the Sovereign is handed off without a cloud token of its own",
            "name one with `provider.sovereignToken` if something in it is to make volumes or load balancers",
        )
    })
}
