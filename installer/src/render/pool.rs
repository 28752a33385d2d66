//! Names out of pools, as text.

use jiff::Timestamp;
use sovereign_dns::pool::{Allocation, Fate, OrphanKind};

use crate::commands::pool::Swept;
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;
use crate::render::time::{between, length, moment};

/// Every name, one a line.
pub(crate) fn list(names: &[Allocation], now: Timestamp) -> String {
    let mut table = Columns::new(["name", "state", "sovereign", "generation", "for", "until"]).right(3);
    for one in names {
        table.row(row(one, now));
    }
    table.render("")
}

fn row(one: &Allocation, now: Timestamp) -> [String; 6] {
    let over = if one.state.is_over(now) { " (over)" } else { "" };
    let until = one.state.until();
    [
        one.name.to_string(),
        one.state.word().to_owned(),
        one.sovereign.to_string(),
        one.generation.to_string(),
        length(between(one.since, now)),
        until
            .map(|until| format!("{}{over}", moment(until)))
            .unwrap_or_default(),
    ]
}

/// One name with everything that became of it.
pub(crate) fn show(one: &Allocation, history: &[Allocation], now: Timestamp) -> String {
    let mut facts = Columns::plain();
    let until = one.state.until().map(|until| format!(" until {}", moment(until)));
    facts.row([
        "state".to_owned(),
        format!("{}{}", one.state.word(), until.unwrap_or_default()),
    ]);
    facts.row(["sovereign".to_owned(), one.sovereign.to_string()]);
    facts.row(["generation".to_owned(), one.generation.to_string()]);
    if let Some(clear_at) = one.clear_at.filter(|clear_at| *clear_at > now) {
        facts.row([
            "caches".to_owned(),
            format!(
                "may remember an earlier delegation or zone until {}",
                moment(clear_at)
            ),
        ]);
    }
    let mut table = Columns::new(["at", "state", "sovereign", "generation"]).right(3);
    for past in history {
        let (state, generation) = (past.state.word().to_owned(), past.generation.to_string());
        table.row([moment(past.since), state, past.sovereign.to_string(), generation]);
    }
    let title = Stream::Out.paint(Tone::Strong, &one.name.to_string());
    format!("{title}\n{}\n\n{}", facts.render("  "), table.render("  "))
}

/// What a sweep ended, found and removed.
pub(crate) fn sweep(ended: &[String], found: &[Swept], pools: usize, now: Timestamp) -> String {
    let mut lines: Vec<String> = ended
        .iter()
        .map(|name| format!("ended: `{name}` is free"))
        .collect();
    if found.is_empty() {
        let looked = match pools {
            0 => "no pool is known: name a spec".to_owned(),
            1 => "clean: 1 pool; nothing odd".to_owned(),
            many => format!("clean: {many} pools; nothing odd"),
        };
        lines.push(looked);
        return lines.join("\n");
    }
    let mut table = Columns::new(["found", "name", "owner", "server", "fate"]);
    for one in found {
        let orphan = &one.orphan;
        table.row([
            word(orphan.kind).to_owned(),
            orphan.name.to_string(),
            orphan.owner.clone(),
            orphan.server.clone(),
            fate(one, now),
        ]);
    }
    lines.push(table.render(""));
    let mut hints: Vec<&str> = found.iter().filter(|one| !one.removed).map(hint).collect();
    hints.sort_unstable();
    hints.dedup();
    let hint = Stream::Out.paint(Tone::Strong, "hint");
    lines.extend(hints.iter().map(|text| format!("{hint}: {text}")));
    lines.join("\n")
}

/// One thing that was found, in a line.
pub(crate) fn line(one: &Swept) -> String {
    let orphan = &one.orphan;
    format!(
        "{} `{}` of {} at {}",
        word(orphan.kind),
        orphan.name,
        orphan.owner,
        orphan.server
    )
}

/// A kind of orphan in one word.
pub(crate) const fn word(kind: OrphanKind) -> &'static str {
    match kind {
        OrphanKind::Dangling => "dangling",
        OrphanKind::Delegation => "delegation",
        OrphanKind::Zone => "zone",
        OrphanKind::Name => "name",
    }
}

fn fate(one: &Swept, now: Timestamp) -> String {
    if let Some(going) = &one.orphan.going {
        return format!(
            "taken away by {}, last touched at {}",
            going.taker,
            moment(going.since)
        );
    }
    match (one.removed, one.due) {
        (true, _) => "removed".to_owned(),
        (false, Some(due)) if due <= now => "due".to_owned(),
        (false, Some(due)) => format!("goes after {}", moment(due)),
        (false, None) if one.orphan.fate == Fate::Foreign => "another installer's".to_owned(),
        (false, None) => "its owner's".to_owned(),
    }
}

fn hint(one: &Swept) -> &'static str {
    match (one.orphan.fate, one.orphan.kind) {
        (Fate::Removable, _) => "what is due goes with `sovereign pool sweep`; nobody gets the name before",
        (Fate::Going, _) => {
            "what is being taken away is left to whoever is at it; a sweep takes over what has lain untouched for long"
        }
        (Fate::Foreign, _) => {
            "this installer never gave that name to that owner: ask whoever made it; it stays"
        }
        (Fate::Owned, OrphanKind::Zone | OrphanKind::Delegation) => {
            "somebody has the name, and another owner's records are left: `sovereign pool release` it, sweep, and give it away again"
        }
        (Fate::Owned, OrphanKind::Name | OrphanKind::Dangling) => {
            "its zone is gone: `sovereign up` makes it again, `sovereign pool release` gives the name back"
        }
    }
}
