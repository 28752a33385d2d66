use proptest::prelude::*;

use super::path::What;
use super::range::{Part, part};
use super::*;

#[test]
fn a_path_is_read_from_its_end() {
    let digest = crate::digest::Digest::of(b"x");
    let asked = |path: &str| Asked::read(path).ok();
    let in_repository = |name: &str, what| Some(Asked::In(name.parse().unwrap(), what));
    assert_eq!(asked("/v2/"), Some(Asked::Base));
    assert_eq!(asked("/v2"), Some(Asked::Base));
    assert_eq!(
        asked("/v2/tags/list/tags/list"),
        in_repository("tags/list", What::Tags)
    );
    assert_eq!(
        asked(&format!("/v2/blobs/blobs/{digest}")),
        in_repository("blobs", What::Blob(digest))
    );
    for odd in [
        "/",
        "/v2x",
        "/v2/a",
        "/v2/tags/list",
        "/v2//tags/list",
        "/v2/a/manifests/",
        "/v2/a/blobs/1.0",
    ] {
        assert_eq!(asked(odd), None, "{odd}");
    }
}

proptest! {
    #[test]
    fn a_part_lies_within_its_blob(header in "(bytes=)?[0-9]{0,20}-?[0-9]{0,20}", size in 0..100_u64) {
        match part(Some(&header), size) {
            Part::Bytes(bytes) => prop_assert!(bytes.start < bytes.end && bytes.end <= size),
            Part::Whole | Part::Beyond => {}
        }
    }

    #[test]
    fn what_is_asked_for_is_what_is_sent(from in 0..100_u64, length in 1..100_u64, size in 1..200_u64) {
        let sent = part(Some(&format!("bytes={from}-{}", from + length - 1)), size);
        let wanted = from..size.min(from + length);
        prop_assert_eq!(sent, if wanted.is_empty() { Part::Beyond } else { Part::Bytes(wanted) });
    }

    #[test]
    fn no_path_is_too_odd_to_be_answered(path in "/v2/[a-z0-9/:.@%-]{0,60}") {
        let _ = Asked::read(&path);
    }
}
