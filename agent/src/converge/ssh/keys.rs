//! Our lines in an `authorized_keys` file, between two marks. Everybody else's lines stay as they are.

use crate::lines::lines;

const BEGIN: &str = "# BEGIN sovereign: the agent writes what stands here";
const END: &str = "# END sovereign";

/// The text with those of `keys` in our block that nobody else lets in already. Such a line of somebody else's stays where it is, so that
/// it is there still when our block goes. One with options before the key grants less, and does not count.
pub(super) fn with_block(text: &str, keys: &[String]) -> String {
    let mut next = outside(text);
    let granted = |key: &str| next.iter().any(|line| plain(line) == plain(key));
    let missing: Vec<&str> = keys
        .iter()
        .map(|key| key.trim())
        .filter(|key| !granted(key))
        .collect();
    if !missing.is_empty() {
        next.push(BEGIN);
        next.extend(missing);
        next.push(END);
    }
    lines(next)
}

/// The text without any line that has one of these keys, whatever options stand before it.
pub(super) fn without(text: &str, revoked: &[String]) -> String {
    let is_revoked = |line: &&str| revoked.iter().any(|key| has(line, key));
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

/// A key without its comment: `type base64`. In a line with options before the key this is no key.
fn plain(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?))
}

/// Whether a line has `key`, with or without options before it.
fn has(line: &str, key: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let pair = |pair: &[&str]| plain(key) == Some((pair[0], pair[1]));
    words.windows(2).any(pair)
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

    const FOREIGN: &str = "# mine\nssh-ed25519 AAAA1 cloud-init\nssh-ed25519 AAAA2 friend\n\
                           from=\"192.0.2.1\" ssh-ed25519 AAAA3 bastion\n";

    fn keys(numbers: &[u32]) -> Vec<String> {
        let key = |number| format!("ssh-ed25519 AAAA{number} installer");
        numbers.iter().map(key).collect()
    }

    #[test]
    fn what_stood_there_stands_there_when_the_block_has_gone() {
        for wanted in [&[][..], &[1], &[1, 2], &[3], &[4], &[1, 3, 4]] {
            let next = with_block(FOREIGN, &keys(wanted));
            assert!(next.starts_with(FOREIGN), "{next}");
            assert_eq!(with_block(&next, &keys(wanted)), next);
            assert_eq!(with_block(&next, &[]), FOREIGN);
            let left = without_block(&next).unwrap_or(next);
            assert_eq!(left, FOREIGN, "{wanted:?}");
        }
    }

    #[test]
    fn a_key_is_added_unless_it_is_let_in_without_conditions_already() {
        let next = with_block(FOREIGN, &keys(&[1, 3, 4]));
        let count = |key| next.matches(key).count();
        assert_eq!((count("AAAA1"), count("AAAA3"), count("AAAA4")), (1, 2, 1));
        assert_eq!(without_block(FOREIGN), None);
    }

    #[test]
    fn a_revoked_key_goes_wherever_it_stands() {
        let text = with_block(FOREIGN, &keys(&[3, 4]));
        let left = without(&text, &keys(&[1, 2, 3, 4]));
        assert!(!any(&left), "{left}");
        assert!(any(&text));
    }
}
