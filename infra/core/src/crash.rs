//! Crash points: named lines at which a test makes the process die as if its power had gone.
//!
//! Without the feature `crash-points` every point is nothing. With it, variables of the environment steer them:
//! `SOVEREIGN_CRASH_AT=<kind>:<n>` kills the process at the n-th point of a kind, counted from 1;
//! `SOVEREIGN_CRASH_TRACE=<file>` appends a line per point, so that a test learns how many a run has;
//! `SOVEREIGN_CRASH_ONCE=<folder>` kills the process at each point that has a name, the first time that any of its lives comes there.

/// A line at which the process may be made to die. Kinds: `api-before`, `api-after`, `journal-before`, `journal-after`.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub fn point(_kind: &'static str) {}

/// A line with a name, at which the process may be made to die once: `before` or `after` something.
#[cfg(not(feature = "crash-points"))]
#[inline]
pub fn once(_side: &str, _something: &str) {}

#[cfg(feature = "crash-points")]
pub use enabled::{once, point};

#[cfg(feature = "crash-points")]
mod enabled {
    use std::collections::BTreeMap;
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    /// A line with a name, at which the process may be made to die once: `before` or `after` something.
    pub fn once(side: &str, something: &str) {
        let Some(folder) = std::env::var_os("SOVEREIGN_CRASH_ONCE") else {
            return;
        };
        let death = Path::new(&folder).join(format!("{side} {}", something.replace('/', " ")));
        // Nobody dies where it cannot be remembered: that would never end.
        if OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(death)
            .is_ok()
        {
            std::process::abort();
        }
    }

    static COUNTS: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

    /// A line at which the process may be made to die. Kinds: `api-before`, `api-after`, `journal-before`, `journal-after`.
    pub fn point(kind: &'static str) {
        let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(kind).or_default();
        *count += 1;
        if let Some(path) = std::env::var_os("SOVEREIGN_CRASH_TRACE") {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let _ = file.and_then(|mut file| writeln!(file, "{kind}:{count}"));
        }
        if std::env::var("SOVEREIGN_CRASH_AT").is_ok_and(|at| at == format!("{kind}:{count}")) {
            std::process::abort();
        }
    }
}
