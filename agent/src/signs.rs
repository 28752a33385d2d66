//! Signs of life for the service manager. Outside of one they go nowhere.

use std::time::Duration;

use sd_notify::NotifyState;

/// A third of the unit's `WatchdogSec`.
const EVERY: Duration = Duration::from_secs(10);

/// Whether a service manager waits for signs of life.
pub(crate) fn is_service() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

pub(crate) fn ready() {
    send(NotifyState::Ready);
}

pub(crate) fn stopping() {
    send(NotifyState::Stopping);
}

pub(crate) fn status(text: &str) {
    send(NotifyState::Status(text));
}

pub(crate) async fn watchdog<T>() -> T {
    loop {
        send(NotifyState::Watchdog);
        tokio::time::sleep(EVERY).await;
    }
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager does not listen");
    }
}
