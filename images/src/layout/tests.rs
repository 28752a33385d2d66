use std::collections::BTreeMap;
use std::io::{self, Read};

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::canonical;
use crate::name::Version;

fn layout() -> (TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path().join("layout")).unwrap();
    (folder, layout)
}

fn repository(name: &str) -> Repository {
    name.parse().unwrap()
}

fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

/// A manifest over blobs, the first of which is its config.
fn manifest(blobs: &[&[u8]], subject: Option<Digest>) -> Vec<u8> {
    let one = |blob: &[u8]| json!({"mediaType": "application/octet-stream", "digest": Digest::of(blob), "size": blob.len()});
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageManifest,
        "config": one(blobs[0]),
        "layers": blobs[1..].iter().map(|blob| one(blob)).collect::<Vec<_>>(),
    });
    if let Some(subject) = subject {
        manifest["artifactType"] = "application/x.signature".into();
        manifest["subject"] = json!({"mediaType": MediaType::ImageManifest, "digest": subject, "size": 1});
    }
    canonical::json(&manifest)
}

fn put(layout: &Layout, name: &str, version: &str, blobs: &[&[u8]]) -> Digest {
    for blob in blobs {
        layout.put_bytes(blob).unwrap();
    }
    let bytes = manifest(blobs, None);
    layout
        .put_manifest(
            &repository(name),
            Some(&tag(version)),
            &MediaType::ImageManifest,
            &bytes,
        )
        .unwrap();
    Digest::of(&bytes)
}

fn damage(layout: &Layout, digest: Digest) {
    let path = layout.blob_path(digest);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A reader that breaks in the middle.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(io::Error::other("the line broke"));
        }
        buf[0] = 1;
        Ok(1)
    }
}

#[test]
fn what_is_put_is_found_by_tag_and_by_digest() {
    let (_folder, layout) = layout();
    let digest = put(&layout, "kit", "1.0", &[b"{}", b"one"]);
    for target in ["kit:1.0".to_owned(), format!("kit@{digest}")] {
        let found = layout.resolve(&target.parse().unwrap()).unwrap();
        assert_eq!(found.digest().to_string(), digest.to_string());
    }
    assert!(matches!(
        layout.resolve(&"kit:2.0".parse().unwrap()),
        Err(LayoutError::Unknown { .. })
    ));
    assert!(matches!(
        layout.resolve(&format!("other@{digest}").parse().unwrap()),
        Err(LayoutError::Unknown { .. })
    ));
    assert_eq!(
        Layout::open(layout.root())
            .unwrap()
            .tags(&repository("kit"))
            .unwrap(),
        [tag("1.0")]
    );
}

#[test]
fn a_tag_moves_and_its_old_manifest_goes_with_the_sweep() {
    let (_folder, layout) = layout();
    put(&layout, "kit", "1.0", &[b"{}", b"old"]);
    let new = put(&layout, "kit", "1.0", &[b"{}", b"new"]);
    assert_eq!(layout.sweep().unwrap().files, 2);
    let found = layout.resolve(&"kit:1.0".parse().unwrap()).unwrap();
    assert_eq!(found.digest().to_string(), new.to_string());
    assert_eq!(layout.verify().unwrap().problems, []);
    layout.remove(&"kit:1.0".parse().unwrap()).unwrap();
    layout.sweep().unwrap();
    assert_eq!(
        layout.verify().unwrap(),
        Report {
            blobs: 0,
            bytes: 0,
            problems: vec![]
        }
    );
}

