//! How a run that ended is told.

use serde_json::json;
use sovereign_core::event::RunOutcome;
use sovereign_engine::plan::Plan;

use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::purpose::Purpose;
use crate::render::paint::Stream;
use crate::render::summary::Summary;
use crate::runner::Ended;
use crate::wiring::App;

/// Prints the summary: on standard output what came out, on standard error what did not.
pub(super) fn tell(app: &App, plan: &Plan, ended: &Ended) -> Result<Exit, CliError> {
    let outcome = ended.report.outcome;
    let summary = Summary::of(plan, &ended.view, outcome);
    let completed = outcome == RunOutcome::Completed;
    if app.global.json {
        output::json_line(&json!({ "summary": summary }))?;
    } else if completed {
        output::data(&summary.text(Stream::Out))?;
    } else {
        output::notice(&summary.text(Stream::Err));
    }
    Ok(match outcome {
        RunOutcome::Completed => Exit::Ok,
        RunOutcome::Held => Exit::Held,
        RunOutcome::Cancelled => Exit::Cancelled,
        RunOutcome::Failed if summary.purpose == Purpose::Destroy && proof_failed(ended) => Exit::Leftovers,
        RunOutcome::Failed => Exit::Failure,
    })
}

fn proof_failed(ended: &Ended) -> bool {
    ended
        .report
        .failures
        .iter()
        .any(|failure| failure.step.as_str() == "proof")
}
