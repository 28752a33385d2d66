//! What the journal remembers of a name's way, from one step, process and plan to the next.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{SubStep, SubStepState};
use sovereign_core::event::EventKind;
use sovereign_core::name::SovereignName;
use sovereign_dns::DomainName;
use sovereign_dns::delegation::{Logbook, Memory, Snapshot};
use sovereign_engine::step::{StepContext, StepError, chain};

use crate::services::Services;

/// Part of a step under which it is kept.
const MEMORY: &str = ".memory";
/// Events that are read at a time.
const PAGE: usize = 1_000;

/// What is remembered of a name. The newest word in the journal counts, whichever plan it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::steps) struct Remembered {
    domain: DomainName,
    /// Where it was before, while it is on its way; none once it is proven or given back.
    pub(in crate::steps) before: Option<Snapshot>,
    /// What caches may hold.
    pub(in crate::steps) memory: Memory,
}

impl Remembered {
    /// What is known at the beginning of another journey: whatever plan the last one was of, and however it ended.
    pub(in crate::steps) async fn of(
        cx: &StepContext<'_, Services>,
        sovereign: &SovereignName,
        domain: &DomainName,
    ) -> Result<Self, StepError> {
        let mut remembered = Self {
            domain: domain.clone(),
            before: None,
            memory: Memory::default(),
        };
        let mut after = 0;
        loop {
            let events = cx.services.journal.events(sovereign, after, PAGE).await;
            let events = events.map_err(|error| StepError::Retry {
                cause: chain(&error),
                after: None,
                unsettled: false,
            })?;
            let Some(last) = events.last() else {
                remembered.memory = remembered.memory.of_earlier();
                return Ok(remembered);
            };
            after = last.seq;
            for event in &events {
                let EventKind::SubStep(part) = &event.kind else {
                    continue;
                };
                let read = (part.name == MEMORY).then(|| Self::read(&part.state)).flatten();
                if let Some(newer) = read.filter(|read| read.domain == *domain) {
                    remembered = newer;
                }
            }
        }
    }

    fn read(state: &SubStepState) -> Option<Self> {
        match state {
            SubStepState::Done { detail, .. } => serde_json::from_str(detail).ok(),
            _ => None,
        }
    }
}

/// The journal as a logbook: what is waited for goes into the heartbeat, what must not be forgotten becomes a part of the step.
pub(in crate::steps) struct Journal<'a> {
    cx: &'a StepContext<'a, Services>,
    domain: &'a DomainName,
    before: Option<Snapshot>,
    /// What this attempt kept.
    last: Mutex<Option<Memory>>,
}

impl<'a> Journal<'a> {
    /// `before`: where the name was, if it is on its way from there.
    pub(in crate::steps) fn of(
        cx: &'a StepContext<'a, Services>,
        domain: &'a DomainName,
        before: Option<Snapshot>,
    ) -> Self {
        Self {
            cx,
            domain,
            before,
            last: Mutex::default(),
        }
    }

    pub(super) fn tell(&self, part: &str, state: SubStepState) {
        self.cx.sub_step(SubStep {
            name: part.to_owned(),
            state,
        });
    }

    /// What this attempt at the step kept last, or an earlier one in this run.
    pub(in crate::steps) fn kept(&self) -> Option<Memory> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.or_else(|| {
            let told = Remembered::read(self.cx.told(MEMORY)?)?;
            (told.domain == *self.domain).then_some(told.memory)
        })
    }

    /// The journey is over: there is no place any more that the name is on its way from.
    pub(super) async fn over(&self, memory: &Memory) {
        self.write(None, memory).await;
    }

    async fn write(&self, before: Option<&Snapshot>, memory: &Memory) {
        let remembered = Remembered {
            domain: self.domain.clone(),
            before: before.cloned(),
            memory: memory.clone(),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory.clone());
        self.tell(
            MEMORY,
            SubStepState::Done {
                changed: false,
                detail: serde_json::to_string(&remembered).unwrap_or_default(),
            },
        );
        self.cx.recorded().await;
    }
}

#[async_trait]
impl Logbook for Journal<'_> {
    fn waiting(&self, awaited: &str, seen: &str) {
        self.cx.waiting(awaited, seen);
    }

    async fn keep(&self, memory: &Memory) {
        self.write(self.before.as_ref(), memory).await;
    }
}
