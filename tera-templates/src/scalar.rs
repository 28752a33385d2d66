//! A text as a YAML scalar that it cannot leave.

use std::io::{self, Write};

/// Writes `text` as a double-quoted YAML scalar on one line of printable ASCII.
///
/// JSON's own quoting is not enough: it lets line breaks that only YAML knows (U+0085, U+2028) and characters that YAML
/// forbids (U+007F) through, and pairs of `\u` mean two characters to YAML.
pub(crate) fn write(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    for character in text.chars() {
        match character {
            '"' => out.write_all(b"\\\""),
            '\\' => out.write_all(b"\\\\"),
            '\n' => out.write_all(b"\\n"),
            ' '..='~' => write!(out, "{character}"),
            '\0'..='\u{ff}' => write!(out, "\\x{:02x}", u32::from(character)),
            '\u{100}'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(character)),
            _ => write!(out, "\\U{:08x}", u32::from(character)),
        }?;
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        write(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_of_character_has_its_form() {
        assert_eq!(
            quoted("a\"b\\c\nd\0\u{85}\u{2028}\u{1f600}"),
            r#""a\"b\\c\nd\x00\x85\u2028\U0001f600""#
        );
    }

    proptest! {
        #[test]
        fn a_text_comes_back_and_stays_on_its_line(text in any::<String>()) {
            let scalar = quoted(&text);
            prop_assert!(scalar.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(serde_saphyr::from_str::<String>(&scalar).unwrap(), text);
        }
    }
}
