//! What holds for every plan and every sequence of events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use sovereign_core::event::{Event, EventKind, RunOutcome};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Entry, Journal as _};
use sovereign_engine::lease::{Claim, WorkerId};
use sovereign_engine::plan::StepName;
use sovereign_engine::status::{StatusBoard, StepStatus};
use sovereign_engine::testing::world::{self, Twist};
use sovereign_engine::testing::{CrashPoint, CrashingJournal};

use crate::bench::Bench;

fn kinds() -> impl Strategy<Value = EventKind> {
    let text = || "[a-z]{0,4}";
    prop_oneof![
        (1..9_u32).prop_map(|attempt| EventKind::StepStarted { attempt }),
        (text(), any::<u64>()).prop_map(|(cause, after_ms)| EventKind::StepRetrying { cause, after_ms }),
        any::<bool>().prop_map(|found| EventKind::StepSucceeded {
            found,
            output: json!({ "found": found })
        }),
        (text(), text()).prop_map(|(cause, remedy)| EventKind::StepFailed { cause, remedy }),
        (text(), text()).prop_map(|(reason, instructions)| EventKind::StepHeld { reason, instructions }),
        (1..9_u32).prop_map(|attempt| EventKind::UndoStarted { attempt }),
        (text(), any::<u64>()).prop_map(|(cause, after_ms)| EventKind::UndoRetrying { cause, after_ms }),
        Just(EventKind::UndoSucceeded),
        (text(), text()).prop_map(|(cause, remedy)| EventKind::UndoFailed { cause, remedy }),
        text().prop_map(|message| EventKind::Note { message }),
        Just(EventKind::RunEnded {
            outcome: RunOutcome::Failed
        }),
    ]
}

fn is_end(status: &StepStatus) -> bool {
    matches!(status, StepStatus::Succeeded | StepStatus::Undone)
}

/// For each thing, the things before it that it is made from.
fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1..8_usize).prop_flat_map(|size| {
        let needs = |place: usize| proptest::collection::btree_set(0..place.max(1), 0..=place.min(3));
        (0..size)
            .map(|place| needs(place).prop_map(|needs| needs.into_iter().collect()))
            .collect::<Vec<_>>()
    })
}

