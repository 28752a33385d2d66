//! Which part of a blob is asked for (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` header means for content of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it: nothing else was said, or nothing that is understood, or several ranges at once.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes that there are none of.
    Beyond,
}

pub(super) fn part(header: Option<&str>, size: u64) -> Part {
    let spec = header.and_then(|header| header.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.trim().split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| -> Option<Option<u64>> {
        match text.trim() {
            "" => Some(None),
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
            _ => None,
        }
    };
    let bytes = match (number(first), number(last)) {
        (Some(Some(first)), Some(Some(last))) if first > last => return Part::Whole,
        (Some(Some(first)), Some(last)) => first..last.map_or(size, |last| size.min(last.saturating_add(1))),
        (Some(None), Some(Some(count))) => size.saturating_sub(count)..size,
        _ => return Part::Whole,
    };
    if bytes.start < bytes.end {
        Part::Bytes(bytes)
    } else {
        Part::Beyond
    }
}
