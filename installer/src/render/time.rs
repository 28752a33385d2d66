//! Times as people read them.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Time since a start as a clock: `0:41`, `12:03`, `1:02:03`.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A length of time: `0.4s`, `41s`, `3m 12s`, `2h 5m`, `3d 4h`.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Time from `earlier` to `later`; zero if the clock went back.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    let elapsed: SignedDuration = later.duration_since(earlier);
    Duration::try_from(elapsed).unwrap_or_default()
}

/// A moment in the operator's time zone, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Seconds in the largest unit that divides them.
pub(crate) fn span(seconds: u32) -> String {
    match seconds {
        0 => "0 s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{} d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_grows_an_hour_only_when_needed() {
        assert_eq!(clock(Duration::from_secs(41)), "0:41");
        assert_eq!(clock(Duration::from_secs(723)), "12:03");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
    }

    #[test]
    fn lengths_keep_two_units() {
        assert_eq!(length(Duration::from_millis(420)), "0.4s");
        assert_eq!(length(Duration::from_secs(41)), "41s");
        assert_eq!(length(Duration::from_secs(192)), "3m 12s");
        assert_eq!(length(Duration::from_mins(125)), "2h 5m");
        assert_eq!(length(Duration::from_hours(76)), "3d 4h");
    }

    #[test]
    fn a_clock_that_went_back_is_no_time() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_secs(3);
        assert_eq!(between(later, now), Duration::ZERO);
        assert_eq!(between(now, later), Duration::from_secs(3));
    }
}
