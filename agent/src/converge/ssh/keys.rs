//! Our lines in an `authorized_keys` file, between two marks. Everybody else's lines stay as they are.

use crate::lines::lines;

const BEGIN: &str = "# BEGIN sovereign: the agent writes what stands here";
const END: &str = "# END sovereign";

/// The text with our block holding `keys`. A line outside with one of them goes, so that it can be taken away later: see [`moved`].
pub(super) fn with_block(text: &str, keys: &[String]) -> String {
    let mut next: Vec<&str> = outside(text);
    next.retain(|line| !is_one_of(line, keys));
    if !keys.is_empty() {
        next.push(BEGIN);
        next.extend(keys.iter().map(|key| key.trim()));
        next.push(END);
    }
    lines(next)
}

/// The lines that go into our block. One with options before the key grants less, and stays where it is.
pub(super) fn moved(text: &str, keys: &[String]) -> Vec<String> {
    let moved = outside(text).into_iter().filter(|line| is_one_of(line, keys));
    moved.map(str::to_owned).collect()
}

/// The text without any line that has one of these keys, whatever options stand before it.
pub(super) fn without(text: &str, revoked: &[String]) -> String {
    let is_revoked = |line: &&str| revoked.iter().any(|key| has(line, key));
    lines(text.lines().filter(|line| !is_revoked(line)))
}

/// The text without our block and with the lines that were there before it, or `None` if nothing changes by that.
pub(super) fn without_block(text: &str, before: &[String]) -> Option<String> {
    let mut next = outside(text);
    let mut back: Vec<&str> = before.iter().map(String::as_str).collect();
    back.retain(|line| !next.contains(line));
    if back.is_empty() && !text.contains(BEGIN) {
        return None;
    }
    next.extend(back);
    Some(lines(next))
}

/// Whether any key stands in it.
pub(super) fn any(text: &str) -> bool {
    text.lines()
        .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

fn is_one_of(line: &str, keys: &[String]) -> bool {
    keys.iter().any(|key| plain(line) == plain(key))
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
    use std::collections::BTreeSet;

    use super::*;

    const FOREIGN: &str = "# mine\nssh-ed25519 AAAA1 cloud-init\nssh-ed25519 AAAA2 friend\n\
                           from=\"192.0.2.1\" ssh-ed25519 AAAA3 bastion\n";

    fn keys(numbers: &[u32]) -> Vec<String> {
        let key = |number| format!("ssh-ed25519 AAAA{number} installer");
        numbers.iter().map(key).collect()
    }

    #[test]
    fn what_stood_there_stands_there_when_the_block_has_gone() {
        let set = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        for wanted in [&[][..], &[1], &[1, 2], &[3], &[4], &[1, 3, 4]] {
            let moved = moved(FOREIGN, &keys(wanted));
            let next = with_block(FOREIGN, &keys(wanted));
            assert_eq!(with_block(&next, &keys(wanted)), next);
            let left = without_block(&next, &moved).unwrap_or(next);
            assert_eq!(set(&left), set(FOREIGN), "{wanted:?}");
        }
    }

    #[test]
    fn a_key_is_there_once_and_goes_when_it_is_not_wanted_any_more() {
        let next = with_block(FOREIGN, &keys(&[1, 3, 4]));
        let count = |key| next.matches(key).count();
        assert_eq!((count("AAAA1"), count("AAAA3"), count("AAAA4")), (1, 2, 1));
        assert!(!with_block(&next, &keys(&[4])).contains("AAAA1"));
        assert_eq!(without_block(FOREIGN, &[]), None);
    }

    #[test]
    fn a_revoked_key_goes_wherever_it_stands() {
        let text = with_block(FOREIGN, &keys(&[3, 4]));
        let left = without(&text, &keys(&[1, 2, 3, 4]));
        assert!(!any(&left), "{left}");
        assert!(any(&text));
    }
}
