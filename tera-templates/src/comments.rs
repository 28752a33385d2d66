//! Comments are for whoever reads the sources; they do not travel.

/// Lines of comment that mean something to whoever runs the text.
const MEANT: [&str; 2] = ["#cloud-config", "#!"];

/// Takes comments and empty lines out of a YAML text or a script. Only whole lines count, and a rendered value is never
/// one: it stands behind its key.
pub(crate) fn strip(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .filter(|line| {
            !line.trim_start().starts_with('#') || MEANT.iter().any(|meant| line.starts_with(meant))
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_what_is_meant_stays() {
        let text = "#cloud-config\n# why\nkey: \"# no comment\"\n\n  # indented\n  - a # b\n";
        assert_eq!(strip(text), "#cloud-config\nkey: \"# no comment\"\n  - a # b\n");
        assert_eq!(strip("#!/bin/sh\n# why\necho\n"), "#!/bin/sh\necho\n");
    }
}
