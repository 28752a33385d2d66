//! Findings about a delegation: what, where, why, what to do.

use sovereign_core::finding::Severity;
use sovereign_dns::probe::DelegationFinding;

use crate::render::paint::{Stream, Tone};

/// Most places that are written out; `--json` has them all.
const SHOWN: usize = 8;

/// All of them, the heaviest first.
pub(super) fn render(findings: &[DelegationFinding]) -> Option<String> {
    let blocks: Vec<String> = findings.iter().map(block).collect();
    (!blocks.is_empty()).then(|| blocks.join("\n\n"))
}

fn block(finding: &DelegationFinding) -> String {
    let (word, tone) = match finding.severity {
        Severity::Error => ("error", Tone::Bad),
        Severity::Warning => ("warning", Tone::Warn),
        Severity::Note => ("note", Tone::Active),
    };
    let code = Stream::Out.paint(Tone::Faint, &format!("[{}]", finding.code));
    let mut text = format!("{}: {} {code}", Stream::Out.paint(tone, word), finding.message);
    let arrow = Stream::Out.paint(Tone::Faint, "-->");
    for place in finding.places.iter().take(SHOWN) {
        text.push_str(&format!("\n  {arrow} {place}"));
    }
    if finding.places.len() > SHOWN {
        text.push_str(&format!("\n  {arrow} and {} more", finding.places.len() - SHOWN));
    }
    text.push_str(&format!("\n  why: {}", finding.reason));
    if finding.severity > Severity::Note {
        text.push_str(&format!(
            "\n{}: {}",
            Stream::Out.paint(Tone::Strong, "hint"),
            finding.remedy
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_why_and_what_to_do() {
        let finding = DelegationFinding {
            severity: Severity::Error,
            code: "server.tcp",
            message: "no answer over TCP".to_owned(),
            places: (1..=9).map(|number| format!("ns{number}")).collect(),
            reason: "it does not fit".to_owned(),
            remedy: "open the port".to_owned(),
        };
        let text = render(&[finding]).unwrap();
        let plain = console::strip_ansi_codes(&text).into_owned();
        assert!(
            plain.starts_with("error: no answer over TCP [server.tcp]\n  --> ns1\n"),
            "{plain}"
        );
        assert!(
            plain.ends_with("  --> and 1 more\n  why: it does not fit\nhint: open the port"),
            "{plain}"
        );
    }
}
