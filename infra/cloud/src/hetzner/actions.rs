//! One poll for everybody: all running actions of a project are asked for together, 50 at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::api::{Api, Call};
use super::errors;
use super::pacer::Urgency;
use super::wire::{Action, ActionList};
use crate::error::{CloudError, ErrorClass};
use crate::wait::Wait;

/// Actions asked for in one request; a page holds no more.
const BATCH: usize = 50;
/// Answers in a row without an action before it counts as gone.
const MISSES: u32 = 2;

#[derive(Debug, Clone)]
enum State {
    Running { progress: u8 },
    Success,
    Error(CloudError),
}

#[derive(Debug)]
struct Watched {
    state: watch::Sender<State>,
    since: Instant,
    misses: u32,
}

#[derive(Debug, Default)]
struct Board {
    watched: Mutex<BTreeMap<u64, Watched>>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for actions. Dropped, it stops polling.
#[derive(Debug)]
pub(super) struct Actions {
    api: Arc<Api>,
    board: Arc<Board>,
    poll: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Actions {
    fn drop(&mut self) {
        if let Some(poll) = self.poll.lock().unwrap_or_else(PoisonError::into_inner).take() {
            poll.abort();
        }
    }
}

impl Actions {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self {
            api,
            board: Arc::default(),
            poll: Mutex::default(),
        }
    }

    /// Waits until all of `actions` succeeded, or one failed.
    pub(super) async fn finish(
        &self,
        what: &str,
        actions: impl IntoIterator<Item = Action>,
        wait: &Wait<'_>,
    ) -> Result<(), CloudError> {
        let pending: Vec<(Action, watch::Receiver<State>)> = actions
            .into_iter()
            .map(|action| {
                let state = self.watch(what, &action);
                (action, state)
            })
            .collect();
        for (action, mut state) in pending {
            loop {
                match state.borrow_and_update().clone() {
                    State::Success => break,
                    State::Error(error) => return Err(error),
                    State::Running { progress } => {
                        (wait.tell)(
                            &format!("action `{}` of the cloud", action.command),
                            &format!("{progress} %"),
                        );
                    }
                }
                tokio::select! {
                    changed = state.changed() => changed.map_err(|_| errors::cancelled(what))?,
                    () = wait.cancel.cancelled() => return Err(errors::cancelled(what)),
                }
            }
        }
        Ok(())
    }

    fn watch(&self, what: &str, action: &Action) -> watch::Receiver<State> {
        let state = settled(what, action).unwrap_or(State::Running {
            progress: action.progress,
        });
        let running = matches!(state, State::Running { .. });
        let (sender, receiver) = watch::channel(state);
        if running {
            let watched = Watched {
                state: sender,
                since: Instant::now(),
                misses: 0,
            };
            self.board.lock().insert(action.id, watched);
            self.start();
        }
        receiver
    }

    fn start(&self) {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        if poll.as_ref().is_none_or(JoinHandle::is_finished) {
            *poll = Some(tokio::spawn(poll_until_idle(
                self.api.clone(),
                self.board.clone(),
            )));
        }
    }
}

fn settled(what: &str, action: &Action) -> Option<State> {
    match action.status.as_str() {
        "success" => Some(State::Success),
        "error" => {
            let (code, message) = action
                .error
                .as_ref()
                .map_or(("action_failed", "the action failed"), |e| {
                    (e.code.as_str(), e.message.as_str())
                });
            Some(State::Error(errors::from_action(what, code, message)))
        }
        _ => None,
    }
}

/// Polls while anything runs. The board is empty when this returns.
async fn poll_until_idle(api: Arc<Api>, board: Arc<Board>) {
    loop {
        let Some(youngest) = forget_unwatched(&board) else {
            return;
        };
        sleep(interval(youngest.elapsed())).await;
        let ids: Vec<u64> = board.lock().keys().copied().collect();
        for batch in ids.chunks(BATCH) {
            match ask(&api, batch).await {
                Ok(actions) => note(&board, batch, &actions),
                Err(error) if error.class == ErrorClass::Retry => {}
                Err(error) => fail(&board, batch, &error),
            }
        }
    }
}

/// Drops what nobody waits for any more; the start of the youngest wait, if any is left.
fn forget_unwatched(board: &Board) -> Option<Instant> {
    let mut watched = board.lock();
    watched.retain(|_, watched| watched.state.receiver_count() > 0);
    watched.values().map(|watched| watched.since).max()
}

/// Time until the next poll: a sixteenth of the youngest wait, so a short action is seen at once and a long one costs little.
fn interval(youngest: Duration) -> Duration {
    (youngest / 16)
        .clamp(Duration::from_secs(1), Duration::from_secs(3))
        .min(Duration::from_millis(250) + youngest)
}

async fn ask(api: &Api, ids: &[u64]) -> Result<Vec<Action>, CloudError> {
    let mut call = Call::get("/actions", "ask for running actions");
    call.urgency = Urgency::Watch;
    call.query = ids.iter().map(|id| ("id", id.to_string())).collect();
    call.query.push(("per_page", BATCH.to_string()));
    Ok(api.send::<ActionList>(&call).await?.actions)
}

fn note(board: &Board, asked: &[u64], actions: &[Action]) {
    let mut watched = board.lock();
    for id in asked {
        let Some(entry) = watched.get_mut(id) else {
            continue;
        };
        match actions.iter().find(|action| action.id == *id) {
            Some(action) => {
                entry.misses = 0;
                let state = settled("finish an action", action);
                entry.state.send_replace(state.unwrap_or(State::Running {
                    progress: action.progress,
                }));
            }
            None => entry.misses += 1,
        }
        if entry.misses >= MISSES {
            let gone = errors::plain(
                ErrorClass::Unsettled,
                "finish an action",
                "action_vanished",
                "the cloud no longer knows the action",
                "the installer looks at the resource itself",
            );
            entry.state.send_replace(State::Error(gone));
        }
    }
    watched.retain(|_, entry| matches!(*entry.state.borrow(), State::Running { .. }));
}

fn fail(board: &Board, asked: &[u64], error: &CloudError) {
    let mut watched = board.lock();
    for id in asked {
        if let Some(entry) = watched.remove(id) {
            entry.state.send_replace(State::Error(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_of_twenty_seconds_costs_few_polls_and_little_lateness() {
        let mut elapsed = Duration::ZERO;
        let mut polls = 0;
        while elapsed < Duration::from_secs(20) {
            elapsed += interval(elapsed);
            polls += 1;
        }
        assert!(polls <= 21, "{polls} polls");
        assert!(elapsed <= Duration::from_millis(21_300), "seen after {elapsed:?}");
    }
}
