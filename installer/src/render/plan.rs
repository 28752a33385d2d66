//! A plan as the operator reads it before approving it.

mod hosts;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sovereign_bootstrap::NameTeardown;
use sovereign_bootstrap::teardown::{MachineTeardown, Teardown, TeardownItem};
use sovereign_bootstrap::view::{Act, PlanView, PlannedResource, Prices};
use sovereign_engine::plan::Plan;

use crate::render::paint::{Stream, Tone};
use crate::render::status::short;
use crate::render::table::Columns;
use crate::render::{delegation, findings};

/// Resources of one kind and fate that are listed one by one; of more, the first and the last are named.
const MOST_LISTED: usize = 12;

/// What a plan makes, keeps, removes and costs.
pub(crate) fn up(plan: &Plan, view: &PlanView, stream: Stream) -> String {
    let mut text = stream.paint(Tone::Strong, &format!("plan for {}", plan.sovereign));
    if !view.resources.is_empty() {
        text.push_str(&format!("\n\n{}", resources(&view.resources, stream)));
    }
    text.push_str(&format!("\n\n{}", hosts::render(view, stream)));
    if let Some(sum) = &view.prices {
        text.push_str(&format!("\n\n{}", prices(sum, stream)));
    }
    if !view.findings.is_empty() {
        text.push_str(&format!("\n\n{}", findings::render(&view.findings, stream)));
    }
    let (create, keep, remove) = (
        view.count(Act::Create),
        view.count(Act::Keep),
        view.count(Act::Remove),
    );
    let digest = plan.digest();
    text.push_str(&format!(
        "\n\n{create} to create, {keep} to keep, {remove} to remove, in {} steps\ndigest {}",
        plan.steps.len(),
        short(digest.as_str())
    ));
    text
}

/// What a plan that destroys removes, and why.
pub(crate) fn destroy(teardown: &Teardown, names: Option<&NameTeardown>, stream: Stream) -> String {
    format!(
        "{}{}",
        in_the_account(teardown, stream),
        of_the_name(names, stream)
    )
}

fn in_the_account(teardown: &Teardown, stream: Stream) -> String {
    let name = &teardown.scope.sovereign;
    if teardown.items.is_empty() {
        return format!("nothing of {name} is in the account");
    }
    let title = stream.paint(Tone::Strong, &format!("destroy {name}"));
    let goes = format!(
        "{title}\n\n{}\n\n{} to remove; they cost {} a month, net",
        holdings(&teardown.items),
        teardown.items.len(),
        money(teardown.monthly, &teardown.currency)
    );
    if teardown.spared.is_empty() {
        return goes;
    }
    format!("{goes}\n\nspared\n\n{}", holdings(&teardown.spared))
}

/// What a plan that takes leave of machines takes away from each.
pub(crate) fn leave(teardown: &MachineTeardown, names: Option<&NameTeardown>, stream: Stream) -> String {
    let title = stream.paint(Tone::Strong, &format!("destroy {}", teardown.sovereign));
    let mut table = Columns::new(["host", "machine"]);
    for host in &teardown.hosts {
        let address = format!("{}:{}", host.machine.address, host.machine.port);
        table.row([host.node.node.clone(), address]);
    }
    format!(
        "{title}\n\n{}\n\neverything the installer put there is taken away; the machines stay{}",
        table.render("  "),
        of_the_name(names, stream)
    )
}

/// The zone goes after whoever is led to it is led elsewhere.
fn of_the_name(names: Option<&NameTeardown>, stream: Stream) -> String {
    let Some(names) = names else {
        return String::new();
    };
    let zone = &names.zone;
    let first = match (&names.way_back, &names.pool) {
        (Some(way_back), _) => delegation::way_back(way_back, stream),
        (None, Some(pool)) => {
            let title = format!("the name {} goes back to the pool {}", pool.name, pool.name.pool);
            let title = stream.paint(Tone::Strong, &title);
            format!("{title}\n  nobody else gets it while it is in quarantine")
        }
        (None, None) => return format!("\n\nzone {zone} goes, too"),
    };
    format!("\n\n{first}; zone {zone} goes after that")
}

fn holdings(items: &[TeardownItem]) -> String {
    let mut table = Columns::new(["kind", "name", "where", "why"]);
    for item in items {
        let resource = &item.resource;
        let name = if resource.name.is_empty() {
            resource.id.to_string()
        } else {
            resource.name.clone()
        };
        table.row([
            resource.kind.to_string(),
            name,
            resource.location.clone().unwrap_or_default(),
            item.reason.clone(),
        ]);
    }
    table.render("  ")
}

/// An amount with its currency.
pub(crate) fn money(amount: Decimal, currency: &str) -> String {
    format!("{:.2} {currency}", amount.round_dp(2))
}

fn resources(all: &[PlannedResource], stream: Stream) -> String {
    let mut table = Columns::new(["", "kind", "name", "detail"]);
    let mut batches: Vec<Vec<&PlannedResource>> = Vec::new();
    let mut places: BTreeMap<(&str, String, &str), usize> = BTreeMap::new();
    for resource in all {
        let key = (
            sign(resource.act),
            resource.kind.to_string(),
            resource.detail.as_str(),
        );
        if let Some(batch) = places.get(&key).and_then(|place| batches.get_mut(*place)) {
            batch.push(resource);
        } else {
            places.insert(key, batches.len());
            batches.push(vec![resource]);
        }
    }
    for batch in &batches {
        match batch.as_slice() {
            [first, .., last] if batch.len() > MOST_LISTED => {
                let names = format!("{} ... {} ({})", first.name, last.name, batch.len());
                table.row(cells(first, names, stream));
            }
            _ => batch
                .iter()
                .for_each(|one| table.row(cells(one, one.name.clone(), stream))),
        }
    }
    table.render("  ")
}

fn cells(resource: &PlannedResource, name: String, stream: Stream) -> [String; 4] {
    let tone = match resource.act {
        Act::Create => Tone::Good,
        Act::Keep => Tone::Faint,
        Act::Change => Tone::Strong,
        Act::Remove => Tone::Bad,
    };
    [
        stream.paint(tone, sign(resource.act)),
        resource.kind.to_string(),
        name,
        resource.detail.clone(),
    ]
}

fn sign(act: Act) -> &'static str {
    match act {
        Act::Create => "+",
        Act::Keep => "=",
        Act::Change => "~",
        Act::Remove => "-",
    }
}

fn prices(prices: &Prices, stream: Stream) -> String {
    let currency = &prices.currency;
    let mut table = Columns::new(["per month", "number", "each", "sum"])
        .right(1)
        .right(2)
        .right(3);
    for line in &prices.lines {
        table.row([
            line.what.clone(),
            line.quantity.to_string(),
            money(line.each_monthly.net, currency),
            money(line.monthly.net, currency),
        ]);
    }
    table.row([
        "total, net".to_owned(),
        String::new(),
        String::new(),
        money(prices.monthly.net, currency),
    ]);
    let rest = format!(
        "net of {} % tax; {:.4} {currency} an hour; not included: {}",
        prices.vat_rate.normalize(),
        prices.hourly.net,
        prices.not_included.join(", ")
    );
    format!("{}\n  {}", table.render("  "), stream.paint(Tone::Faint, &rest))
}
