//! What the steps of a delegation have in common: the way there, and the way back when it does not go well.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::agent::SubStepState;
use sovereign_core::name::SovereignName;
use sovereign_core::registrar::RegistrarCredential;
use sovereign_dns::DomainName;
use sovereign_dns::delegation::{
    End, Journey, Memory, MustAnswer, Patience, Route, Snapshot, Stage, Trouble,
};
use sovereign_dns::record::{Dnskey, Ds};
use sovereign_dns::registrar::{NsSet, Signer, TargetNs};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{StepContext, StepError};

use super::inspect::{InspectDelegation, InspectedDelegation};
use super::remembered::Journal;
use crate::services::Services;
use crate::steps::CreateZone;
use crate::steps::parent_credential::{destroy, seal};
use crate::steps::zone::dns_error;

/// Part of a step under which the journal keeps why the way there was given up.
const HEALTH: &str = "health";
/// Part of a step that has begun and not ended while a roll-back is under way.
pub const ROLL_BACK: &str = "roll_back";

/// A name and the servers that it is to be delegated to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegatedName {
    /// Whose it is.
    pub sovereign: SovereignName,
    /// The name.
    pub domain: DomainName,
    /// Our name servers.
    pub nameservers: NsSet,
    /// How long things may take.
    pub patience: Patience,
}

impl DelegatedName {
    /// Time from the first attempt after which a step is not tried again.
    pub(in crate::steps) fn deadline(&self) -> Duration {
        let Patience { shown, by_hand, sick } = self.patience;
        Duration::from_secs(shown.max(by_hand).max(sick))
    }

    /// Undoing needs the snapshot, which only a step that comes after `inspect` has: what leads to us is given back by
    /// `delegation.restore`.
    pub(super) async fn refuse_undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let leads_to_us = super::inspect::leads_to_us(cx, self).await;
        if !leads_to_us {
            return Ok(());
        }
        Err(StepError::Fatal {
            cause: format!("`{}` is delegated to our name servers", self.domain),
            remedy: "give the domain back first: `sovereign dns rollback`".into(),
        })
    }
}

/// The way of a name to our servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Course {
    /// The name.
    #[serde(flatten)]
    pub name: DelegatedName,
    /// Where it was before.
    pub inspect: StepRef<InspectDelegation>,
    /// The zone, whose keys the parent is to vouch for.
    pub zone: StepRef<CreateZone>,
    /// What the registrar is asked with: a copy is sealed while there is a way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<RegistrarCredential>,
}

/// A course under way.
pub(super) struct Voyage<'a> {
    cx: &'a StepContext<'a, Services>,
    name: &'a DelegatedName,
    credential: Option<&'a RegistrarCredential>,
    before: Option<Snapshot>,
    route: Route,
    /// What caches may hold, by the steps before this one.
    known: Memory,
    log: Journal<'a>,
}

impl Course {
    /// Gets ready: reads where the name was, and which keys the zone has. `known`: what the stage before remembers, if there is one.
    pub(super) async fn begin<'a>(
        &'a self,
        cx: &'a StepContext<'a, Services>,
        known: Option<Memory>,
    ) -> Result<Voyage<'a>, StepError> {
        let InspectedDelegation {
            before,
            parent_signed,
            memory,
            ..
        } = cx.output(&self.inspect)?;
        let name = &self.name;
        let signers = if parent_signed {
            let made = cx.output(&self.zone)?;
            signers(cx, &name.domain, &made.ds).await?
        } else {
            Vec::new()
        };
        let ours = End::own(name.nameservers.clone(), signers);
        let from = match &before {
            Some(before) => origin(cx, &name.domain, before)?,
            None => End::own(name.nameservers.clone(), Vec::new()),
        };
        Ok(Voyage {
            cx,
            name,
            credential: self.credential.as_ref(),
            log: Journal::of(cx, &name.domain, before.clone()),
            before,
            route: Route::there(from, ours),
            known: known.unwrap_or(memory),
        })
    }
}

