//! What a step told of its parts is known to every later attempt at it, also in another process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::agent::{SubStep, SubStepState};
use sovereign_core::event::RunOutcome;
use sovereign_engine::clock::ManualClock;
use sovereign_engine::executor::{Executor, ExecutorConfig};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{PlanBuilder, StepName};
use sovereign_engine::registry::StepRegistry;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_engine::testing::{CrashPoint, CrashingJournal};
use tokio_util::sync::CancellationToken;

/// Begins a part in its first attempt and ends it in its second; notes what it was told each time.
#[derive(Debug, Serialize, Deserialize)]
struct TwoTries;

type Heard = Mutex<Vec<Option<SubStepState>>>;

impl TwoTries {
    fn tell(cx: &StepContext<'_, Heard>, state: SubStepState) {
        let name = "part".to_owned();
        cx.sub_step(SubStep { name, state });
    }
}

impl Step for TwoTries {
    const KIND: &'static str = "test.two_tries";
    type Services = Heard;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Heard>) -> Result<Option<()>, StepError> {
        let told = cx.told("part").cloned();
        cx.services.lock().expect("nobody panics").push(told);
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Heard>) -> Result<(), StepError> {
        if cx.told("part").is_some() {
            return Ok(());
        }
        Self::tell(cx, SubStepState::Begun);
        cx.recorded().await;
        Err(StepError::Retry {
            cause: "once more".into(),
            after: None,
            unsettled: false,
        })
    }

    async fn undo(&self, _: &StepContext<'_, Heard>) -> Result<(), StepError> {
        Ok(())
    }
}

async fn run(journal: Arc<dyn Journal>, heard: &Arc<Heard>) -> bool {
    let mut plan = PlanBuilder::new("acme".parse().expect("a name"), "");
    plan.step(StepName::new("a"), "a", &TwoTries, &[])
        .expect("a plan");
    let registry = Arc::new(StepRegistry::default().with::<TwoTries>());
    let config = ExecutorConfig::default();
    let executor = Executor::new(journal, registry, heard.clone(), config);
    let worker = WorkerId::new(format!("{:p}", &plan));
    let plan = plan.finish(serde_json::Value::Null);
    let report = executor.run(worker, &plan, Direction::Up, CancellationToken::new());
    report
        .await
        .is_ok_and(|report| report.outcome == RunOutcome::Completed)
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_knows() {
    let heard = Arc::new(Heard::default());
    assert!(run(Arc::new(MemoryJournal::default()), &heard).await);
    let heard = heard.lock().expect("nobody panics").clone();
    assert_eq!(heard, [None, Some(SubStepState::Begun)]);
}

#[tokio::test(start_paused = true)]
async fn so_does_the_next_process_once_it_was_written() {
    for (append, point, knows) in [
        (2, CrashPoint::BeforeWrite, false),
        (2, CrashPoint::AfterWrite, true),
    ] {
        let clock = Arc::new(ManualClock::default());
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::with_clock(clock.clone()));
        let dying = Arc::new(CrashingJournal::at(journal.clone(), append, point));
        let heard = Arc::new(Heard::default());
        assert!(!run(dying, &heard).await);
        clock.advance(Duration::from_secs(16));
        heard.lock().expect("nobody panics").clear();
        assert!(run(journal, &heard).await);
        let first = heard.lock().expect("nobody panics")[0].clone();
        assert_eq!(first, knows.then_some(SubStepState::Begun), "{point:?}");
    }
}
