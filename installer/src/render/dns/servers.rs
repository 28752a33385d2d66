//! Servers of a delegation, one address a line.

use sovereign_dns::probe::{
    DelegationReport, DsSeen, Failure, Outcome, ParentSays, ParentServer, ServerAt, Side, ZoneServer,
};

use super::{heading, shown};
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;

/// The servers of the parent with what each says.
pub(super) fn parents(report: &DelegationReport) -> Option<String> {
    let evidence = &report.evidence;
    let parent = evidence
        .parent
        .as_ref()
        .filter(|_| !evidence.parents.is_empty())?;
    let asked = evidence.zone.as_ref().unwrap_or(&evidence.name);
    let mut table = Columns::plain();
    for (index, server) in evidence.parents.iter().enumerate() {
        let side = report
            .progress
            .as_ref()
            .and_then(|progress| progress.servers.get(index));
        table.row(parent_row(server, side.map(|shown| shown.side)));
    }
    let title = format!("what the servers of {} say about {}", shown(parent), shown(asked));
    Some(format!("{}\n{}", heading(&title), coloured(&table.render("  "))))
}

fn parent_row(parent: &ParentServer, side: Option<Side>) -> [String; 5] {
    let (good, said) = match &parent.says {
        ParentSays::Delegates(set) => {
            let names: Vec<&str> = set.names.iter().map(sovereign_dns::DomainName::as_str).collect();
            (Some(true), format!("{}  TTL {}", names.join(" "), set.ttl))
        }
        ParentSays::HoldsIt(_) => (None, "holds the zone itself".to_owned()),
        ParentSays::NotDelegated => (Some(false), "no delegation".to_owned()),
        ParentSays::NoSuchName => (Some(false), "no such name".to_owned()),
        ParentSays::Fails { failure } => (verdict(failure), failure.to_string()),
    };
    let good = match side {
        None | Some(Side::Lame) => good,
        Some(side) => Some(side == Side::New),
    };
    let said = match side {
        Some(side) => format!("{}: {said}", side.as_str()),
        None => said,
    };
    let ds = match &parent.ds {
        DsSeen::Present { ds, .. } => {
            let tags: Vec<String> = ds.iter().map(|ds| ds.key_tag.to_string()).collect();
            format!("DS {}", tags.join(" "))
        }
        DsSeen::Absent => "no DS".to_owned(),
        DsSeen::Unknown => String::new(),
    };
    let [name, address] = place(&parent.server);
    [
        format!("{} {name}", mark(good)),
        address,
        said,
        ds,
        time(parent.millis),
    ]
}

/// The zone's servers with what each can do.
pub(super) fn zone(report: &DelegationReport) -> Option<String> {
    let evidence = &report.evidence;
    let zone = evidence.zone.as_ref().filter(|_| !evidence.servers.is_empty())?;
    let mut table = Columns::plain();
    for server in &evidence.servers {
        table.row(zone_row(server));
    }
    let title = format!("servers of {}", shown(zone));
    Some(format!("{}\n{}", heading(&title), coloured(&table.render("  "))))
}

fn zone_row(server: &ZoneServer) -> [String; 5] {
    let [name, address] = place(&server.server);
    let (good, said, can) = match &server.soa {
        Outcome::Failed(failure) => (verdict(failure), failure.to_string(), String::new()),
        Outcome::Seen(soa) => {
            let abilities = [
                (true, "udp"),
                (server.tcp.seen().is_some(), "tcp"),
                (soa.edns, "edns"),
                (
                    server.keys.seen().is_some_and(|keys| !keys.keys.is_empty()),
                    "signed",
                ),
            ];
            let can = abilities.iter().filter(|(able, _)| *able).map(|(_, word)| *word);
            let can: Vec<&str> = can.collect();
            let good = server.tcp.seen().is_some() && soa.edns && server.ns.seen().is_some();
            (Some(good), format!("serial {}", soa.serial), can.join(" "))
        }
    };
    [
        format!("{} {name}", mark(good)),
        address,
        said,
        can,
        time(server.millis),
    ]
}

/// What public resolvers say, if they were asked.
pub(super) fn resolvers(report: &DelegationReport) -> Option<String> {
    let views = &report.evidence.resolvers;
    let mut table = Columns::plain();
    for view in views {
        let said = match &view.ns {
            Outcome::Seen(set) => {
                let names: Vec<&str> = set.names.iter().map(sovereign_dns::DomainName::as_str).collect();
                format!("{}  for {} s more", names.join(" "), set.ttl)
            }
            Outcome::Failed(failure) => failure.to_string(),
        };
        let proven = if view.authentic { "validated" } else { "" };
        table.row([view.resolver.to_string(), said, proven.to_owned()]);
    }
    (!views.is_empty()).then(|| {
        let title = heading("what public resolvers remember, for information");
        format!("{title}\n{}", table.render("  "))
    })
}

fn place(server: &ServerAt) -> [String; 2] {
    [server.name.clone(), server.address.to_string()]
}

/// None where nothing was learned.
fn verdict(failure: &Failure) -> Option<bool> {
    (!failure.is_ours()).then_some(false)
}

fn mark(good: Option<bool>) -> char {
    match good {
        Some(true) => '✓',
        Some(false) => '✗',
        None => '-',
    }
}

/// Marks get their colours once the columns stand: a table counts the characters of a colour, too.
fn coloured(table: &str) -> String {
    let lines = table.lines().map(|line| {
        let mark = line.trim_start().chars().next().unwrap_or_default();
        let tone = match mark {
            '✓' => Tone::Good,
            '✗' => Tone::Bad,
            _ => return line.to_owned(),
        };
        line.replacen(mark, &Stream::Out.paint(tone, &mark.to_string()), 1)
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n")
}

fn time(millis: u64) -> String {
    if millis == 0 {
        String::new()
    } else {
        format!("{millis} ms")
    }
}