fn bench_of(graph: &[Vec<usize>]) -> (Bench, Arc<sovereign_engine::clock::ManualClock>) {
    let names: Vec<String> = (0..graph.len()).map(|place| format!("t{place}")).collect();
    let from: Vec<Vec<&str>> = graph
        .iter()
        .map(|needs| needs.iter().map(|need| names[*need].as_str()).collect())
        .collect();
    let things: Vec<(&str, &[&str])> = names
        .iter()
        .zip(&from)
        .map(|(name, from)| (name.as_str(), from.as_slice()))
        .collect();
    Bench::with_clock(&things)
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Place in the journal of a step's first event of a kind.
fn places(events: &[Event], wanted: fn(&EventKind) -> bool) -> BTreeMap<String, u64> {
    let mut places = BTreeMap::new();
    for event in events.iter().filter(|event| wanted(&event.kind)) {
        places
            .entry(event.step.clone().unwrap_or_default())
            .or_insert(event.seq);
    }
    places
}

async fn has_ended(bench: &Bench) -> bool {
    let run = bench.journal.last_run(&bench.plan.sovereign).await;
    let events = run
        .expect("the run is read")
        .map(|run| run.events)
        .unwrap_or_default();
    let end = |event: &Event| {
        matches!(
            event.kind,
            EventKind::RunEnded {
                outcome: RunOutcome::Completed
            }
        )
    };
    events.iter().any(end)
}

fn twists() -> impl Strategy<Value = Vec<(usize, Twist)>> {
    let twist = prop_oneof![
        Just(Twist::Retry { after: None }),
        Just(Twist::LostAnswer),
        Just(Twist::Blind),
        (1..9_u64).prop_map(|seconds| Twist::Slow(Duration::from_secs(seconds))),
    ];
    proptest::collection::vec((0..8_usize, twist), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A journal that is replayed says what was true when it was written.
    #[test]
    fn replay_equals_live(events in proptest::collection::vec((0..3_usize, kinds()), 0..40)) {
        let plan = world::plan("acme", &[("0", &[]), ("1", &[]), ("2", &[])]);
        let journal = MemoryJournal::default();
        let mut live = StatusBoard::new(&plan);
        run(async {
            let claim = journal.claim(&plan.sovereign, &WorkerId::new("w"), Duration::from_secs(9)).await;
            let Ok(Claim::Granted(lease)) = claim else { panic!("{claim:?}") };
            let opened = journal.open_run(&lease, &plan, Direction::Up).await.expect("opened");
            for (step, kind) in events {
                let step = StepName::new(step.to_string());
                let next = live.status(&step).next(&kind);
                let moved = live.apply(Some(&step), &kind);
                prop_assert_eq!(next.is_ok(), moved.is_ok());
                if let Ok(next) = next {
                    prop_assert_eq!(live.status(&step), &next);
                }
                let entry = Entry { step: Some(step), kind };
                let written = journal.append(&lease, opened.id, vec![entry]).await;
                prop_assert_eq!(written.is_ok(), moved.is_ok());
            }
            let read = journal.last_run(&plan.sovereign).await.expect("read").expect("a run");
            prop_assert_eq!(StatusBoard::replay(&plan, &read.events), Ok(live));
            Ok(())
        })?;
    }

    /// Nothing but a note follows the end of a step.
    #[test]
    fn succeeded_and_undone_are_final(events in proptest::collection::vec(kinds(), 0..40)) {
        let mut status = StepStatus::Pending;
        for event in events {
            match status.next(&event) {
                Ok(next) => {
                    prop_assert!(!is_end(&status) || next == status);
                    status = next;
                }
                Err(refused) => prop_assert_eq!(&refused.status, &status),
            }
        }
        for end in [StepStatus::Succeeded, StepStatus::Undone] {
            prop_assert!(!end.is_unsettled());
        }
    }

    /// A step begins after all it needs has succeeded, and is undone before any of that is.
    #[test]
    fn order_is_kept_both_ways(graph in graphs(), twists in twists()) {
        let (bench, _clock) = bench_of(&graph);
        for (place, twist) in &twists {
            bench.world.twist(&format!("t{place}"), [*twist]);
        }
        run(async {
            prop_assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
            let events = bench.events().await;
            let starts = places(&events, |kind| matches!(kind, EventKind::StepStarted { .. }));
            let ends = places(&events, |kind| matches!(kind, EventKind::StepSucceeded { .. }));
            prop_assert_eq!(bench.undo().await.outcome, RunOutcome::Completed);
            prop_assert_eq!(bench.world.things(), Vec::<String>::new());
            let events = bench.events().await;
            let undoing = places(&events, |kind| matches!(kind, EventKind::UndoStarted { .. }));
            let undone = places(&events, |kind| matches!(kind, EventKind::UndoSucceeded));
            for (place, needs) in graph.iter().enumerate() {
                let step = format!("t{place}");
                for need in needs.iter().map(|need| format!("t{need}")) {
                    prop_assert!(ends[&need] < starts[&step], "{} before {}", need, step);
                    prop_assert!(undone[&step] < undoing[&need], "{} undone before {}", step, need);
                }
            }
            let sequence: Vec<u64> = events.iter().map(|event| event.seq).collect();
            prop_assert_eq!(sequence, (1..=events.len() as u64).collect::<Vec<_>>());
            Ok(())
        })?;
    }

    /// Wherever the process dies, the next one ends in the same world, and each thing was made exactly once, even if its
    /// listing of the world is from before everything.
    #[test]
    fn a_crash_anywhere_changes_nothing(
        graph in graphs(),
        twists in twists(),
        crashes in proptest::collection::vec((1..20_usize, any::<bool>()), 1..4),
    ) {
        let (bench, clock) = bench_of(&graph);
        for (place, twist) in &twists {
            bench.world.twist(&format!("t{place}"), [*twist]);
        }
        run(async {
            let old = bench.process();
            let die = |(append, before)| {
                let point = if before { CrashPoint::BeforeWrite } else { CrashPoint::AfterWrite };
                Some(CrashingJournal::at(bench.journal.clone(), append, point))
            };
            for crash in crashes.into_iter().map(die).chain([None]) {
                if has_ended(&bench).await {
                    break;
                }
                let journal = Arc::new(crash.unwrap_or_else(|| CrashingJournal::on_demand(bench.journal.clone())));
                let report = bench.work("first", journal.clone(), old.clone(), Direction::Up).await;
                prop_assert_eq!(report.is_err(), journal.is_dead());
                clock.advance(Duration::from_secs(16));
            }
            prop_assert!(has_ended(&bench).await);
            let wanted: Vec<String> = (0..graph.len()).map(|place| format!("t{place}")).collect();
            prop_assert_eq!(bench.world.things(), wanted.clone());
            for thing in wanted {
                prop_assert_eq!(bench.world.made(&thing), 1, "{} made once", thing);
            }
            Ok(())
        })?;
    }
}
