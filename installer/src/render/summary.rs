//! What a run leaves behind, as text and as JSON.

use jiff::Timestamp;
use serde::Serialize;
use sovereign_bootstrap::steps::Made;
use sovereign_bootstrap::view::PlanView;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::event::RunOutcome;
use sovereign_engine::plan::Plan;

use crate::next::{self, Next};
use crate::purpose::{self, Purpose};
use crate::render::paint::{Stream, Tone};
use crate::render::plan::money;
use crate::render::status::open_steps;
use crate::render::table::Columns;
use crate::render::time;
use crate::run_view::RunView;
use crate::standing::OpenStep;

/// What a run leaves behind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// The Sovereign.
    pub(crate) sovereign: String,
    /// What the run was for.
    pub(crate) purpose: Purpose,
    /// How it ended.
    pub(crate) outcome: RunOutcome,
    /// Digest of the plan.
    pub(crate) plan: String,
    /// Steps that are done.
    pub(crate) done: usize,
    /// Steps in the plan.
    pub(crate) steps: usize,
    /// Nothing had to be changed: every step was found done.
    pub(crate) unchanged: bool,
    /// Seconds that this worker took.
    pub(crate) seconds: f64,
    /// What the plan made or found.
    pub(crate) resources: Vec<Made>,
    /// Steps whose effects may exist, each with what is known.
    pub(crate) open: Vec<OpenStep>,
    /// Price per month, net, with its currency; of the whole plan.
    pub(crate) monthly: Option<String>,
    /// Commands that make sense now.
    pub(crate) next: Vec<Next>,
}

impl Summary {
    /// The summary of a run that ended.
    pub(crate) fn of(plan: &Plan, view: &RunView, outcome: RunOutcome) -> Self {
        let prices = purpose::view(plan).and_then(|view: PlanView| view.prices);
        Self {
            sovereign: view.sovereign.clone(),
            purpose: view.purpose,
            outcome,
            plan: plan.digest().to_string(),
            done: view.done(),
            steps: view.steps.len(),
            unchanged: outcome == RunOutcome::Completed && view.steps.iter().all(|step| step.found),
            seconds: view.elapsed(Timestamp::now()).as_secs_f64(),
            resources: made(view),
            open: view.steps.iter().filter_map(OpenStep::of).collect(),
            monthly: prices.map(|prices| money(prices.monthly.net, &prices.currency)),
            next: next_commands(plan, view, outcome),
        }
    }

    /// The summary for people.
    pub(crate) fn text(&self, stream: Stream) -> String {
        let mut text = self.headline(stream);
        if self.outcome == RunOutcome::Completed && self.purpose == Purpose::Up {
            text.push_str(&self.addresses());
            if let Some(monthly) = &self.monthly {
                text.push_str(&format!("\n\n  {monthly} a month, net"));
            }
        } else {
            text.push_str(&self.exists());
            text.push_str(&open_steps(&self.open, stream));
        }
        text.push_str(&next::render(&self.next, stream));
        text
    }

    fn headline(&self, stream: Stream) -> String {
        let name = &self.sovereign;
        let took = time::length(std::time::Duration::from_secs_f64(self.seconds));
        let counted = format!("{} of {} steps done, {took}", self.done, self.steps);
        let (tone, words) = match (self.outcome, self.purpose) {
            (RunOutcome::Completed, Purpose::Up) if self.unchanged => (
                Tone::Good,
                format!("{name} is up; everything was in place, nothing was changed ({took})"),
            ),
            (RunOutcome::Completed, Purpose::Up) => (Tone::Good, format!("{name} is up ({counted})")),
            (RunOutcome::Completed, Purpose::Destroy) => (
                Tone::Good,
                format!("{name} is destroyed; a second look found nothing left ({took})"),
            ),
            (RunOutcome::Completed, Purpose::Addresses) => (
                Tone::Good,
                format!("the names of {name} lead to the addresses at every server ({took})"),
            ),
            (RunOutcome::Completed, Purpose::RollKey) => (
                Tone::Good,
                format!("the zone of {name} is signed by the new key alone ({took})"),
            ),
            (RunOutcome::Completed, Purpose::Rollback) => (
                Tone::Good,
                format!("the delegation of {name} is given back; everything else stands ({took})"),
            ),
            (RunOutcome::Held, _) => (
                Tone::Warn,
                format!("{name} is held: somebody must act first ({counted})"),
            ),
            (RunOutcome::Cancelled, _) => (Tone::Warn, format!("{name} was cancelled ({counted})")),
            (RunOutcome::Failed, _) => (Tone::Bad, format!("{name} failed ({counted})")),
        };
        stream.paint(tone, &words)
    }

