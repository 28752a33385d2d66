//! How a name is delegated, as text: the way down, each server, what is wrong, one line at the end.

mod findings;
mod servers;

use sovereign_core::finding::Severity;
use sovereign_dns::DomainName;
use sovereign_dns::probe::{DelegationReport, Denial, Exchange, Link, LinkProblem, Security, Waits};

use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;
use crate::render::time::span;

/// The whole report.
pub(crate) fn render(report: &DelegationReport) -> String {
    let mut parts = Vec::new();
    if !report.trace.is_empty() {
        parts.push(trace(&report.trace));
    }
    parts.push(path(report));
    parts.extend(servers::parents(report));
    parts.extend(servers::zone(report));
    parts.extend(servers::resolvers(report));
    parts.extend(waits(&report.waits));
    parts.extend(findings::render(&report.findings));
    parts.push(summary(report));
    parts.join("\n\n")
}

fn heading(text: &str) -> String {
    Stream::Out.paint(Tone::Strong, text)
}

/// The zones from the root down, each below the one that delegates it.
fn path(report: &DelegationReport) -> String {
    let evidence = &report.evidence;
    let counts = evidence.path_servers.iter().copied().chain(std::iter::repeat(0));
    let mut lines: Vec<(String, String)> = Vec::new();
    for (depth, (link, servers)) in evidence.path.iter().zip(counts).enumerate() {
        let noun = if servers == 1 { "server" } else { "servers" };
        lines.push((
            branch(depth, &shown(&link.zone)),
            format!("{servers} {noun}, {}", trust(link)),
        ));
    }
    if evidence.zone.is_none() {
        let absent = Stream::Out.paint(Tone::Bad, "no such name");
        lines.push((branch(lines.len(), evidence.name.as_str()), absent));
    }
    let mut table = Columns::plain();
    for (zone, about) in lines {
        table.row([zone, about]);
    }
    table.render("")
}

fn branch(depth: usize, zone: &str) -> String {
    match depth {
        0 => zone.to_owned(),
        depth => format!("{}└─ {zone}", "   ".repeat(depth - 1)),
    }
}

fn shown(zone: &DomainName) -> String {
    zone.to_string()
}

/// A link of the chain of trust in a few words.
fn trust(link: &Link) -> String {
    let tone = match link.security {
        Security::Secure => Tone::Good,
        Security::Insecure => Tone::Faint,
        Security::Indeterminate => Tone::Warn,
        Security::Bogus => Tone::Bad,
    };
    let word = Stream::Out.paint(tone, link.security.as_str());
    let tags: Vec<String> = link.trusted.iter().map(ToString::to_string).collect();
    let why = match &link.denial {
        _ if link.problems.contains(&LinkProblem::Above) => "broken further up".to_owned(),
        _ if link.problems.contains(&LinkProblem::NoAnchor) => "no trust anchor".to_owned(),
        _ if link.problems.contains(&LinkProblem::Unknown) => "keys unknown".to_owned(),
        _ if !tags.is_empty() && link.zone == DomainName::root() => {
            format!("key {} is the trust anchor's", tags.join(" "))
        }
        _ if !tags.is_empty() => format!("DS and key {} fit", tags.join(" ")),
        Some(Denial::Proven { by }) => format!("no DS, proven by {by}"),
        Some(Denial::NotValidated { .. }) => "no DS, not validated".to_owned(),
        None if link.security == Security::Insecure => "unsigned above".to_owned(),
        None => return word,
    };
    format!("{word}: {why}")
}

fn waits(waits: &Waits) -> Option<String> {
    let rows = [
        (waits.delegation, "name servers, as the parent has them"),
        (waits.name_servers, "name servers, as the zone has them"),
        (waits.addresses, "their addresses"),
        (waits.ds, "DS records"),
        (waits.keys, "keys"),
        (waits.negative_parent, "that the parent does not know a name"),
        (waits.negative_zone, "that the zone does not know a name"),
    ];
    let mut table = Columns::plain();
    let mut any = false;
    for (seconds, what) in rows.into_iter().filter(|(seconds, _)| *seconds > 0) {
        any = true;
        table.row([span(seconds), what.to_owned()]);
    }
    let last = format!(
        "  after a change, caches have forgotten what is said now within {}, and that something was not there within {}",
        span(waits.until_forgotten),
        span(waits.until_negatives_forgotten)
    );
    any.then(|| {
        format!(
            "{}\n{}\n{last}",
            heading("what caches keep, at most"),
            table.right(0).render("  ")
        )
    })
}

fn trace(exchanges: &[Exchange]) -> String {
    let lines = exchanges.iter().map(|exchange| {
        let question = format!("{} {}", shown(&exchange.name), exchange.kind);
        format!(
            "  {:>6} ms  {question}  {} {}  {}\n             {}",
            exchange.at_millis,
            Stream::Out.paint(Tone::Faint, &format!("@{}", exchange.server)),
            exchange.over,
            Stream::Out.paint(Tone::Faint, &format!("{} ms", exchange.millis)),
            exchange.answer
        )
    });
    let lines: Vec<String> = lines.collect();
    format!("{}\n{}", heading("questions and answers"), lines.join("\n"))
}

fn summary(report: &DelegationReport) -> String {
    let evidence = &report.evidence;
    let count = |severity| {
        let of = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity);
        of.count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let several =
        |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (tone, verdict) = match (errors, warnings) {
        (0, 0) => (Tone::Good, "healthy".to_owned()),
        (0, warnings) => (
            Tone::Warn,
            format!("works, with {}", several(warnings, "warning")),
        ),
        (errors, 0) => (Tone::Bad, format!("broken: {}", several(errors, "error"))),
        (errors, warnings) => (
            Tone::Bad,
            format!(
                "broken: {}, {}",
                several(errors, "error"),
                several(warnings, "warning")
            ),
        ),
    };
    let mut words = vec![verdict];
    if let Some(progress) = &report.progress {
        let new = progress
            .servers
            .iter()
            .filter(|shown| shown.side == sovereign_dns::probe::Side::New);
        words.push(format!(
            "delegation {}: {} of {} servers of the parent show the new one",
            progress.overall.as_str(),
            new.count(),
            progress.servers.len()
        ));
    }
    words.push(report.security.as_str().to_owned());
    words.push(format!(
        "{} in {:.1} s",
        several(report.cost.questions as usize, "question"),
        f64::from(u32::try_from(report.cost.millis).unwrap_or(u32::MAX)) / 1_000.0
    ));
    let name = shown(&evidence.name);
    format!("{name}: {}", Stream::Out.paint(tone, &words.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_round_where_they_are() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (300, "5 min"),
            (3_600, "1 h"),
            (5_400, "90 min"),
            (86_400, "1 d"),
            (172_800, "2 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn zones_stand_below_those_that_delegate_them() {
        assert_eq!(branch(0, "."), ".");
        assert_eq!(branch(1, "example"), "└─ example");
        assert_eq!(branch(2, "acme.example"), "   └─ acme.example");
    }
}
