//! Talking to one host's agent: an order, and listening until it is answered, over however many links that takes.

use std::sync::Arc;
use std::time::Duration;

use sovereign_core::agent::{AgentEvent, AgentEventKind, Hello, ToAgent};
use sovereign_engine::step::{StepContext, StepError};
use sovereign_remote::link_state::Lost;
use sovereign_remote::{BookError, Link, LinkState, NodeId};
use tokio::time::{Instant, interval, timeout};

use super::clock::ClockWatch;
use crate::services::Services;

/// How often the heartbeat learns what is waited for.
const TELL: Duration = Duration::from_secs(1);
/// How long a host that has followed an order already may take to say so.
const KNOWN: Duration = Duration::from_secs(5);
/// Time a host gets to tell what it did while nobody listened.
const CATCH_UP: Duration = Duration::from_secs(5);

/// One host and the step that talks to it.
pub(super) struct Conversation<'a> {
    cx: &'a StepContext<'a, Services>,
    node: &'a NodeId,
    link: Link,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(cx: &'a StepContext<'a, Services>, node: &'a NodeId) -> Self {
        Self {
            cx,
            node,
            link: cx.services.nodes.link(node),
        }
    }

    /// How the link stands, in words.
    pub(super) fn words(&self) -> String {
        self.link.state().borrow().words()
    }

    /// Waits for the link, at most so long; `None` if it did not come.
    pub(super) async fn up(&self, patience: Duration) -> Result<Option<Arc<Hello>>, StepError> {
        let mut state = self.link.state();
        let mut tell = interval(TELL);
        let deadline = Instant::now() + patience;
        loop {
            if let Some(hello) = up(&state.borrow_and_update())? {
                return Ok(Some(hello));
            }
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return Ok(None) },
                _ = tell.tick() => self.tell(&format!("the agent of `{}`", self.node.node)),
                () = self.cx.cancel.cancelled() => return Err(StepError::Cancelled),
                () = tokio::time::sleep_until(deadline) => return Ok(None),
            }
        }
    }

    /// Waits until the host ends the link, at most so long; whether it did. A link over which nothing comes has not ended.
    async fn ends(&self, patience: Duration) -> Result<bool, StepError> {
        let mut state = self.link.state();
        let mut tell = interval(TELL);
        let deadline = Instant::now() + patience;
        loop {
            if has_ended(&state.borrow_and_update()) {
                return Ok(true);
            }
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return Ok(false) },
                _ = tell.tick() => self.tell(&format!("the agent of `{}` to end", self.node.node)),
                () = self.cx.cancel.cancelled() => return Err(StepError::Cancelled),
                () = tokio::time::sleep_until(deadline) => return Ok(false),
            }
        }
    }

    /// Lets the agent know that its last word is noted, and waits until it ends the link, at most so long; whether it did.
    pub(super) async fn farewell(&self, patience: Duration) -> Result<bool, StepError> {
        self.link.acknowledge();
        self.ends(patience).await
    }

    /// Gives an order, on every new link again, and listens until `judge` makes an answer of an event.
    ///
    /// The event that answers is noted: the next conversation begins behind it.
    pub(super) async fn ask<T>(
        &self,
        order: &ToAgent,
        waiting_for: &str,
        judge: impl FnMut(&AgentEventKind) -> Option<Result<T, StepError>>,
    ) -> Result<T, StepError> {
        self.converse(Some(&|| order.clone()), waiting_for, judge).await
    }

    /// The same for an order that does not keep: it is made anew whenever it is given.
    pub(super) async fn ask_now<T>(
        &self,
        order: impl Fn() -> ToAgent + Sync,
        waiting_for: &str,
        judge: impl FnMut(&AgentEventKind) -> Option<Result<T, StepError>>,
    ) -> Result<T, StepError> {
        self.converse(Some(&order), waiting_for, judge).await
    }

    /// Whether the order with that digest is the one that the agent followed last, and whole: the agent itself says so, `followed` is where
    /// in its greeting. What it did while nobody listened is heard then, up to the event that `judge` takes for the end.
    pub(super) async fn has_followed(
        &self,
        digest: &str,
        followed: impl Fn(&Hello) -> Option<&String>,
        judge: impl Fn(&AgentEventKind, &str) -> Option<Result<(), StepError>>,
    ) -> Result<bool, StepError> {
        let hello = self.up(KNOWN).await?;
        let has = hello.is_some_and(|hello| followed(&hello).is_some_and(|last| last == digest));
        if has && self.cx.unsettled {
            self.catch_up(|event| judge(event, digest)).await?;
        }
        Ok(has)
    }

    /// Hears what a host did while nobody listened, up to the event that `judge` makes an answer of: it belongs into the journal.
    /// A host that has told all of it before has nothing to tell.
    pub(super) async fn catch_up(
        &self,
        judge: impl FnMut(&AgentEventKind) -> Option<Result<(), StepError>>,
    ) -> Result<(), StepError> {
        let told = self.listen("the host to tell what it did", judge);
        timeout(CATCH_UP, told).await.unwrap_or(Ok(()))
    }

    /// Listens until `judge` makes an answer of an event.
    pub(super) async fn listen<T>(
        &self,
        waiting_for: &str,
        judge: impl FnMut(&AgentEventKind) -> Option<Result<T, StepError>>,
    ) -> Result<T, StepError> {
        self.converse(None, waiting_for, judge).await
    }

    async fn converse<T>(
        &self,
        order: Option<&(dyn Fn() -> ToAgent + Sync)>,
        waiting_for: &str,
        mut judge: impl FnMut(&AgentEventKind) -> Option<Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let book = self.cx.services.nodes.book();
        let heard = book.last_heard(self.node).await.map_err(unnoted)?;
        let mut state = self.link.state();
        let mut events = self.link.events(heard);
        let mut tell = interval(TELL);
        let mut told = None;
        let mut clock = ClockWatch::default();
        loop {
            let link = {
                let state = state.borrow_and_update();
                if let Some(part) = clock.judge(&state) {
                    self.cx.sub_step(part);
                }
                up(&state)?
            };
            if let Some(order) = order
                && link.is_some()
                && link != told
            {
                told = link;
                // A link that breaks right now comes back, and with it another greeting.
                if self.link.send(order()).await.is_err() {
                    told = None;
                }
            }
            tokio::select! {
                event = events.next() => {
                    let Some(event) = event else { return Err(gone(self.node)) };
                    self.pass_on(&event);
                    if let Some(answer) = judge(&event.kind) {
                        // What is noted as heard is not told again: first the journal has it.
                        self.cx.recorded().await;
                        book.heard(self.node, event.seq).await.map_err(unnoted)?;
                        return answer;
                    }
                }
                changed = state.changed() => if changed.is_err() { return Err(gone(self.node)) },
                _ = tell.tick() => self.tell(waiting_for),
                () = self.cx.cancel.cancelled() => return Err(StepError::Cancelled),
            }
        }
    }

    fn pass_on(&self, event: &AgentEvent) {
        if let AgentEventKind::SubStep(part) = &event.kind {
            self.cx.sub_step(part.clone());
        }
    }

    fn tell(&self, waiting_for: &str) {
        self.cx.waiting(waiting_for, &self.words());
    }
}

