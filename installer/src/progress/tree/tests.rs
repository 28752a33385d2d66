use serde_json::{Value, json};
use sovereign_core::event::{Event, EventKind, RunOutcome, Wait};
use sovereign_engine::plan::{Plan, PlannedStep, StepName};

use super::*;

fn plan(names: &[&str]) -> Plan {
    let step = |name: &&str| PlannedStep {
        name: StepName::new(*name),
        kind: "server.create".to_owned(),
        title: format!("the {name}"),
        params: Value::Null,
        after: Vec::new(),
    };
    Plan {
        sovereign: "acme".parse().expect("a good name"),
        spec_digest: "0".repeat(64),
        steps: names.iter().map(step).collect(),
        details: Value::Null,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a good time")
}

struct Told {
    view: RunView,
    seq: u64,
}

impl Told {
    fn new(names: &[&str]) -> Self {
        Self {
            view: RunView::new(&plan(names)),
            seq: 0,
        }
    }

    fn tell(mut self, second: i64, step: Option<&str>, kind: EventKind) -> Self {
        self.seq += 1;
        self.view.apply(&Event {
            seq: self.seq,
            at: at(second),
            step: step.map(str::to_owned),
            kind,
        });
        self
    }

    fn begin(self) -> Self {
        let steps = self.view.steps.len();
        self.tell(
            0,
            None,
            EventKind::RunStarted {
                worker: "w".into(),
                steps,
            },
        )
    }

    fn start(self, second: i64, step: &str) -> Self {
        self.tell(second, Some(step), EventKind::StepStarted { attempt: 1 })
    }

    fn done(self, second: i64, step: &str) -> Self {
        self.tell(
            second,
            Some(step),
            EventKind::StepSucceeded {
                found: false,
                output: json!(null),
            },
        )
    }

    fn lines(&self, now: i64) -> Vec<String> {
        lines(&self.view, at(now), 50, 100)
            .iter()
            .map(|line| console::strip_ansi_codes(line).into_owned())
            .collect()
    }
}

#[test]
fn shows_what_is_in_flight_and_counts_the_rest() {
    let wait = Wait {
        step: "server/b".into(),
        waiting_for: "action 7".into(),
        last_seen: "running, 40 %".into(),
        for_ms: 11_000,
    };
    let told = Told::new(&["network/a", "server/a", "server/b", "lb/a"])
        .begin()
        .start(0, "network/a")
        .done(2, "network/a")
        .start(2, "server/a")
        .start(2, "server/b")
        .done(12, "server/a")
        .tell(
            13,
            None,
            EventKind::Heartbeat {
                waits: vec![wait],
                more: 0,
            },
        );
    let shown = told.lines(14);
    let symbols: Vec<&str> = ["✓", "▸", "·"].to_vec();
    assert_eq!(shown[0], "up acme  2 of 4 steps  0:14");
    assert!(
        shown[1].ends_with("network                  1/1  2.0s"),
        "{shown:#?}"
    );
    assert!(
        shown[2].ends_with("server                   1/2  12s"),
        "{shown:#?}"
    );
    assert!(
        shown[3].ends_with("the server/b  12s  action 7, saw running, 40 % (11s)"),
        "{shown:#?}"
    );
    assert!(shown[4].ends_with("lb                       0/1"), "{shown:#?}");
    assert_eq!(shown.len(), 5, "{symbols:?} {shown:#?}");
}

#[test]
fn a_large_group_becomes_counters() {
    let names: Vec<String> = (0..100).map(|n| format!("server/n{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut told = Told::new(&names).begin();
    for (second, name) in names.iter().enumerate().take(40) {
        told = told.start(i64::try_from(second).expect("small"), name);
    }
    let shown = told.done(50, "server/n000").lines(60);
    assert_eq!(shown.len(), 6, "{shown:#?}");
    assert_eq!(shown[2], "    39 in flight, 0 of them retrying; the oldest:");
    assert!(shown[3].contains("the server/n001"), "{shown:#?}");
}

#[test]
fn never_taller_than_the_terminal() {
    let names: Vec<String> = (0..30).map(|n| format!("group{n}/x")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = Told::new(&names).begin();
    let shown = lines(&told.view, at(1), 12, 80);
    assert_eq!(shown.len(), 10);
    assert!(shown[9].contains("22 more lines"), "{shown:#?}");
}

#[test]
fn the_clock_of_an_ended_run_stands_still() {
    let told = Told::new(&["a/a"]).begin().start(1, "a/a").done(2, "a/a");
    let told = told.tell(
        3,
        None,
        EventKind::RunEnded {
            outcome: RunOutcome::Completed,
        },
    );
    assert_eq!(told.lines(500)[0], "up acme  1 of 1 steps  0:03");
}
