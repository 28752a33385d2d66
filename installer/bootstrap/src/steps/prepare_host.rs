//! A host is fit for its work, and is what it is to be.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{
    AgentEventKind, HostCheck, PreflightOrder, PreflightReport, SubStep, SubStepState, ToAgent, Verdict,
};
use sovereign_core::host::HostConfig;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::conversation::{Conversation, failed};
use super::enrol::EnrolHost;
use super::place::HostPlace;
use crate::services::Services;

/// Checks that may come right by themselves, or once somebody mends the network; what they are about follows the name.
const MAY_PASS: [&str; 5] = ["clock", "reach", "resolvers", "metadata", "private-link"];

/// Looks at a host, makes it what it is to be, and sees that it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrepareHost {
    /// The host.
    pub node: NodeId,
    /// Its agent answers.
    pub enrolled: StepRef<EnrolHost>,
    /// Where it is; the private address of a server is learned from its making.
    pub place: HostPlace,
    /// What to look at.
    pub preflight: PreflightOrder,
    /// What it is to be.
    pub config: HostConfig,
}

/// A host that is what it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparedHost {
    /// Its name.
    pub node: String,
    /// Digest of what it is.
    pub digest: String,
    /// The interface of the private network, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_interface: Option<String>,
}

impl Step for PrepareHost {
    const KIND: &'static str = "host.prepare";
    type Services = Services;
    type Output = PreparedHost;

    /// What is wrong with a host is mended by a person, and the host may have to boot for it.
    fn deadline(&self) -> Duration {
        Duration::from_mins(30)
    }

    /// The agent itself says which configuration it applied last, and whole. What the spec asks of a host besides may be new, and what was
    /// there may have gone: it is looked at all the same.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<PreparedHost>, StepError> {
        // A run that goes on behind the enrolment finds nobody on the link yet.
        self.place.call(cx, &self.node).await?;
        let conversation = Conversation::new(cx, &self.node);
        let digest = self.config.digest();
        let applied = conversation
            .has_followed(&digest, |hello| hello.applied.as_ref(), converged)
            .await?;
        if !applied {
            return Ok(None);
        }
        // By now the disk holds what there had to be room for.
        let order = PreflightOrder {
            min_free_disk_mib: 0,
            ..self.preflight.clone()
        };
        let report = self.look(cx, &conversation, order).await?;
        Ok(Some(self.prepared(digest, report)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<PreparedHost, StepError> {
        let conversation = Conversation::new(cx, &self.node);
        let report = self.look(cx, &conversation, self.preflight.clone()).await?;
        let digest = self.config.digest();
        conversation
            .ask(
                &ToAgent::Converge(Box::new(self.config.clone())),
                "the host to become what it is to be",
                |event| converged(event, &digest),
            )
            .await?;
        Ok(self.prepared(digest, report))
    }

    /// A server goes as a whole; what was put on a machine goes with its enrolment.
    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl PrepareHost {
    async fn look(
        &self,
        cx: &StepContext<'_, Services>,
        conversation: &Conversation<'_>,
        order: PreflightOrder,
    ) -> Result<PreflightReport, StepError> {
        let server = self.place.server().map(|server| cx.output(server)).transpose()?;
        let private = server.and_then(|server| server.made.private_ipv4);
        // A host that boots meanwhile is told the time at which it answers.
        let order = || {
            ToAgent::Preflight(PreflightOrder {
                private_address: private.map(Into::into),
                clock: Some(Timestamp::now()),
                ..order.clone()
            })
        };
        let report = conversation
            .ask_now(order, "the host to be looked at", |event| match event {
                AgentEventKind::Preflight(report) => Some(Ok(report.clone())),
                other => failed(other, "preflight"),
            })
            .await?;
        for check in &report.checks {
            cx.sub_step(part(check));
        }
        match unfit(&report) {
            Some(error) => Err(error),
            None => Ok(report),
        }
    }

    fn prepared(&self, digest: String, report: PreflightReport) -> PreparedHost {
        PreparedHost {
            node: self.node.node.clone(),
            digest,
            private_interface: report.private_interface,
        }
    }
}

/// The answer to an order to become what that digest names.
fn converged(event: &AgentEventKind, digest: &str) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::Converged { digest: done, .. } if done == digest => Some(Ok(())),
        other => failed(other, digest),
    }
}

/// Everything that keeps the host from being used, in one error.
fn unfit(report: &PreflightReport) -> Option<StepError> {
    let failures: Vec<&HostCheck> = report.failures().collect();
    if failures.is_empty() {
        return None;
    }
    let both = |check: &HostCheck| match &check.verdict {
        Verdict::Failed { reason, remedy } => (
            format!("{} is {}: {reason}", check.name, check.seen),
            remedy.clone(),
        ),
        _ => (String::new(), String::new()),
    };
    let (causes, remedies): (Vec<String>, Vec<String>) = failures.iter().map(|check| both(check)).unzip();
    let (cause, remedy) = (causes.join("; "), remedies.join("; "));
    let may_pass = failures.iter().all(|check| {
        let kind = check.name.split(' ').next().unwrap_or_default();
        MAY_PASS.contains(&kind)
    });
    Some(if may_pass {
        StepError::Retry {
            cause: format!("{cause}; {remedy}"),
            after: Some(Duration::from_secs(5)),
            unsettled: false,
        }
    } else {
        StepError::Fatal { cause, remedy }
    })
}

/// A check as a part of the step.
fn part(check: &HostCheck) -> SubStep {
    let done = |changed, detail: String| SubStepState::Done { changed, detail };
    let state = match &check.verdict {
        Verdict::Fine => done(false, check.seen.clone()),
        Verdict::Healed { how } => done(true, format!("{}, {how}", check.seen)),
        Verdict::Warning { reason, remedy } => done(false, format!("{}; {reason}; {remedy}", check.seen)),
        Verdict::Failed { reason, remedy } => SubStepState::Failed {
            cause: format!("{}: {reason}", check.seen),
            remedy: remedy.clone(),
            log: Vec::new(),
        },
    };
    SubStep {
        name: format!("check {}", check.name),
        state,
    }
}
