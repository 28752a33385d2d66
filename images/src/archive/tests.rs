use std::fs;
use std::io::Cursor;

use serde_json::json;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::*;
use crate::artifact::{Files, Origin, flux};
use crate::digest::Digest;
use crate::layout::Layout;

fn stocked() -> (TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path().join("layout")).unwrap();
    let files = Files::from([("kustomization.yaml".to_owned(), b"resources: []\n".to_vec())]);
    let origin = Origin {
        source: "kit".into(),
        revision: "1".into(),
        created: None,
    };
    let artifact = flux(&files, &origin).unwrap();
    artifact
        .put(&layout, &"kit".parse().unwrap(), &"1.0.0".parse().unwrap())
        .unwrap();
    (folder, layout)
}

fn packed(layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(layout, &mut bytes).unwrap();
    bytes
}

fn unpacked(bytes: &[u8]) -> (TempDir, Result<Layout, ArchiveError>) {
    let folder = tempfile::tempdir().unwrap();
    let layout = unpack(bytes, &folder.path().join("unpacked"));
    (folder, layout)
}

fn refused(bytes: &[u8]) -> String {
    unpacked(bytes).1.expect_err("it is refused").to_string()
}

/// An entry as tools do not write it.
fn entry(archive: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive.append(&header, content).unwrap();
}

/// The archive of a good layout with something more in front.
fn with(name: &str, kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    entry(&mut archive, name, kind, content);
    let mut bytes = archive.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    bytes.extend(packed(&stocked().1));
    bytes
}

#[test]
fn what_is_packed_comes_out_and_is_the_same_bytes_again() {
    let (_source, layout) = stocked();
    layout.put_bytes(b"nobody needs this").unwrap();
    let bytes = packed(&layout);
    let (_folder, copy) = unpacked(&bytes);
    let copy = copy.unwrap();
    assert_eq!(copy.verify().unwrap().problems, []);
    assert_eq!(packed(&copy), bytes);
    assert_eq!(
        fs::read(copy.root().join("index.json")).unwrap(),
        fs::read(layout.root().join("index.json")).unwrap()
    );
    assert!(!copy.blob_path(Digest::of(b"nobody needs this")).exists());
}

#[test]
fn paths_that_lead_elsewhere_are_refused_and_nothing_is_written_there() {
    for name in [
        "../evil",
        "/etc/evil",
        "blobs/sha256/../../../evil",
        "blobs/sha512/00",
        "blobs/sha256/short",
        "index.json/x",
        ".sovereign/index.lock",
        "manifest.json",
    ] {
        let (folder, layout) = unpacked(&with(name, EntryType::Regular, b"evil"));
        let error = layout.expect_err(name).to_string();
        assert!(error.contains(name) && error.contains("no part of"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
    let error = refused(&with("blobs/elsewhere/", EntryType::Directory, b""));
    assert!(error.contains("no part of"), "{error}");
}

#[test]
fn links_devices_and_the_like_are_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::GNULongName,
    ] {
        let error = refused(&with("index.json", kind, b""));
        assert!(error.contains("not a plain file"), "{kind:?}: {error}");
    }
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_named() {
    let wrong = format!("{BLOBS}{}", Digest::of(b"right").hex());
    let error = refused(&with(&wrong, EntryType::Regular, b"wrong"));
    assert!(error.contains("is damaged"), "{error}");
    let double = format!("{BLOBS}{}", Digest::of(b"right").hex());
    let mut archive = Builder::new(Vec::new());
    for _ in 0..2 {
        entry(&mut archive, &double, EntryType::Regular, b"right");
    }
    assert!(refused(&archive.into_inner().unwrap()).contains("twice"));
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_refused() {
    let bytes = packed(&stocked().1);
    // The last 1,024 bytes only say that it ends.
    for end in (0..bytes.len() - 1024).step_by(97) {
        let error = refused(&bytes[..end]);
        assert!(!error.is_empty(), "{end}");
    }
}

#[test]
fn sizes_that_are_not_true_are_found_out() {
    // More than there is.
    let mut archive = Builder::new(Vec::new());
    let name = format!("{BLOBS}{}", Digest::of(b"x").hex());
    entry(&mut archive, &name, EntryType::Regular, b"x");
    let mut bytes = archive.into_inner().unwrap();
    let mut header = Header::from_byte_slice(&bytes[..512]).clone();
    header.set_size(1 << 40);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    let error = refused(&bytes);
    assert!(error.contains("instead of 1099511627776"), "{error}");

    // More than is read into memory.
    let mut header = Header::new_gnu();
    header.set_path("index.json").unwrap();
    header.set_size(33 * 1024 * 1024);
    header.set_cksum();
    let error = unpack(
        Cursor::new(header.as_bytes().to_vec()),
        &tempfile::tempdir().unwrap().path().join("unpacked"),
    );
    assert!(matches!(error, Err(ArchiveError::TooLarge { .. })), "{error:?}");
}

#[test]
fn what_is_named_has_to_be_there_and_something_has_to_be_named() {
    let (_source, layout) = stocked();
    let small = |index: serde_json::Value| {
        let mut archive = Builder::new(Vec::new());
        entry(
            &mut archive,
            "oci-layout",
            EntryType::Regular,
            br#"{"imageLayoutVersion":"1.0.0"}"#,
        );
        let index = index.to_string();
        entry(&mut archive, "./index.json", EntryType::Regular, index.as_bytes());
        archive.into_inner().unwrap()
    };
    let index = fs::read(layout.root().join("index.json")).unwrap();
    let error = refused(&small(serde_json::from_slice(&index).unwrap()));
    assert!(
        error.contains("not whole") && error.contains("kit:1.0.0"),
        "{error}"
    );
    let error = refused(&small(json!({"schemaVersion": 2, "manifests": []})));
    assert!(error.contains("names nothing"), "{error}");
    assert!(refused(&[0; 1024]).contains("has no `oci-layout`"));
}
