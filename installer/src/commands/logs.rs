//! `sovereign logs`: what happened to a Sovereign.

use futures::StreamExt as _;
use sovereign_core::event::{Event, EventKind};
use sovereign_core::name::SovereignName;
use sovereign_engine::follow::follow;
use sovereign_engine::journal::Journal as _;

use crate::cli::{Global, LogsArgs};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::events::say;
use crate::render::paint::Stream;
use crate::render::time;
use crate::run_view::RunView;
use crate::signals::Signals;
use crate::standing::{Standing, State};
use crate::target;
use crate::wiring::App;

/// Events read at once.
const PAGE: usize = 512;

/// Prints the events behind `--since`; with `--follow` until the run ends.
pub(crate) async fn run(global: Global, args: LogsArgs) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let name = target::name(&app, &args.name).await?;
    let mut printer = Printer::new(&app, &name).await?;
    let mut after = args.since;
    loop {
        let page = app.store.events(&name, after, PAGE).await?;
        let Some(end) = page.last() else { break };
        after = end.seq;
        for event in &page {
            printer.print(event)?;
        }
    }
    if args.follow && is_at_work(&app, &name).await? {
        watch(&app, &name, after, &mut printer).await?;
    }
    Ok(Exit::Ok)
}

async fn is_at_work(app: &App, name: &SovereignName) -> Result<bool, CliError> {
    let run = app.store.last_run(name).await?;
    let state = run.map(|run| Standing::of(&run, jiff::Timestamp::now()).state);
    Ok(matches!(
        state,
        Some(State::Building | State::Destroying | State::RollingBack | State::ChangingZone)
    ))
}

async fn watch(app: &App, name: &SovereignName, after: u64, printer: &mut Printer) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let mut events = std::pin::pin!(follow(app.journal(), name.clone(), after));
    loop {
        let event = tokio::select! {
            () = signals.cancel().cancelled() => return Ok(()),
            event = events.next() => event,
        };
        let Some(event) = event.transpose()? else {
            return Ok(());
        };
        printer.print(&event)?;
        if matches!(event.kind, EventKind::RunEnded { .. }) {
            return Ok(());
        }
    }
}

/// Prints events as lines, with the titles of the last run's plan.
struct Printer {
    json: bool,
    view: Option<RunView>,
}

impl Printer {
    async fn new(app: &App, name: &SovereignName) -> Result<Self, CliError> {
        let run = app.store.last_run(name).await?;
        Ok(Self {
            json: app.global.json,
            view: run.map(|run| RunView::new(&run.plan)),
        })
    }

    fn print(&mut self, event: &Event) -> Result<(), CliError> {
        let Some(view) = self.view.as_mut().filter(|_| !self.json) else {
            return output::json_line(event);
        };
        view.apply(event);
        if matches!(&event.kind, EventKind::SubStep(part) if !part.is_shown()) {
            return Ok(());
        }
        let time = format!("{:>5}  {}", event.seq, time::moment(event.at));
        output::data(&say(event, view).lines(&time, Stream::Out))
    }
}