/// Where the name came from, as a place to go back to.
pub(super) fn origin(
    cx: &StepContext<'_, Services>,
    domain: &DomainName,
    before: &Snapshot,
) -> Result<End, StepError> {
    let able = cx.services.parent.as_ref().map(|host| host.capabilities());
    before.end(able).ok_or_else(|| StepError::Fatal {
        cause: format!(
            "`{domain}` is on name servers that the registrar neither names nor can go back to, so a roll-back would be impossible"
        ),
        remedy: "set the domain's name servers explicitly at the registrar, then run again".into(),
    })
}

/// The zone's keys as a registrar may ask for them.
pub(in crate::steps) async fn signers(
    cx: &StepContext<'_, Services>,
    domain: &DomainName,
    wanted: &[Ds],
) -> Result<Vec<Signer>, StepError> {
    let host = cx.services.zones.first().ok_or_else(|| StepError::Fatal {
        cause: format!("no server is named that answers for `{domain}`"),
        remedy: "name one under `dns.servers` in the spec".into(),
    })?;
    let keys = host.keys(domain).await.map_err(dns_error)?;
    let key = |ds: &Ds| {
        let found = keys.iter().find(|key| key.ds.contains(ds))?;
        found.dnskey.parse::<Dnskey>().ok()
    };
    let signers = wanted.iter().map(|ds| Signer {
        ds: ds.clone(),
        key: key(ds),
    });
    Ok(signers.collect())
}

