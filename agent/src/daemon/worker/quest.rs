//! Goes after something that takes a while to be seen: one look after the other, and only what is new is told.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sovereign_core::agent::{AgentEventKind, SubStepState};
use sovereign_core::hand_off::HandOffOrder;
use sovereign_core::kit_order::KitOrder;

use super::tasks::tell_failed;
use crate::cluster::requests;
use crate::daemon::desk::Desk;
use crate::fault::Fault;
use crate::hand_off::HandOff;
use crate::host::Host;
use crate::kit::Installation;
use crate::standing::{Look, Seen};
use crate::state::{self, Slot};

/// Something that is proven part by part.
pub(super) trait Aim {
    /// What says what is wanted.
    type Order: Serialize + DeserializeOwned + 'static;
    /// Where that is kept.
    const SLOT: Slot;
    /// Name of the task.
    const NAME: &'static str;

    fn new(order: Self::Order) -> Self;
    /// What the order is known by.
    fn digest(order: &Self::Order) -> String;
    /// Does what is due, and looks at all of it once.
    async fn go_on(&mut self, host: &Host) -> Look;
    /// What is told once all of it is proven.
    fn done(&self, digest: String, changed: u32) -> AgentEventKind;
}

impl Aim for Installation {
    type Order = KitOrder;
    const SLOT: Slot = state::KIT;
    const NAME: &'static str = "kit";

    fn new(order: KitOrder) -> Self {
        Self::new(order)
    }

    fn digest(order: &KitOrder) -> String {
        order.digest()
    }

    async fn go_on(&mut self, host: &Host) -> Look {
        self.go_on(host).await
    }

    fn done(&self, digest: String, changed: u32) -> AgentEventKind {
        AgentEventKind::KitProven { digest, changed }
    }
}

impl Aim for HandOff {
    type Order = HandOffOrder;
    const SLOT: Slot = state::HAND_OFF;
    const NAME: &'static str = "hand-off";

    fn new(order: HandOffOrder) -> Self {
        Self::new(order)
    }

    fn digest(order: &HandOffOrder) -> String {
        order.digest()
    }

    async fn go_on(&mut self, host: &Host) -> Look {
        self.go_on(host).await
    }

    fn done(&self, digest: String, changed: u32) -> AgentEventKind {
        AgentEventKind::HandedOff {
            digest,
            changed,
            kubeconfig: self.kubeconfig().to_owned(),
        }
    }
}

/// An aim that is gone after.
#[derive(Debug)]
pub(super) struct Quest<A> {
    digest: String,
    aim: A,
    /// What was told of each part last; `None` once it was told to have begun.
    told: BTreeMap<String, Option<SubStepState>>,
    changed: u32,
    missing: String,
}

impl<A: Aim> Quest<A> {
    pub(super) fn new(order: A::Order) -> Self {
        Self {
            digest: A::digest(&order),
            aim: A::new(order),
            told: BTreeMap::new(),
            changed: 0,
            missing: String::new(),
        }
    }

    /// What an agent before this one did not come to the end of.
    pub(super) fn unfinished(host: &Host) -> Result<Option<Self>, Fault> {
        let desired: Option<A::Order> = A::SLOT.desired(&host.root)?;
        let applied = A::SLOT.applied(&host.root)?;
        let unfinished = desired.filter(|order| Some(A::digest(order)) != applied);
        Ok(unfinished.map(Self::new))
    }

    /// Notes on the disk what is wanted, before anything is done about it.
    pub(super) fn desire(desk: &Desk, host: &Host, order: A::Order) -> Option<Self> {
        let noted = A::SLOT.set_desired(&host.root, &order);
        match noted.and_then(|()| A::SLOT.set_applied(&host.root, None)) {
            Ok(()) => Some(Self::new(order)),
            Err(fault) => {
                tell_failed(desk, &A::digest(&order), &fault);
                None
            }
        }
    }

    /// Looks once, and does what is due; whether all of it is proven.
    pub(super) async fn go_on(&mut self, desk: &Desk, host: &Host) -> bool {
        desk.begin(A::NAME);
        desk.saw(&self.missing);
        let look = self.aim.go_on(host).await;
        for seen in &look.seen {
            self.tell(desk, seen);
        }
        self.missing = missing(&look);
        if !look.is_proven() {
            return false;
        }
        match A::SLOT.set_applied(&host.root, Some(&self.digest)) {
            Ok(()) => {
                tracing::info!(task = A::NAME, requests = requests::sent(), "proven");
                desk.tell(self.aim.done(self.digest.clone(), self.changed));
                true
            }
            Err(fault) => self.unnoted(desk, fault),
        }
    }

    /// What is not proven, in a few words.
    pub(super) fn missing(&self) -> (&'static str, String) {
        (A::NAME, self.missing.clone())
    }

    fn unnoted(&mut self, desk: &Desk, fault: Fault) -> bool {
        if self.missing != fault.cause {
            tell_failed(desk, &self.digest, &fault);
            self.missing = fault.cause;
        }
        false
    }

    fn tell(&mut self, desk: &Desk, seen: &Seen) {
        let state = seen.standing.told();
        let before = self.told.get(&seen.name);
        if before == Some(&state) {
            return;
        }
        if !matches!(before, Some(None)) {
            desk.tell_part(&seen.name, SubStepState::Begun);
        }
        if let Some(state) = &state {
            if matches!(state, SubStepState::Done { changed: true, .. }) {
                self.changed += 1;
            }
            desk.tell_part(&seen.name, state.clone());
        }
        self.told.insert(seen.name.clone(), state);
    }
}

/// How many parts are proven, and the first that is not.
fn missing(look: &Look) -> String {
    let proven = look.seen.iter().filter(|seen| seen.standing.is_proven()).count();
    match look.seen.iter().find(|seen| !seen.standing.is_proven()) {
        Some(open) => format!("{proven} parts proven; {}", open.words()),
        None => format!("{proven} parts proven"),
    }
}