/// The agent's greeting, while its link is up. An error where waiting cannot help.
fn up(state: &LinkState) -> Result<Option<Arc<Hello>>, StepError> {
    match state {
        LinkState::Up(up) => Ok(Some(Arc::clone(&up.hello))),
        LinkState::Refused(refused) => Err(StepError::Fatal {
            cause: refused.why.clone(),
            remedy: refused.remedy.clone(),
        }),
        _ => Ok(None),
    }
}

/// Whether the host was on the link, and the link is no more.
fn has_ended(state: &LinkState) -> bool {
    matches!(state, LinkState::Silent { lost, .. } if *lost != Lost::NoFrame)
}

/// The failure of a task, as a reason to try again.
pub(super) fn failed<T>(event: &AgentEventKind, task: &str) -> Option<Result<T, StepError>> {
    match event {
        AgentEventKind::Failed {
            task: of,
            cause,
            remedy,
        } if of == task => Some(Err(StepError::Retry {
            cause: format!("{cause}; {remedy}"),
            after: Some(Duration::from_secs(5)),
            unsettled: false,
        })),
        _ => None,
    }
}

fn gone(node: &NodeId) -> StepError {
    StepError::Retry {
        cause: format!("the link to `{}` was closed by this installer", node.node),
        after: None,
        unsettled: false,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
pub(super) fn unnoted(error: BookError) -> StepError {
    StepError::Retry {
        cause: format!("what is known of a host cannot be read or noted: {error}"),
        after: None,
        unsettled: false,
    }
}
