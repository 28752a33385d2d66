use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Reference {
    text.parse().unwrap()
}

#[test]
fn references_are_read_as_people_and_manifests_write_them() {
    let digest = Digest::of(b"x");
    for (text, full) in [
        ("nginx:1.27", "oci://docker.io/library/nginx:1.27".to_owned()),
        (
            "rancher/mirrored-pause:3.6",
            "oci://docker.io/rancher/mirrored-pause:3.6".to_owned(),
        ),
        ("oci://ghcr.io/a/b/c:v1", "oci://ghcr.io/a/b/c:v1".to_owned()),
        ("localhost:5000/a:1", "oci://localhost:5000/a:1".to_owned()),
        (
            &format!("quay.io/a/b@{digest}"),
            format!("oci://quay.io/a/b@{digest}"),
        ),
        (
            &format!("quay.io/a/b:1@{digest}"),
            format!("oci://quay.io/a/b:1@{digest}"),
        ),
    ] {
        assert_eq!(read(text).to_string(), full);
    }
}

#[test]
fn what_would_mean_another_thing_tomorrow_is_refused() {
    for (text, why) in [
        ("ghcr.io/a/b", "a digest"),
        ("ghcr.io:99999/a:1", "no host"),
        ("ghcr.io/A:1", "no repository"),
        ("ghcr.io/a@sha256:12", "no digest"),
        ("ghcr.io/a:.1", "no tag"),
        ("exa mple.io/a:1", "no host"),
        ("", "a digest"),
    ] {
        let error = text.parse::<Reference>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_digest_counts_more_than_a_tag() {
    let digest = Digest::of(b"x");
    let reference = read("localhost:5000/a:1").pinned(digest);
    assert_eq!(reference.version(), Version::Digest(digest));
    assert_eq!(reference.copy_target().unwrap().to_string(), "localhost_5000/a:1");
}

proptest! {
    #[test]
    fn a_reference_is_read_as_it_is_written(
        host in "[a-z]{1,5}\\.[a-z]{2,4}(:[1-9][0-9]{0,3})?",
        repository in "[a-z0-9]{1,6}(/[a-z0-9]{1,6}){0,3}",
        tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,10}"),
    ) {
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let text = format!("oci://{host}/{repository}{tag}@{}", Digest::of(host.as_bytes()));
        prop_assert_eq!(read(&text).to_string(), text);
    }

    #[test]
    fn no_text_is_too_odd_to_be_answered(text in "\\PC{0,40}") {
        let _ = text.parse::<Reference>();
    }
}
