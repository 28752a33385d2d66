//! What a scan found, as text.

use sovereign_bootstrap::scan::{Oddity, ScanReport};

use crate::render::paint::{Stream, Tone};
use crate::render::plan::money;
use crate::render::table::Columns;

/// The findings, the costliest first.
pub(crate) fn render(report: &ScanReport) -> String {
    if report.findings.is_empty() {
        return Stream::Out.paint(Tone::Good, &format!("clean: {}; nothing odd", counted(report)));
    }
    let mut table = Columns::new(["found", "kind", "name", "sovereign", "per month"]).right(4);
    for finding in &report.findings {
        let name = match finding.id {
            Some(id) if finding.name.is_empty() => id.to_string(),
            _ => finding.name.clone(),
        };
        table.row([
            word(finding.oddity).to_owned(),
            finding.kind.to_string(),
            name,
            finding.sovereign.clone().unwrap_or_default(),
            finding
                .monthly
                .map(|monthly| money(monthly, &report.currency))
                .unwrap_or_default(),
        ]);
    }
    let mut remedies: Vec<&str> = Vec::new();
    for finding in &report.findings {
        if !remedies.contains(&finding.remedy.as_str()) {
            remedies.push(&finding.remedy);
        }
    }
    let hint = Stream::Out.paint(Tone::Strong, "hint");
    let remedies: Vec<String> = remedies
        .iter()
        .map(|remedy| format!("{hint}: {remedy}"))
        .collect();
    format!(
        "{}\n\n{} odd in {}: {} a month, net\n{}",
        table.render(""),
        report.findings.len(),
        counted(report),
        money(report.monthly, &report.currency),
        remedies.join("\n")
    )
}

/// What the account holds: of Sovereigns, and of nobody this installer knows of.
fn counted(report: &ScanReport) -> String {
    let of_sovereigns: usize = report.sovereigns.iter().map(|one| one.resources.len()).sum();
    let several =
        |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!(
        "{} of {}, {} of no Sovereign",
        several(of_sovereigns, "resource"),
        several(report.sovereigns.len(), "Sovereign"),
        report.others.len()
    )
}

fn word(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::UnknownSovereign => "orphan",
        Oddity::Unused => "unused",
        Oddity::Missing => "missing",
        Oddity::Unplanned => "unplanned",
        Oddity::Unlabelled => "unlabelled",
        Oddity::Relabelled => "relabelled",
        Oddity::NotRunning => "not running",
    }
}