    fn addresses(&self) -> String {
        let reachable = |made: &&Made| matches!(made.kind, ResourceKind::Server | ResourceKind::LoadBalancer);
        let mut table = Columns::new(["kind", "name", "type", "where", "ipv4", "ipv6", "private"]);
        if !self.resources.iter().any(|made| reachable(&made)) {
            return String::new();
        }
        for made in self.resources.iter().filter(reachable) {
            table.row([
                made.kind.to_string(),
                made.name.clone(),
                made.flavor.clone().unwrap_or_default(),
                made.location.clone().unwrap_or_default(),
                made.public_ipv4.map(|ip| ip.to_string()).unwrap_or_default(),
                made.public_ipv6.map(|ip| ip.to_string()).unwrap_or_default(),
                made.private_ipv4.map(|ip| ip.to_string()).unwrap_or_default(),
            ]);
        }
        format!("\n\n{}", table.render("  "))
    }

    /// What exists so far, counted by kind.
    fn exists(&self) -> String {
        if self.purpose != Purpose::Up || self.resources.is_empty() {
            return String::new();
        }
        let counts = ResourceKind::ALL.into_iter().filter_map(|kind| {
            let number = self.resources.iter().filter(|made| made.kind == kind).count();
            let plural = if number == 1 { "" } else { "s" };
            (number > 0).then(|| format!("{number} {}{plural}", kind.words()))
        });
        format!("\n\nexists so far: {}", counts.collect::<Vec<_>>().join(", "))
    }
}

/// What the run's steps made or found, from their journalled outputs.
pub(crate) fn made(view: &RunView) -> Vec<Made> {
    let outputs = view.steps.iter().filter_map(|step| step.output.clone());
    outputs
        .filter_map(|output| serde_json::from_value(output).ok())
        .collect()
}

/// Commands that make sense once everything planned is there.
pub(crate) fn next_of_what_is_up(plan: &Plan, view: &RunView) -> Vec<Next> {
    let name = &view.sovereign;
    let farther = purpose::stops_at_hosts(plan).then(|| Next::beyond_hosts(name));
    // Machines that are there have no account to scan.
    let scan = (!made(view).is_empty()).then(|| Next::scan(name));
    let all = farther.into_iter().chain(scan);
    all.chain([Next::destroy(name)]).collect()
}

fn next_commands(plan: &Plan, view: &RunView, outcome: RunOutcome) -> Vec<Next> {
    let name = &view.sovereign;
    match (outcome, view.purpose) {
        (RunOutcome::Completed, Purpose::Up) => next_of_what_is_up(plan, view),
        (RunOutcome::Completed, Purpose::Destroy) => Vec::new(),
        (_, Purpose::Up) => vec![Next::go_on("up", name), Next::destroy(name)],
        (_, Purpose::Destroy) => vec![Next::go_on("destroy", name)],
        (_, Purpose::Addresses) | (RunOutcome::Completed, Purpose::RollKey) => vec![Next::check_zone(name)],
        (_, Purpose::RollKey) => vec![Next::go_on("zone roll-key", name)],
        (RunOutcome::Completed, Purpose::Rollback) => vec![Next::delegate_again(name), Next::destroy(name)],
        (_, Purpose::Rollback) => vec![Next::go_on("dns rollback", name), Next::destroy(name)],
    }
}
