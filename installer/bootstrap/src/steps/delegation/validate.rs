//! The proof: asked from the root down, the name is delegated as it should be, every server answers, and the chain of trust holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::finding::Severity;
use sovereign_dns::delegation::{ParentView, Stage, Trouble};
use sovereign_dns::probe::{DelegationReport, Expectation, Prober, Security};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use tokio::time::{Instant, sleep};

use super::course::{Course, DelegatedName};
use super::milestone::SignDelegation;
use crate::services::Services;

/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Proves the delegation from the root down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidateDelegation {
    /// The name.
    pub name: DelegatedName,
    /// How it came here, and can be rolled back if it does not hold; none for a name whose parent is ours.
    pub way: Option<ValidatedWay>,
}

/// The way that a delegation came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedWay {
    /// The way.
    pub course: Course,
    /// Its last stage.
    pub sign: StepRef<SignDelegation>,
}

/// A delegation that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedDelegation {
    /// `secure`, or `insecure` where the parent is not signed.
    pub security: String,
    /// What every server of the parent shows.
    pub parent: String,
    /// Addresses of name servers that answered.
    pub servers: usize,
    /// Questions that were asked.
    pub questions: u32,
    /// All of it in a few words.
    pub evidence: String,
}

/// Why a look is no proof.
struct Doubt {
    /// What keeps the delegation from holding: a line for each.
    wrong: Vec<String>,
    /// The look did not come far enough to tell.
    is_ours: bool,
}

impl Step for ValidateDelegation {
    const KIND: &'static str = "delegation.validate";
    type Services = Services;
    type Output = ValidatedDelegation;

    fn deadline(&self) -> Duration {
        self.name.deadline()
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ValidatedDelegation>, StepError> {
        // The proof is given anew, and not waited for.
        let Some(ValidatedWay { course, sign }) = &self.way else {
            return Ok(self.look(cx).await.ok());
        };
        let signed = cx.output(sign)?;
        let voyage = course.begin(cx, Some(signed.memory)).await?;
        let Some(memory) = voyage.stands_at(Stage::KeysOn).await else {
            return Ok(None);
        };
        let validated = self.look(cx).await.ok();
        if validated.is_some() {
            voyage.over(&memory).await;
        }
        Ok(validated)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ValidatedDelegation, StepError> {
        let Some(ValidatedWay { course, sign }) = &self.way else {
            return self.prove(cx).await?.map_err(|trouble| StepError::Fatal {
                cause: trouble.to_string(),
                remedy: trouble.remedy(),
            });
        };
        let signed = cx.output(sign)?;
        let voyage = course.begin(cx, Some(signed.memory)).await?;
        // After a roll-back the whole way is gone again.
        let memory = voyage.reach(Stage::KeysOn).await?;
        match self.prove(cx).await? {
            Ok(validated) => {
                voyage.over(&memory).await;
                Ok(validated)
            }
            Err(trouble) => Err(voyage.turn_back(&trouble).await),
        }
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl ValidateDelegation {
    async fn prove(
        &self,
        cx: &StepContext<'_, Services>,
    ) -> Result<Result<ValidatedDelegation, Trouble>, StepError> {
        let DelegatedName { domain, patience, .. } = &self.name;
        let mut since = None;
        loop {
            let doubt = match self.look(cx).await {
                Ok(validated) => return Ok(Ok(validated)),
                Err(doubt) => doubt,
            };
            cx.waiting(
                &format!("the delegation of `{domain}` to hold"),
                &doubt.wrong.join("; "),
            );
            if doubt.is_ours {
                since = None;
            } else if since.get_or_insert_with(Instant::now).elapsed() >= Duration::from_secs(patience.sick) {
                return Ok(Err(Trouble::Sick {
                    domain: domain.clone(),
                    wrong: doubt.wrong,
                }));
            }
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
            }
        }
    }

    /// One look from the root down: the proof, or what keeps the delegation from holding.
    async fn look(&self, cx: &StepContext<'_, Services>) -> Result<ValidatedDelegation, Doubt> {
        let DelegatedName {
            domain, nameservers, ..
        } = &self.name;
        let expectation = Expectation {
            new: nameservers.hosts().iter().cloned().collect(),
            ..Expectation::default()
        };
        let report = Prober::new(cx.services.probe.clone())
            .probe(domain, &expectation)
            .await;
        let view = ParentView::of(&report);
        let wrong = wrong(&report, &view, &expectation);
        if wrong.is_empty() {
            Ok(validated(&report, &view))
        } else {
            Err(Doubt {
                is_ours: !view.speaks() || report.evidence.incomplete,
                wrong,
            })
        }
    }
}

fn validated(report: &DelegationReport, view: &ParentView) -> ValidatedDelegation {
    let servers = report.evidence.servers.iter();
    let servers = servers.filter(|server| server.soa.seen().is_some()).count();
    let (security, questions) = (report.security.as_str(), report.cost.questions);
    ValidatedDelegation {
        security: security.to_owned(),
        parent: view.to_string(),
        servers,
        questions,
        evidence: format!(
            "{security}; {view}; {servers} addresses of name servers answered; {questions} questions"
        ),
    }
}

/// What keeps the delegation from holding.
fn wrong(report: &DelegationReport, view: &ParentView, expectation: &Expectation) -> Vec<String> {
    let mut wrong = Vec::new();
    if !view.all_show(|ns| *ns == expectation.new) {
        wrong.push(view.to_string());
    }
    let errors = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    wrong.extend(errors.map(|finding| {
        let places = finding.places.join(", ");
        if places.is_empty() {
            finding.message.clone()
        } else {
            format!("{} ({places})", finding.message)
        }
    }));
    let wanted = if view.signed {
        Security::Secure
    } else {
        report.security
    };
    if report.security != wanted {
        wrong.push(format!(
            "the parent is signed, and the chain of trust is {}",
            report.security.as_str()
        ));
    }
    wrong
}
