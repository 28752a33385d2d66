//! Reads a ledger whatever a power cut left of it.

use sovereign_core::agent::AgentEvent;

/// What a ledger's bytes say.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Whole events, each one number after the one before.
    pub(super) events: Vec<AgentEvent>,
    /// Something could not be read: the file must be written anew before it grows.
    pub(super) damaged: bool,
}

/// Reads what is whole. Where a line in the middle is not, by a fault of the disk, only what comes after it counts:
/// whoever listens takes numbers one by one.
pub(super) fn replay(bytes: &[u8]) -> Replay {
    let mut out = Replay::default();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let whole = line
            .strip_suffix(b"\n")
            .and_then(|line| serde_json::from_slice::<AgentEvent>(line).ok());
        match (whole, out.events.last().map_or(0, |last| last.seq)) {
            (Some(event), last) if event.seq > last => {
                if event.seq != last + 1 {
                    out.events.clear();
                }
                out.events.push(event);
            }
            _ => out.damaged = true,
        }
    }
    out
}
