//! Ctrl-C and SIGTERM: the first asks for a clean cancel, the second ends the program at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::errors::CliError;

/// What the shell sees after a second Ctrl-C.
const STOPPED_AT_ONCE: i32 = 130;

/// Listens as long as it lives.
#[derive(Debug)]
pub(crate) struct Signals {
    cancel: CancellationToken,
    listener: JoinHandle<()>,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let failed = |source| CliError::Signals { source };
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let listener = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if token.is_cancelled() {
                    // The journal is durable at every moment, so there is nothing to save.
                    std::process::exit(STOPPED_AT_ONCE);
                }
                token.cancel();
            }
        });
        Ok(Self { cancel, listener })
    }

    /// Cancelled by the first signal.
    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
