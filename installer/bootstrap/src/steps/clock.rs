//! The clocks of a host and of this installer, compared for as long as the two speak with each other.

use sovereign_core::agent::{CLOCKS_APART, SubStep, SubStepState};
use sovereign_remote::LinkState;

const REMEDY: &str = "set the host's clock: `timedatectl set-ntp true` there, and see that it reaches its time servers; look at the \
                      installer's own clock, too; all goes on by itself once they agree";

/// What a step has told of a host's clock.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    is_off: bool,
}

impl ClockWatch {
    /// What is to be told now, if that is news. A host that is not on the link shows no clock.
    pub(super) fn judge(&mut self, state: &LinkState) -> Option<SubStep> {
        let ahead = state.up()?.clock_ahead;
        let is_off = ahead.unsigned_abs() > CLOCKS_APART.as_secs();
        let was_off = std::mem::replace(&mut self.is_off, is_off);
        (is_off != was_off).then(|| SubStep {
            name: "clock".into(),
            state: told(ahead, is_off),
        })
    }
}

fn told(ahead: i64, is_off: bool) -> SubStepState {
    if !is_off {
        return SubStepState::Done {
            changed: false,
            detail: "it agrees with the installer's again".into(),
        };
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    SubStepState::Failed {
        cause: format!(
            "the host's clock is {} s {side} the installer's: certificates and tokens of the cluster fail when clocks are more than a minute apart",
            ahead.unsigned_abs()
        ),
        remedy: REMEDY.into(),
        log: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;
    use sovereign_core::agent::{Hello, PROTOCOL};
    use sovereign_remote::{Transport, Up};

    use super::*;

    fn up(clock_ahead: i64) -> LinkState {
        let hello = Hello {
            protocol: PROTOCOL,
            version: String::new(),
            binary: String::new(),
            node: "a".into(),
            boot_id: String::new(),
            host_id: String::new(),
            clock: Timestamp::now(),
            applied: None,
            serves: None,
            runs: None,
            kit: None,
            last_seq: 0,
        };
        LinkState::Up(Up {
            hello: Arc::new(hello),
            transport: Transport::Https,
            heard_at: Timestamp::now(),
            doing: None,
            stalled_for: Duration::ZERO,
            reboots: 0,
            clock_ahead,
        })
    }

    #[test]
    fn a_clock_that_is_off_is_told_once_and_once_more_when_it_is_right() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.judge(&up(60)), None, "a minute is borne");
        let off = watch.judge(&up(-86_400)).expect("it is told");
        let SubStepState::Failed { cause, remedy, .. } = off.state else {
            panic!("{off:?}")
        };
        assert!(cause.contains("86400 s behind the installer's"), "{cause}");
        assert!(remedy.contains("timedatectl"), "{remedy}");
        assert_eq!(watch.judge(&up(-86_399)), None);
        assert_eq!(watch.judge(&LinkState::Unheard { tried: None }), None);
        let right = watch.judge(&up(0)).expect("it is told");
        assert!(matches!(right.state, SubStepState::Done { .. }), "{right:?}");
    }
}
