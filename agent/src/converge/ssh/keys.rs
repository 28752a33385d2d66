//! Our lines in an `authorized_keys` file, between two marks. Everybody else's lines stay as they are.

use crate::lines::lines;

const BEGIN: &str = "# BEGIN sovereign: the agent writes what stands here";
const END: &str = "# END sovereign";

/// The text with our block holding `keys`. A line outside with one of them moves in, so that it can be taken away later.
pub(super) fn with_block(text: &str, keys: &[String]) -> String {
    let ours = |line: &str| keys.iter().any(|key| body(key) == body(line));
    let mut kept: Vec<String> = outside(text)
        .into_iter()
        .filter(|line| !ours(line))
        .map(str::to_owned)
        .collect();
    if !keys.is_empty() {
        kept.push(BEGIN.to_owned());
        kept.extend(keys.iter().map(|key| key.trim().to_owned()));
        kept.push(END.to_owned());
    }
    lines(kept)
}

/// The text without any line that has one of these keys.
pub(super) fn without(text: &str, revoked: &[String]) -> String {
    let is_revoked = |line: &&str| revoked.iter().any(|key| body(key) == body(line));
    lines(text.lines().filter(|line| !is_revoked(line)))
}

/// The text without our block, or `None` if it has none.
pub(super) fn without_block(text: &str) -> Option<String> {
    text.contains(BEGIN).then(|| lines(outside(text)))
}

/// Whether any key stands in it.
pub(super) fn any(text: &str) -> bool {
    text.lines()
        .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

/// A key without its comment: `type base64`. Lines with options before the key are somebody else's on purpose.
fn body(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?))
}

fn outside(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        match line {
            BEGIN => inside = true,
            END => inside = false,
            _ if !inside => lines.push(line),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_lines_stay_and_known_keys_move_in() {
        let text = "# mine\nssh-ed25519 AAAA1 cloud-init\nssh-ed25519 AAAA2 friend\n";
        let keys = vec!["ssh-ed25519 AAAA1 installer".to_owned()];
        let next = with_block(text, &keys);
        assert_eq!(next.matches("AAAA1").count(), 1);
        assert!(next.starts_with("# mine\nssh-ed25519 AAAA2 friend\n"));
        assert_eq!(with_block(&next, &keys), next);
        let emptied = with_block(&next, &[]);
        assert_eq!(emptied, "# mine\nssh-ed25519 AAAA2 friend\n");
        assert_eq!(without_block(&next).as_deref(), Some(emptied.as_str()));
        assert_eq!(without_block(&emptied), None);
        assert!(any(&emptied));
        assert!(!any("# nobody\n\n"));
    }
}
