//! Registrars as people read about them.

use sovereign_core::registrar::{Part, RegistrarKind, credential_example, credential_help};

use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;

/// Each with what it needs, one below the other.
pub(crate) fn render(kinds: &[RegistrarKind]) -> String {
    let texts: Vec<String> = kinds.iter().map(|kind| one(*kind)).collect();
    texts.join("\n\n")
}

fn one(kind: RegistrarKind) -> String {
    let help = credential_help(kind);
    let mut table = Columns::plain();
    let needs: Vec<String> = help.needs.iter().map(part).collect();
    for (what, text) in [
        ("needs", needs.join("; ")),
        ("made at", help.where_to_get.to_owned()),
        ("at least", help.least_privilege.to_owned()),
        ("addresses", help.allow_list.to_owned()),
        ("limits", help.limits.to_owned()),
        ("in a spec", in_a_spec(kind)),
    ] {
        table.row([what.to_owned(), text]);
    }
    let name = Stream::Out.paint(Tone::Strong, kind.as_str());
    format!("{name}\n{}", table.render("  "))
}

fn part(part: &Part) -> String {
    let optional = if part.optional { ", may be left out" } else { "" };
    format!("`{}` ({}{optional})", part.key, part.what)
}

fn in_a_spec(kind: RegistrarKind) -> String {
    let key = if kind.hosts_the_parent() {
        "host"
    } else {
        "registrar"
    };
    format!("{key}: {}", credential_example(kind))
}
