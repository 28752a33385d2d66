//! What a scan found, as text.

use sovereign_bootstrap::scan::{Oddity, ScanReport};

use crate::render::paint::{Stream, Tone};
use crate::render::plan::money;
use crate::render::table::Columns;

/// The findings, the costliest first.
pub(crate) fn render(report: &ScanReport) -> String {
    let count = report
        .sovereigns
        .iter()
        .map(|one| one.resources.len())
        .sum::<usize>()
        + report.others.len();
    if report.findings.is_empty() {
        return Stream::Out.paint(Tone::Good, &format!("clean: {} resources, nothing odd", count));
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
        "{}\n\n{} of {} resources, {} a month, net\n{}",
        table.render(""),
        report.findings.len(),
        count,
        money(report.monthly, &report.currency),
        remedies.join("\n")
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
