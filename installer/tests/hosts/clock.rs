//! Clocks that are a day off. Containers share their clock with this machine: it is the installer whose day is another one.

use std::path::Path;
use std::process::Child;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::{bench, nodes, to_the_cluster};
use crate::faults::part;
use crate::harness::Run;

/// Puts another clock in the place of a program's.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// Longest wait for a word.
const PATIENCE: Duration = Duration::from_mins(10);
/// In seconds.
const DAY: u64 = 86_400;

/// A run by a clock that is off by so much, for example `+1d`. Waits last as long as they do.
pub(crate) fn off(run: Run, by: &str) -> Run {
    assert!(Path::new(FAKETIME).exists(), "no {FAKETIME}: install faketime");
    run.env("LD_PRELOAD", FAKETIME)
        .env("FAKETIME", by)
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("NO_FAKE_STAT", "1")
}

/// Cancels a run, and waits for its end: one that is killed leaves a claim until tomorrow.
fn cancel(run: Child) {
    let pid = Pid::from_raw(i32::try_from(run.id()).expect("a process number"));
    kill(pid, Signal::SIGINT).expect("it runs");
    let ended = run.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(6), "{ended:?}");
}

/// Whether words say how far the clocks are apart, and what to do. Both go on while they are compared.
fn is_told(words: &str, side: &str) -> bool {
    let Some((before, _)) = words.split_once(&format!(" s {side}")) else {
        return false;
    };
    let digits = before.rsplit(|letter: char| !letter.is_ascii_digit()).next();
    let apart = digits.and_then(|digits| digits.parse::<u64>().ok());
    apart.is_some_and(|apart| apart.abs_diff(DAY) < 60) && words.contains("timedatectl")
}

/// Of a host that is new, and of one that was looked at before: told with what to do, and gone on with once it is right.
#[test]
fn a_clock_that_is_a_day_off_is_named_at_first_and_later_and_gone_on_with_once_it_is_right() {
    let bench = bench();
    let spec = bench.spec("acme-clock", 1, 0);
    let host = "acme-clock-fsn-cp-1";
    let step = format!("host/{host}");

    let up = off(bench.sovereign(&["up", &spec, "--yes", "--json"]), "+1d").spawn();
    bench.until("acme-clock", PATIENCE, |status| {
        status["parts"].is_array() && is_told(&part(status, &step, "check clock"), "behind the installer")
    });
    cancel(up);
    let up = ["up", "acme-clock", "--yes", "--json"];
    bench.sovereign(&up).success();

    let run = off(to_the_cluster(&bench, bench.sovereign(&up)), "-1d").spawn();
    bench.until("acme-clock", PATIENCE, |status| {
        status["parts"].is_array() && is_told(&part(status, &step, "check clock"), "ahead of the installer")
    });
    cancel(run);
    to_the_cluster(&bench, bench.sovereign(&up)).success();
    assert_eq!(nodes(&bench, host), [host]);
    bench.destroy("acme-clock");
}
