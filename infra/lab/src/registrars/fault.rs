//! What can be made to go wrong with a registrar.

use serde::{Deserialize, Serialize};

/// What a fault does to a request it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrarEffect {
    /// Drops the connection before anything is done.
    DropRequest,
    /// Does what was asked and drops the connection.
    DropResponse,
    /// Fails with an HTTP status, in the vendor's form, and does nothing.
    Error(u16),
    /// Does what was asked and says that it failed.
    ErrorAfterwards(u16),
    /// Answers something else than its contract has, and does nothing.
    Garbage,
    /// Too many requests; seconds to wait.
    RateLimited(u64),
    /// Answers later, by so many milliseconds.
    Slow(u64),
    /// Says that it was done, and does nothing.
    NotApplied,
    /// Says that it was done, and keeps only the first name server.
    Partial,
    /// Accepts the change; its task fails.
    TaskFails,
}

/// A fault and the requests it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarFault {
    effect: RegistrarEffect,
    writes: Option<bool>,
    after: u32,
    times: Option<u32>,
}

impl RegistrarFault {
    /// Strikes every request.
    pub fn always(effect: RegistrarEffect) -> Self {
        Self {
            effect,
            writes: None,
            after: 0,
            times: None,
        }
    }

    /// Strikes the `number`-th request from now on, counted from 1, and no other.
    pub fn at_call(number: u32, effect: RegistrarEffect) -> Self {
        Self {
            after: number.saturating_sub(1),
            times: Some(1),
            ..Self::always(effect)
        }
    }

    /// The same for requests that change something, or for those that do not.
    #[must_use]
    pub fn only_writes(self, writes: bool) -> Self {
        Self {
            writes: Some(writes),
            ..self
        }
    }

    /// Lets so many requests that it matches through first.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// Strikes so many times at most.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Strikes the next request that changes something.
    pub fn at_write(effect: RegistrarEffect) -> Self {
        Self {
            writes: Some(true),
            times: Some(1),
            ..Self::always(effect)
        }
    }
}

/// The faults that are on.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<RegistrarFault>);

impl Faults {
    pub(super) fn set(&mut self, fault: RegistrarFault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The effects that strike a request, having counted it.
    pub(super) fn strike(&mut self, writes: bool) -> Vec<RegistrarEffect> {
        let mut effects = Vec::new();
        let matching = self
            .0
            .iter_mut()
            .filter(|fault| fault.writes.is_none_or(|wanted| wanted == writes));
        for fault in matching {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times != Some(0) {
                fault.times = fault.times.map(|times| times - 1);
                effects.push(fault.effect.clone());
            }
        }
        effects
    }
}
