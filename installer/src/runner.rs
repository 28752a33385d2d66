//! Runs a plan and shows what the journal says about it.

use std::time::Duration;

use futures::StreamExt as _;
use sovereign_bootstrap::Services;
use sovereign_core::event::{Event, EventKind};
use sovereign_engine::executor::{Executor, Report};
use sovereign_engine::follow::follow;
use sovereign_engine::journal::{Direction, Run};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::Plan;

use tokio_util::task::AbortOnDropHandle;

use crate::errors::CliError;
use crate::progress::Progress;
use crate::purpose::Purpose;
use crate::run_view::RunView;
use crate::signals::Signals;
use crate::turn;
use crate::wiring::{App, worker};

/// How often clocks on the screen go on.
const TICK: Duration = Duration::from_millis(200);
/// Events read at once after the run.
const PAGE: usize = 512;

/// A run that ended in an orderly way.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What the executor says.
    pub(crate) report: Report,
    /// What the journal says.
    pub(crate) view: RunView,
}

/// Runs `plan` until nothing more can be done, and shows it. `last` is the Sovereign's last run. The work is a task of its own: a
/// terminal that is held, or a reader that takes its time, keeps nobody but itself waiting.
pub(crate) async fn run(
    app: &App,
    executor: Executor<Services>,
    plan: &Plan,
    last: Option<&Run>,
) -> Result<Ended, CliError> {
    let after = last
        .and_then(|run| run.events.last())
        .map_or(0, |event| event.seq);
    let goes_on = last.filter(|run| run.plan == *plan && !is_complete(run));
    let view = goes_on.map_or_else(|| RunView::new(plan), RunView::of);
    let signals = Signals::listen()?;
    let worker = worker();
    turn::wait(app, &plan.sovereign, &worker, signals.cancel()).await?;
    let mut show = Show {
        progress: Progress::new(view, &app.global),
        worker: worker.clone(),
        ours: false,
    };
    let (work, cancel) = (plan.clone(), signals.cancel().clone());
    let mut running = AbortOnDropHandle::new(tokio::spawn(async move {
        executor.run(worker, &work, Direction::Up, cancel).await
    }));
    let mut events = std::pin::pin!(follow(app.journal(), plan.sovereign.clone(), after));
    let mut tick = tokio::time::interval(TICK);
    let mut told = false;
    let outcome = loop {
        tokio::select! {
            biased;
            Some(event) = events.next() => show.event(&event?)?,
            outcome = &mut running => break outcome,
            () = signals.cancel().cancelled(), if !told => {
                told = true;
                show.progress.say(&cancelling(Purpose::of(plan)));
            }
            _ = tick.tick() => show.progress.tick(),
        }
    };
    show.rest(app, plan, after).await?;
    let view = show.progress.close();
    let outcome = outcome.map_err(|source| CliError::Broken { source })?;
    Ok(Ended {
        report: outcome?,
        view,
    })
}

/// Every step of the run is done.
pub(crate) fn is_complete(run: &Run) -> bool {
    RunView::of(run).outcome == Some(sovereign_core::event::RunOutcome::Completed)
}

fn cancelling(purpose: Purpose) -> String {
    let what = match purpose {
        Purpose::Up => "no more steps are begun",
        Purpose::Destroy => "nothing more is removed",
        Purpose::Rollback => "the delegation stays as it is now",
        Purpose::Addresses | Purpose::RollKey => "the zone stays as it is now",
    };
    format!("cancelling: {what}; what is in flight ends or is dropped (Ctrl-C again stops at once)")
}

/// Shows this worker's events and nobody else's.
struct Show {
    progress: Progress,
    worker: WorkerId,
    ours: bool,
}

impl Show {
    fn event(&mut self, event: &Event) -> Result<(), CliError> {
        if let EventKind::RunStarted { worker, .. } = &event.kind {
            self.ours = worker == self.worker.as_str();
        }
        if self.ours {
            self.progress.event(event)
        } else {
            Ok(())
        }
    }

    /// What was written after the last look.
    async fn rest(&mut self, app: &App, plan: &Plan, after: u64) -> Result<(), CliError> {
        let journal = app.journal();
        loop {
            let seen = self.progress.view().last_seq.max(after);
            let page = journal.events(&plan.sovereign, seen, PAGE).await?;
            for event in &page {
                self.event(event)?;
            }
            if page.is_empty() || self.progress.view().last_seq.max(after) == seen {
                return Ok(());
            }
        }
    }
}