#[test]
fn a_manifest_comes_after_its_blobs() {
    let (_folder, layout) = layout();
    let bytes = manifest(&[b"{}", b"one"], None);
    let putting = || layout.put_manifest(&repository("kit"), None, &MediaType::ImageManifest, &bytes);
    assert!(matches!(putting(), Err(LayoutError::NoBlob { .. })));
    layout.put_bytes(b"{}").unwrap();
    layout.put_bytes(b"one").unwrap();
    putting().unwrap();
    let named = layout.index().unwrap();
    assert_eq!(
        index::name_of(&named[0]).unwrap().to_string(),
        format!("kit@{}", Digest::of(&bytes))
    );
    for bad in [&b"{}"[..], b"[", br#"{"layers":[],"manifests":[]}"#] {
        let refused = layout.put_manifest(&repository("kit"), None, &MediaType::ImageManifest, bad);
        assert!(
            matches!(refused, Err(LayoutError::BadManifest { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn an_index_may_be_of_some_platforms_only() {
    let (_folder, layout) = layout();
    let amd64 = manifest(&[b"{}", b"amd64"], None);
    let arm64 = manifest(&[b"{}", b"arm64"], None);
    let child = |bytes: &[u8]| json!({"mediaType": MediaType::ImageManifest, "digest": Digest::of(bytes), "size": bytes.len()});
    let index = canonical::json(&json!({"schemaVersion": 2, "manifests": [child(&amd64), child(&arm64)]}));
    let putting = || {
        layout.put_manifest(
            &repository("app"),
            Some(&tag("1")),
            &MediaType::ImageIndex,
            &index,
        )
    };
    assert!(putting().is_err());
    for blob in [b"{}", &b"amd64"[..], &amd64] {
        layout.put_bytes(blob).unwrap();
    }
    putting().unwrap();
    assert_eq!(layout.verify().unwrap().problems, []);
    assert_eq!(layout.sweep().unwrap().files, 0);
    let target = |bytes: &[u8]| Target::digest(&repository("app"), Digest::of(bytes));
    assert!(layout.resolve(&target(&amd64)).is_ok());
    assert!(layout.resolve(&target(&arm64)).is_err());
}

#[test]
fn referrers_are_found_by_their_subject() {
    let (_folder, layout) = layout();
    let subject = put(&layout, "kit", "1.0", &[b"{}", b"one"]);
    let bytes = manifest(&[b"{}"], Some(subject));
    layout
        .put_manifest(&repository("kit"), None, &MediaType::ImageManifest, &bytes)
        .unwrap();
    let found = layout.referrers(&repository("kit"), subject).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].artifact_type().as_ref().unwrap().as_ref(),
        "application/x.signature"
    );
    assert!(
        layout
            .referrers(&repository("other"), subject)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_is_not_what_it_should_be_is_not_kept() {
    let (_folder, layout) = layout();
    let digest = Digest::of(b"right");
    let refused = [
        layout.put_blob(digest, 5, &mut &b"wrong"[..]),
        layout.put_blob(digest, 5, &mut &b"right and more"[..]),
        layout.put_blob(digest, 5, &mut &b"righ"[..]),
        layout.put_blob(digest, 5, &mut Broken(false)),
    ];
    assert!(
        matches!(refused[0], Err(LayoutError::Damaged { .. })),
        "{refused:?}"
    );
    assert!(matches!(refused[1], Err(LayoutError::Size { .. })), "{refused:?}");
    assert!(
        matches!(refused[2], Err(LayoutError::Size { found: 4, .. })),
        "{refused:?}"
    );
    assert!(matches!(refused[3], Err(LayoutError::Source(_))), "{refused:?}");
    assert!(!layout.has_blob(digest, 5));
    assert_eq!(fs::read_dir(layout.writing_folder()).unwrap().count(), 0);
}

#[test]
fn every_problem_is_found_at_once_and_named() {
    let (_folder, layout) = layout();
    put(&layout, "kit", "1.0", &[b"{}", b"damaged"]);
    put(&layout, "kit", "2.0", &[b"{}", b"truncated"]);
    put(&layout, "kit", "3.0", &[b"{}", b"missing"]);
    damage(&layout, Digest::of(b"damaged"));
    fs::write(layout.blob_path(Digest::of(b"truncated")), b"trunc").unwrap();
    fs::remove_file(layout.blob_path(Digest::of(b"missing"))).unwrap();
    fs::write(layout.root().join("blobs/sha256/notes.txt"), b"?").unwrap();
    let mut entries = layout.index().unwrap();
    entries[0].set_annotations(None);
    entries.push(Descriptor::new(MediaType::ImageManifest, 1, Digest::of(b"?")));
    layout.write_index(entries).unwrap();
    let problems: Vec<String> = layout
        .verify()
        .unwrap()
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    let found = |parts: &[&str]| {
        problems
            .iter()
            .any(|problem| parts.iter().all(|part| problem.contains(part)))
    };
    assert!(
        found(&["damaged", &Digest::of(b"damaged").to_string()]),
        "{problems:#?}"
    );
    assert!(found(&["kit:2.0", "5 bytes instead of 9"]), "{problems:#?}");
    assert!(found(&["kit:3.0", "there is no blob"]), "{problems:#?}");
    assert!(found(&["notes.txt"]), "{problems:#?}");
    assert_eq!(
        problems
            .iter()
            .filter(|problem| problem.contains("has no name"))
            .count(),
        2,
        "{problems:#?}"
    );
    assert!(matches!(layout.sweep(), Err(LayoutError::Disorder { .. })));
}

#[test]
fn a_damaged_blob_is_put_right_by_putting_it_again() {
    let (_folder, layout) = layout();
    put(&layout, "kit", "1.0", &[b"{}", b"one"]);
    damage(&layout, Digest::of(b"one"));
    assert!(matches!(
        layout.read_blob(Digest::of(b"one"), 9),
        Err(LayoutError::Damaged { .. })
    ));
    layout.put_bytes(b"one").unwrap();
    assert_eq!(layout.verify().unwrap().problems, []);
}

#[test]
fn a_layout_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let why = || Layout::open(folder.path()).unwrap_err().to_string();
    assert!(why().contains("oci-layout"), "{}", why());
    fs::write(
        folder.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .unwrap();
    assert!(why().contains("2.0.0"), "{}", why());
    fs::write(folder.path().join("oci-layout"), VERSION).unwrap();
    fs::write(folder.path().join("index.json"), "{").unwrap();
    assert!(why().contains("index.json"), "{}", why());
}

#[test]
fn a_full_disk_is_told_as_one() {
    let error = LayoutError::io("write", Path::new("/x"))(io::ErrorKind::StorageFull.into());
    assert_eq!(error.to_string(), "cannot write `/x`: the disk is full");
}

#[test]
fn writers_do_not_lose_each_others_names() {
    let (_folder, layout) = layout();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let layout = &layout;
            scope.spawn(move || {
                for version in 0..10 {
                    put(
                        layout,
                        "kit",
                        &format!("{writer}.{version}"),
                        &[b"{}", format!("{writer}").as_bytes()],
                    );
                    layout.catalog().unwrap();
                }
            });
        }
    });
    assert_eq!(layout.tags(&repository("kit")).unwrap().len(), 80);
    assert_eq!(layout.verify().unwrap().problems, []);
}

#[test]
fn what_a_dead_writer_left_is_swept() {
    let (_folder, layout) = layout();
    fs::write(layout.writing_folder().join("1-0"), b"half").unwrap();
    assert_eq!(layout.sweep().unwrap(), Swept { files: 1, bytes: 4 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_layout_holds_what_was_put_last_and_nothing_else(
        puts in proptest::collection::vec((0..3_u8, 0..3_u8, proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
    ) {
        let (_folder, layout) = layout();
        let mut model = BTreeMap::new();
        for (name, version, content) in &puts {
            let (name, version) = (format!("r{name}"), format!("v{version}"));
            let digest = put(&layout, &name, &version, &[b"{}", content]);
            model.insert((name, version), digest);
        }
        layout.sweep().unwrap();
        let catalog = layout.catalog().unwrap();
        let mut held = BTreeMap::new();
        for repository in catalog.repositories() {
            let stock = catalog.stock(repository).unwrap();
            for tag in stock.tags() {
                let found = stock.resolve(&Version::Tag(tag.clone())).unwrap();
                held.insert((repository.to_string(), tag.to_string()), Digest::try_from(found.digest()).unwrap());
            }
        }
        prop_assert_eq!(held, model.clone());
        let report = layout.verify().unwrap();
        prop_assert_eq!(report.problems, vec![]);
        prop_assert_eq!(report.blobs, catalog.needed().len());
    }
}
