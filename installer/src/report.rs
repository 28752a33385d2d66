//! What a Sovereign that goes on by itself was handed over with: every proof with its evidence, and what was not proven.

mod not_proven;

use jiff::Timestamp;
use serde::Serialize;
use sovereign_bootstrap::steps::{HandedOff, Made, ValidateDelegation};
use sovereign_core::agent::SubStepState;
use sovereign_engine::journal::Run;
use sovereign_engine::step::Step as _;
use sovereign_images::signature::SigningKey;
use sovereign_store::Vault;

use self::not_proven::{NotProven, Tokens};
use crate::errors::CliError;
use crate::render::summary;
use crate::revocation::Revocation;
use crate::run_view::{RunView, StepView};
use crate::standing::{Standing, State};

/// Name of the sealed key that reports are signed with.
const KEY: &str = "report/signing-key";
/// Name of the step that hands over.
const HAND_OFF: &str = "hand_off";
/// Name of the part of it that gives the Sovereign its own cloud token.
const CLOUD_TOKEN: &str = "cloud token";

/// What a Sovereign was handed over with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    sovereign: String,
    handed_off_at: Option<Timestamp>,
    plan: String,
    spec: String,
    proofs: Vec<Proof>,
    not_proven: Vec<NotProven>,
    resources: Vec<Made>,
    /// Its delegation was proven.
    #[serde(skip)]
    delegated: bool,
    /// Of a cloud's account; none for machines that are there.
    #[serde(skip)]
    tokens: Option<Tokens>,
}

/// Something that was seen.
#[derive(Debug, Serialize)]
struct Proof {
    step: String,
    part: String,
    evidence: String,
}

impl Report {
    /// The report of a run that ended with the hand-off.
    pub(crate) fn of(run: &Run) -> Result<Self, CliError> {
        let standing = Standing::of(run, Timestamp::now());
        if standing.state != State::HandedOff {
            return Err(CliError::NotHandedOff {
                name: standing.sovereign,
                state: standing.state.word(),
            });
        }
        let view = RunView::of(run);
        let proofs: Vec<Proof> = view.steps.iter().flat_map(proofs).collect();
        let given = |proof: &Proof| proof.step == HAND_OFF && proof.part == CLOUD_TOKEN;
        let tokens = handed(run)
            .and_then(|handed| handed.installer_token)
            .map(|installers| Tokens {
                installers,
                own: proofs.iter().any(given),
                asked: None,
            });
        // Every step of it is done.
        let mut kinds = run.plan.steps.iter().map(|step| step.kind.as_str());
        let delegated = kinds.any(|kind| kind == ValidateDelegation::KIND);
        Ok(Self {
            handed_off_at: view.last_at,
            plan: standing.plan,
            spec: standing.spec,
            proofs,
            not_proven: not_proven::list(&view.sovereign, delegated, tokens.as_ref()),
            delegated,
            resources: summary::made(&view),
            sovereign: view.sovereign,
            tokens,
        })
    }

    /// Takes in what the cloud said at `at` of the token that the installer worked with.
    pub(crate) fn asked(&mut self, revocation: Revocation, at: Timestamp) {
        let Some(tokens) = &mut self.tokens else { return };
        tokens.asked = Some(revocation);
        if revocation == Revocation::Revoked {
            self.proofs.push(Proof {
                step: "report".to_owned(),
                part: not_proven::INSTALLERS.to_owned(),
                evidence: format!(
                    "the cloud refused the one with the fingerprint {} at {at:.0}",
                    tokens.installers
                ),
            });
        }
        self.not_proven = not_proven::list(&self.sovereign, self.delegated, self.tokens.as_ref());
    }
}

fn proofs(step: &StepView) -> Vec<Proof> {
    let parts = step.parts.iter().filter_map(|part| match &part.state {
        SubStepState::Done { detail, .. } => Some((part.name.clone(), detail.clone())),
        SubStepState::Begun | SubStepState::Failed { .. } => None,
    });
    let own = step
        .output
        .as_ref()
        .and_then(|output| output["evidence"].as_str());
    let own = own.map(|evidence| (step.title.clone(), evidence.to_owned()));
    let proof = |(part, evidence)| Proof {
        step: step.name.clone(),
        part,
        evidence,
    };
    parts.chain(own).map(proof).collect()
}

/// The administrator's kubeconfig as it was handed over: sealed to the operator's keys.
pub(crate) fn kubeconfig(run: &Run) -> Option<String> {
    Some(handed(run)?.kubeconfig)
}

/// What the step that hands over came to.
pub(crate) fn handed(run: &Run) -> Option<HandedOff> {
    let view = RunView::of(run);
    let output = view.step(HAND_OFF)?.output.clone()?;
    serde_json::from_value(output).ok()
}

/// The key that this installer signs reports with; made when it is needed first.
pub(crate) async fn signing_key(vault: &Vault<'_>) -> Result<SigningKey, CliError> {
    if let Some(pem) = vault.get(KEY).await? {
        return Ok(SigningKey::from_pem(&pem)?);
    }
    let key = SigningKey::generate();
    vault.put(KEY, &key.to_pem()?).await?;
    Ok(key)
}