impl Voyage<'_> {
    /// Travels to a stage. Where that does not go well the name is rolled back, and the error says so; a roll-back that an earlier
    /// attempt began is ended first.
    pub(super) async fn reach(&self, goal: Stage) -> Result<Memory, StepError> {
        self.end_roll_back().await?;
        self.seal_again().await?;
        let journey = self.journey(self.route.clone(), MustAnswer::All);
        let travelled = tokio::select! {
            travelled = journey.travel(goal, self.memory()) => travelled,
            () = self.cx.cancel.cancelled() => return Err(StepError::Cancelled),
        };
        match travelled {
            Ok(travelled) => Ok(travelled.memory),
            Err(trouble) => Err(self.turn_back(&trouble).await),
        }
    }

    /// Whether a stage is reached already; what is to be remembered if so. Not while a roll-back is to be ended.
    pub(super) async fn stands_at(&self, goal: Stage) -> Option<Memory> {
        if self.cx.told(ROLL_BACK) == Some(&SubStepState::Begun) {
            return None;
        }
        let journey = self.journey(self.route.clone(), MustAnswer::All);
        journey.stands_at(goal, self.memory()).await
    }

    /// The name is proven to be where it should: nothing leads back from here but the operator's word.
    pub(super) async fn over(&self, memory: &Memory) {
        self.log.over(memory).await;
    }

    /// What caches may hold, whichever way the name went last: what this step kept, or what the one before did.
    fn memory(&self) -> Memory {
        self.log.kept().unwrap_or_else(|| self.known.clone())
    }

    fn journey(&self, route: Route, must_answer: MustAnswer) -> Journey<'_> {
        Journey {
            domain: &self.name.domain,
            host: self.cx.services.parent.as_deref(),
            probe: &self.cx.services.probe,
            route,
            must_answer,
            patience: self.name.patience,
            log: &self.log,
        }
    }

    /// Ends the roll-back that an earlier attempt began and did not end, before anything else is done.
    async fn end_roll_back(&self) -> Result<(), StepError> {
        if self.cx.told(ROLL_BACK) != Some(&SubStepState::Begun) {
            return Ok(());
        }
        let (why, remedy) = match self.cx.told(HEALTH) {
            Some(SubStepState::Failed { cause, remedy, .. }) => (cause.clone(), remedy.clone()),
            _ => ("it did not go well".to_owned(), "run again".to_owned()),
        };
        Err(self.roll_back(&why, &remedy).await)
    }

    /// A roll-back that came to its end destroyed the copy of the credential.
    async fn seal_again(&self) -> Result<(), StepError> {
        let was_destroyed = matches!(self.cx.told(ROLL_BACK), Some(SubStepState::Done { .. }));
        match self.credential.filter(|_| was_destroyed) {
            Some(credential) => seal(self.cx, &self.name.sovereign, credential).await,
            None => Ok(()),
        }
    }

    /// Goes back for a reason, which the journal has before the first move.
    pub(super) async fn turn_back(&self, trouble: &Trouble) -> StepError {
        let (why, remedy) = (trouble.to_string(), trouble.remedy());
        if self.before.is_none() {
            return StepError::Fatal {
                cause: format!(
                    "{why}; the name led to our servers before, so there is nothing to go back to"
                ),
                remedy,
            };
        }
        if matches!(trouble, Trouble::Strange { .. }) {
            let old = words(&self.route.from);
            return StepError::Fatal {
                cause: why,
                remedy: format!("{remedy}; to go on from here, set it back to {old} and run again"),
            };
        }
        self.log.tell(
            HEALTH,
            SubStepState::Failed {
                cause: why.clone(),
                remedy: remedy.clone(),
                log: Vec::new(),
            },
        );
        self.log.tell(ROLL_BACK, SubStepState::Begun);
        self.cx.recorded().await;
        self.roll_back(&why, &remedy).await
    }

    async fn roll_back(&self, why: &str, remedy: &str) -> StepError {
        let route = self.route.back();
        // Without old keys to put back nobody has to wait for caches: both sides answer.
        let goal = if route.to.ds.is_empty() {
            Stage::Pointed
        } else {
            Stage::KeysOn
        };
        let must_answer = match route.to.ns {
            TargetNs::Own(_) => MustAnswer::One,
            // They may be set up for the domain when it comes back.
            TargetNs::ProviderDefault => MustAnswer::None,
        };
        let journey = self.journey(route, must_answer);
        let travelled = tokio::select! {
            travelled = journey.travel(goal, self.memory()) => travelled,
            () = self.cx.cancel.cancelled() => return StepError::Cancelled,
        };
        let domain = &self.name.domain;
        match travelled {
            Ok(travelled) => {
                let mut said = if travelled.changed {
                    format!("`{domain}` was rolled back to its old delegation")
                } else {
                    format!("`{domain}` is rolled back: its old delegation stands")
                };
                if self.cx.services.parent.is_none() {
                    said += " (take back what was entered at the registrar and does not show yet)";
                }
                self.over(&travelled.memory).await;
                // Before the roll-back is over: what fails is tried again with it.
                if let Err(error) = destroy(self.cx, &self.name.sovereign).await {
                    return error;
                }
                self.log.tell(
                    ROLL_BACK,
                    SubStepState::Done {
                        changed: travelled.changed,
                        detail: said.clone(),
                    },
                );
                self.cx.recorded().await;
                StepError::Fatal {
                    cause: format!("{said}, because {why}"),
                    remedy: remedy.to_owned(),
                }
            }
            Err(Trouble::Sick { wrong, .. }) => self.stay(why, &wrong).await,
            Err(trouble) => StepError::Fatal {
                cause: format!("{why}; and `{domain}` could not be rolled back: {trouble}"),
                remedy: format!(
                    "{}; run again, and the roll-back goes on; or set it by hand to {}",
                    trouble.remedy(),
                    words(&self.route.from)
                ),
            },
        }
    }

    /// There is nothing to go back to: the roll-back is over, and the next attempt goes on from where the name is.
    async fn stay(&self, why: &str, dead: &[String]) -> StepError {
        let domain = &self.name.domain;
        let cause = format!(
            "{why}; and `{domain}` was not rolled back, because its old name servers do not answer either: {}; it stays where it is",
            dead.join("; ")
        );
        let remedy = format!(
            "mend our name servers or the old ones ({}), then run again",
            words(&self.route.from)
        );
        self.log.tell(
            ROLL_BACK,
            SubStepState::Failed {
                cause: cause.clone(),
                remedy: remedy.clone(),
                log: Vec::new(),
            },
        );
        self.cx.recorded().await;
        StepError::Fatal { cause, remedy }
    }
}

/// An end as a person would write it down.
pub(super) fn words(end: &End) -> String {
    let ns: Vec<&str> = end.shown.iter().map(DomainName::as_str).collect();
    let ns = if ns.is_empty() {
        "no NS records".to_owned()
    } else {
        format!("NS {}", ns.join(", "))
    };
    let ds: Vec<String> = end.ds.iter().map(|signer| signer.ds.to_string()).collect();
    if ds.is_empty() {
        format!("{ns} and no DS")
    } else {
        format!("{ns} and DS {}", ds.join(", "))
    }
}
