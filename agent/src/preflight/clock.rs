//! The host's clock against the installer's.

use jiff::Timestamp;
use sovereign_core::agent::{CLOCKS_APART, HostCheck, PreflightOrder};

use super::{failed, fine, warning};
use crate::root::Root;

/// Touched by systemd-timesyncd whenever it has set the clock.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

pub(super) fn check(root: &Root, order: &PreflightOrder) -> HostCheck {
    judge(Timestamp::now(), order.clock, root.exists(SYNCHRONIZED))
}

fn judge(here: Timestamp, there: Option<Timestamp>, synchronized: bool) -> HostCheck {
    let apart = there.map_or(0, |there| here.as_second() - there.as_second());
    let source = if synchronized {
        "set by NTP"
    } else {
        "not set by NTP yet"
    };
    let seen = match apart {
        0 => format!("right, {source}"),
        1.. => format!("{apart} s ahead of the installer, {source}"),
        _ => format!("{} s behind the installer, {source}", -apart),
    };
    if apart.unsigned_abs() > CLOCKS_APART.as_secs() {
        let reason = "certificates and tokens of the cluster fail when clocks are more than a minute apart";
        let remedy = "set the clock: `timedatectl set-ntp true`, and see that the host reaches its time servers; look at the installer's own clock too";
        return failed("clock", seen, reason, remedy);
    }
    if synchronized {
        return fine("clock", seen);
    }
    let reason = "the clock is right now but may drift";
    warning(
        "clock",
        seen,
        reason,
        "see that the host reaches its time servers: `timedatectl timesync-status`",
    )
}

#[cfg(test)]
mod tests {
    use sovereign_core::agent::Verdict;

    use super::*;

    #[test]
    fn a_minute_is_borne_and_more_is_not() {
        let here = Timestamp::from_second(1_000_000).unwrap();
        let there = |seconds: i64| Some(Timestamp::from_second(1_000_000 + seconds).unwrap());
        assert_eq!(judge(here, there(60), true).verdict, Verdict::Fine);
        assert!(matches!(
            judge(here, there(-61), true).verdict,
            Verdict::Failed { .. }
        ));
        let behind = judge(here, there(3_600), false);
        assert!(behind.seen.starts_with("3600 s behind"), "{}", behind.seen);
        assert!(matches!(
            judge(here, None, false).verdict,
            Verdict::Warning { .. }
        ));
    }
}
