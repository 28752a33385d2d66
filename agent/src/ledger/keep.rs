//! What stays when a ledger is cut down.

use sovereign_core::agent::AgentEvent;

/// Everything that no installer has noted yet, and of the rest the newest, of `budget` bytes in all; but never more than
/// `most` bytes, and always the last event: its number is where numbering goes on.
pub(super) fn keep(mut events: Vec<AgentEvent>, noted: u64, budget: u64, most: u64) -> Vec<AgentEvent> {
    let mut size = 0;
    let newest_first = events.iter().rev().take_while(|event| {
        size += serde_json::to_vec(event).map_or(0, |line| line.len() as u64 + 1);
        size <= budget || (event.seq > noted && size <= most)
    });
    let kept = newest_first.count().max(1);
    events.drain(..events.len().saturating_sub(kept));
    events
}
