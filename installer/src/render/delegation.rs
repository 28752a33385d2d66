//! A change of a delegation, as text: what it will be like, how far it is, and the way back.

use sovereign_bootstrap::WayBack;
use sovereign_dns::delegation::{Forecast, Phase, Registered};

use crate::delegation::{DelegationStanding, said};
use crate::next;
use crate::render::findings;
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;
use crate::render::time::{self, span};

/// What a change will be like.
pub(crate) fn forecast(forecast: &Forecast) -> String {
    let mut parts = vec![
        heading(&format!("delegation of {}", forecast.domain)),
        facts(forecast),
    ];
    parts.extend(existing(forecast));
    if forecast.phases.is_empty() {
        parts.push("  nothing to do: it leads to these name servers already".to_owned());
    } else {
        parts.push(phases("phase", &forecast.phases));
        parts.push(format!(
            "  no cache knows the old delegation {} after the name servers have changed",
            span(forecast.worst_cache)
        ));
        parts.push(phases("to go back", &forecast.roll_back));
    }
    if let Some(steps) = &forecast.by_hand {
        parts.push(heading("to be entered by hand"));
        parts.push(indented(&steps.to_string()));
    }
    if !forecast.findings.is_empty() {
        parts.push(findings::render(&forecast.findings, Stream::Out));
    }
    parts.push(verdict(forecast));
    parts.join("\n\n")
}

fn facts(forecast: &Forecast) -> String {
    let now = forecast.snapshot.as_ref().map(said);
    let mut table = Columns::plain();
    for (what, text) in [
        ("is", now.unwrap_or_else(|| "not known".to_owned())),
        (
            "will be",
            format!(
                "NS {}; DS of the zone's key, which is made with the zone",
                forecast.nameservers
            ),
        ),
        ("parent", forecast.parent.to_string()),
        ("registrar", registrar(forecast)),
        ("registry", registry(&forecast.registration)),
    ] {
        table.row([what.to_owned(), text]);
    }
    table.render("  ")
}

fn registrar(forecast: &Forecast) -> String {
    let registered = forecast.snapshot.as_ref().and_then(|it| it.registered.as_ref());
    registered.map_or_else(|| "nobody is asked".to_owned(), ToString::to_string)
}

fn registry(registered: &Registered) -> String {
    match registered {
        Registered::Found(found) => {
            let statuses: Vec<&str> = found.statuses.iter().map(String::as_str).collect();
            let ends = found
                .expires
                .map(|at| format!(", ends {at:.0}"))
                .unwrap_or_default();
            format!("{}{ends}", statuses.join(" "))
        }
        Registered::NotFound => "knows no such registration".to_owned(),
        Registered::Unknown { why } => format!("not known: {why}"),
    }
}

/// Records that go with the old zone.
fn existing(forecast: &Forecast) -> Option<String> {
    let records = &forecast.existing.records;
    if records.is_empty() {
        return None;
    }
    let mut table = Columns::new(["found there", "type", "data"]);
    for record in records {
        table.row([record.name.to_string(), record.kind.clone(), record.data.clone()]);
    }
    Some(table.render("  "))
}

fn phases(title: &str, all: &[Phase]) -> String {
    let mut table = Columns::new([title, "by", "takes"]);
    for phase in all {
        let (by, more) = if phase.by_hand {
            ("hand", ", once entered")
        } else {
            ("API", "")
        };
        table.row([
            phase.what.clone(),
            by.to_owned(),
            format!("about {}{more}", span(phase.seconds)),
        ]);
    }
    table.render("  ")
}

fn verdict(forecast: &Forecast) -> String {
    if forecast.is_clear() {
        Stream::Out.paint(Tone::Good, "nothing speaks against it; `sovereign up` does it")
    } else {
        Stream::Out.paint(
            Tone::Bad,
            "as things are it would be refused; nothing would be changed",
        )
    }
}

/// How far a delegation is.
pub(crate) fn standing(standing: &DelegationStanding) -> String {
    let mut facts = Columns::plain();
    facts.row(["sovereign".to_owned(), standing.sovereign.clone()]);
    facts.row(["is".to_owned(), standing.level.word().to_owned()]);
    facts.row(["name servers".to_owned(), standing.nameservers.to_string()]);
    if let Some(before) = &standing.before {
        facts.row(["goes back to".to_owned(), said(before)]);
    }
    let mut text = format!("{}\n{}", heading(standing.domain.as_str()), facts.render("  "));
    for stage in &standing.stages {
        let tone = match stage.status {
            "done" => Tone::Good,
            "failed" => Tone::Bad,
            "held" => Tone::Warn,
            "running" => Tone::Active,
            _ => Tone::Faint,
        };
        let at = stage.reached.map(|at| format!(", {}", time::moment(at)));
        text.push_str(&format!(
            "\n\n{}: {}{}",
            Stream::Out.paint(tone, stage.status),
            stage.title,
            at.unwrap_or_default()
        ));
        if let Some(evidence) = &stage.evidence {
            text.push_str(&format!("\n  {evidence}"));
        }
        if let Some(hint) = &stage.hint {
            text.push_str(&format!(
                "\n  {} {hint}",
                Stream::Out.paint(Tone::Strong, "hint:")
            ));
        }
    }
    text.push_str(&next::render(&standing.next, Stream::Out));
    text
}

/// Where a delegation goes back to, and who does it.
pub(crate) fn way_back(way_back: &WayBack, stream: Stream) -> String {
    let restore = &way_back.restore;
    let by = match &way_back.credential {
        Some(credential) => format!("by the API of {}", credential.kind()),
        None => "by hand; what to enter is shown and watched for".to_owned(),
    };
    let title = format!("the delegation of {} is given back", restore.name.domain);
    format!(
        "{}\n  to {}\n  {by}\n  no cache leads here any more some {} later",
        stream.paint(Tone::Strong, &title),
        said(&restore.snapshot),
        span(restore.snapshot.forgotten_after)
    )
}

fn heading(text: &str) -> String {
    Stream::Out.paint(Tone::Strong, text)
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}
