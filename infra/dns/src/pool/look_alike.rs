//! Which labels look alike.

use unicode_security::confusable_detection::skeleton as confusable_skeleton;

/// A text that is equal for labels that look alike: the skeleton of UTS 39 section 4 of what the label stands for, with the pairs
/// that lower-case ASCII adds to it (`1 i l`, `vv w`). It is for comparing only.
pub fn skeleton(label: &str) -> String {
    let (shown, _) = idna::domain_to_unicode(label);
    let drawn: String = confusable_skeleton(&shown).collect();
    drawn
        .to_lowercase()
        .replace(['i', '1', 'ı'], "l")
        .replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_has_one_skeleton() {
        for (one, other) in [
            ("acme", "acrne"),
            ("google", "g00gle"),
            ("paypal", "paypa1"),
            ("lima", "iima"),
            ("1ima", "lima"),
            ("wave", "vvave"),
            // `раура` in Cyrillic.
            ("paypa", "xn--80aa0cbo"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} and {other}");
        }
    }

    #[test]
    fn others_are_told_apart() {
        for (one, other) in [
            ("acme", "acne"),
            ("a-b", "ab"),
            ("north", "south"),
            ("acme", "acme2"),
        ] {
            assert_ne!(skeleton(one), skeleton(other), "{one} and {other}");
        }
    }
}
