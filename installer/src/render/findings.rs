//! Findings about a plan, which have a path in the spec but no line.

use sovereign_core::finding::{Finding, Severity};

use crate::render::paint::{Stream, Tone};

/// All findings, each with its path and what to do.
pub(crate) fn render(findings: &[Finding], stream: Stream) -> String {
    let blocks: Vec<String> = findings.iter().map(|finding| block(finding, stream)).collect();
    blocks.join("\n\n")
}

fn block(finding: &Finding, stream: Stream) -> String {
    let (word, tone) = match finding.severity {
        Severity::Error => ("error", Tone::Bad),
        Severity::Warning => ("warning", Tone::Warn),
        Severity::Note => ("note", Tone::Active),
    };
    let mut text = format!("{}: {}", stream.paint(tone, word), finding.message);
    if !finding.path.is_empty() {
        text.push_str(&format!(
            "\n  {} {}",
            stream.paint(Tone::Faint, "-->"),
            finding.path
        ));
    }
    if finding.severity > Severity::Note {
        text.push_str(&format!(
            "\n{}: {}",
            stream.paint(Tone::Strong, "hint"),
            finding.remedy
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_what_to_do() {
        let finding = Finding::new(
            Severity::Warning,
            "cloud.price",
            "regions[0]",
            "no price",
            "ask the cloud",
        );
        let text = render(&[finding], Stream::Out);
        let plain = console::strip_ansi_codes(&text);
        assert_eq!(plain, "warning: no price\n  --> regions[0]\nhint: ask the cloud");
    }
}
