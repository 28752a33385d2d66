//! What every journal must do, checked against any of them.
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use sovereign_engine::clock::ManualClock;
//! # use sovereign_engine::journal::{Journal, memory::MemoryJournal};
//! use sovereign_engine::testing::{JournalBench, journal_contract};
//!
//! struct Memory(Arc<ManualClock>, Arc<MemoryJournal>);
//!
//! #[async_trait::async_trait]
//! impl JournalBench for Memory {
//!     async fn open(&self) -> Arc<dyn Journal> {
//!         self.1.clone()
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         self.0.advance(time);
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! journal_contract(async || {
//!     let clock = Arc::new(ManualClock::default());
//!     Memory(clock.clone(), Arc::new(MemoryJournal::with_clock(clock)))
//! })
//! .await;
//! # });
//! ```

mod append;
mod events;
mod lease;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sovereign_core::event::{Event, EventKind, RunOutcome};
use sovereign_core::name::SovereignName;

use crate::journal::{Direction, Entry, Journal, JournalError, Run};
use crate::lease::{Claim, Lease, WorkerId};
use crate::plan::{Plan, PlannedStep, StepName};

/// One empty storage that a journal can be opened on, and the time that its leases run by.
#[async_trait]
pub trait JournalBench: Send + Sync {
    /// Opens a journal on the storage, as another process would; called again, it finds what is there.
    async fn open(&self) -> Arc<dyn Journal>;

    /// Lets time pass for leases. A bench without a clock of its own sleeps, and then wants a short [`JournalBench::ttl`].
    async fn pass(&self, time: Duration);

    /// How long the suite's leases last. They must not run out while a check of some dozen calls is at work.
    fn ttl(&self) -> Duration {
        Duration::from_secs(15)
    }
}

/// Runs the whole suite; `make` gives a bench over fresh, empty storage each time. Panics at the first broken promise.
pub async fn journal_contract<B: JournalBench>(make: impl AsyncFn() -> B) {
    lease::a_free_sovereign_is_granted(&make().await).await;
    lease::a_held_sovereign_is_refused_with_its_holder(&make().await).await;
    lease::the_same_worker_claims_again_and_fences_itself(&make().await).await;
    lease::a_lease_runs_out(&make().await).await;
    lease::renewal_keeps_it(&make().await).await;
    lease::a_takeover_fences_the_first_holder(&make().await).await;
    lease::the_lease_of_one_that_is_silent_can_be_ended(&make().await).await;
    lease::release_frees_it_at_once(&make().await).await;
    lease::releasing_a_lost_lease_takes_nothing(&make().await).await;
    lease::only_one_of_many_claims_wins(&make().await).await;
    append::entries_are_durable_and_in_order(&make().await).await;
    append::the_sequence_has_no_gap(&make().await).await;
    append::an_append_is_all_or_none(&make().await).await;
    append::illegal_transitions_are_refused(&make().await).await;
    append::transitions_are_checked_inside_one_append(&make().await).await;
    append::an_empty_append_is_fenced_too(&make().await).await;
    append::an_unknown_run_is_refused(&make().await).await;
    append::every_kind_of_event_survives(&make().await).await;
    append::concurrent_appends_are_serialised(&make().await).await;
    runs::an_unfinished_run_goes_on(&make().await).await;
    runs::a_completed_run_is_not_reopened(&make().await).await;
    runs::only_the_last_word_of_a_run_counts(&make().await).await;
    runs::another_plan_opens_a_new_run(&make().await).await;
    runs::another_direction_opens_a_new_run(&make().await).await;
    runs::a_new_run_begins_with_every_step_pending(&make().await).await;
    runs::the_plan_comes_back_byte_for_byte(&make().await).await;
    runs::last_run_towards_looks_past_the_other_direction(&make().await).await;
    runs::another_worker_goes_on_with_the_run(&make().await).await;
    events::pages_fit_together(&make().await).await;
    events::an_unknown_sovereign_has_nothing(&make().await).await;
    events::two_sovereigns_never_mix(&make().await).await;
    events::sovereigns_are_listed_by_name(&make().await).await;
    events::forget_removes_one_and_only_one(&make().await).await;
    events::a_forgotten_lease_is_worth_nothing(&make().await).await;
}

fn sovereign(name: &str) -> SovereignName {
    name.parse().expect("a name of the suite is a slug")
}

fn acme() -> SovereignName {
    sovereign("acme")
}

fn worker(name: &str) -> WorkerId {
    WorkerId::new(name)
}

fn step(name: &str) -> StepName {
    StepName::new(name)
}

/// A chain of three steps; `variant` makes its digest differ.
fn plan(sovereign: &SovereignName, variant: u32) -> Plan {
    let planned = |name: &str, after: &[&str]| PlannedStep {
        name: step(name),
        kind: "contract.step".into(),
        title: format!("step {name}"),
        params: json!({ "size": 3, "zeta": 1, "alpha": { "text": "ü\n\"quoted\"" } }),
        after: after.iter().map(|after| step(after)).collect(),
    };
    Plan {
        sovereign: sovereign.clone(),
        spec_digest: format!("spec-{variant}"),
        steps: vec![planned("a", &[]), planned("b", &["a"]), planned("c", &["b"])],
        details: json!({ "price": "12.50", "lines": [1, 2, 3], "ratio": 0.1 }),
    }
}

fn about(name: &str, kind: EventKind) -> Entry {
    Entry {
        step: Some(step(name)),
        kind,
    }
}

fn about_run(kind: EventKind) -> Entry {
    Entry { step: None, kind }
}

fn started(name: &str) -> Entry {
    about(name, EventKind::StepStarted { attempt: 1 })
}

fn succeeded(name: &str) -> Entry {
    let output = json!({ "id": 42, "of": name });
    about(name, EventKind::StepSucceeded { found: false, output })
}

fn note(message: &str) -> Entry {
    about_run(EventKind::Note {
        message: message.into(),
    })
}

fn ended(outcome: RunOutcome) -> Entry {
    about_run(EventKind::RunEnded { outcome })
}

/// What was written, without place and time.
fn entries_of(events: &[Event]) -> Vec<Entry> {
    let entry = |event: &Event| Entry {
        step: event.step.as_deref().map(StepName::new),
        kind: event.kind.clone(),
    };
    events.iter().map(entry).collect()
}

async fn claim<B: JournalBench>(bench: &B, journal: &dyn Journal, of: &SovereignName, by: &str) -> Lease {
    let claim = journal.claim(of, &worker(by), bench.ttl()).await;
    match claim.expect("the claim is answered") {
        Claim::Granted(lease) => lease,
        Claim::Held { by: holder, .. } => panic!("`{of}` is held by `{holder}`, so `{by}` cannot have it"),
    }
}

async fn open(journal: &dyn Journal, lease: &Lease, plan: &Plan, direction: Direction) -> Run {
    let run = journal.open_run(lease, plan, direction).await;
    run.expect("the run is opened")
}

/// A journal with a claimed Sovereign and an open run.
struct Desk {
    journal: Arc<dyn Journal>,
    lease: Lease,
    plan: Plan,
    run: Run,
}

impl Desk {
    async fn new<B: JournalBench>(bench: &B) -> Self {
        Self::of(bench, &acme()).await
    }

    async fn of<B: JournalBench>(bench: &B, sovereign: &SovereignName) -> Self {
        let journal = bench.open().await;
        let lease = claim(bench, &*journal, sovereign, "first").await;
        let plan = plan(sovereign, 1);
        let run = open(&*journal, &lease, &plan, Direction::Up).await;
        Self {
            journal,
            lease,
            plan,
            run,
        }
    }

    async fn try_write(&self, entries: Vec<Entry>) -> Result<Vec<Event>, JournalError> {
        self.journal.append(&self.lease, self.run.id, entries).await
    }

    async fn write(&self, entries: Vec<Entry>) -> Vec<Event> {
        self.try_write(entries).await.expect("the entries are written")
    }

    async fn everything(&self) -> Vec<Event> {
        let events = self.journal.events(&self.lease.sovereign, 0, usize::MAX).await;
        events.expect("the events are read")
    }
}

/// All four verbs that need a lease refuse this one.
async fn assert_fenced(journal: &dyn Journal, lease: &Lease, run: &Run, ttl: Duration) {
    let lost = |verb: &str, error: Option<JournalError>| {
        assert!(
            matches!(&error, Some(JournalError::LeaseLost { sovereign }) if *sovereign == lease.sovereign),
            "{verb} with a lost lease answers `LeaseLost`, not {error:?}"
        );
    };
    lost(
        "append",
        journal.append(lease, run.id, vec![note("late")]).await.err(),
    );
    lost("renew", journal.renew(lease, ttl).await.err());
    lost(
        "open_run",
        journal.open_run(lease, &run.plan, run.direction).await.err(),
    );
    lost("forget", journal.forget(lease).await.err());
}
