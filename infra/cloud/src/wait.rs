//! Waiting with a voice and an end: every wait says what it waits for and can be cancelled.

use std::fmt;

use tokio_util::sync::CancellationToken;

/// Whom to tell about a wait, and who may end it.
pub struct Wait<'a> {
    /// Ends the wait with [`crate::ErrorClass::Cancelled`].
    pub cancel: &'a CancellationToken,
    /// Called with what is waited for and what was seen last.
    pub tell: &'a (dyn Fn(&str, &str) + Send + Sync),
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("cancelled", &self.cancel.is_cancelled())
            .finish_non_exhaustive()
    }
}
