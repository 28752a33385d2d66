//! Lets the cloud speak through a step.

use std::fmt;

use sovereign_cloud::wait::Wait;
use sovereign_engine::step::StepContext;
use tokio_util::sync::CancellationToken;

use crate::services::Services;

/// Takes what is waited for and what was last seen.
type Tell<'a> = Box<dyn Fn(&str, &str) + Send + Sync + 'a>;

/// Passes what the cloud waits for on to the step's heartbeat, and the step's cancellation on to the cloud.
pub(super) struct Voice<'a> {
    tell: Tell<'a>,
    cancel: &'a CancellationToken,
}

impl<'a> Voice<'a> {
    pub(super) fn of(cx: &'a StepContext<'_, Services>) -> Self {
        Self {
            tell: Box::new(|waiting_for, last_seen| cx.waiting(waiting_for, last_seen)),
            cancel: cx.cancel,
        }
    }

    pub(super) fn wait(&self) -> Wait<'_> {
        Wait {
            cancel: self.cancel,
            tell: &*self.tell,
        }
    }
}

impl fmt::Debug for Voice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice").finish_non_exhaustive()
    }
}
