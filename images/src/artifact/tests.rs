use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::*;

fn files(all: &[(&str, &[u8])]) -> Files {
    all.iter()
        .map(|(path, content)| ((*path).to_owned(), content.to_vec()))
        .collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

/// An archive as an attacker writes it: paths as they are, any kind of entry.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o777);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

fn read(tgz: &[u8]) -> Result<Files, ArtifactError> {
    tarball::read(tgz, &Limits::default())
}

fn put(artifact: &Artifact) -> (tempfile::TempDir, Layout, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    artifact
        .put(&layout, &"kit".parse().unwrap(), &"1".parse().unwrap())
        .unwrap();
    (folder, layout, artifact.digest())
}

const CHART: &[u8] = b"apiVersion: v2\nname: demo\nversion: 1.2.3+a\ndescription: shows it\nkeywords: [x]\n";

#[test]
fn flux_gets_what_it_knows_and_the_same_bytes_each_time() {
    let tree = files(&[
        ("kustomization.yaml", b"resources: []\n"),
        ("a/b.yaml", b"kind: B\n"),
    ]);
    let origin = Origin {
        source: "https://example.org/kit".to_owned(),
        revision: "1.0.0".to_owned(),
        created: None,
    };
    let artifact = flux(&tree, &origin).unwrap();
    assert_eq!(
        artifact.digest().to_string(),
        "sha256:ced6e1238883f4a84759d137c00ac5ed4678c735de3947acc8137dc59f58d0ac"
    );
    let (_folder, layout, digest) = put(&artifact);
    let Manifest::Image { manifest, .. } = layout.manifest(digest).unwrap() else {
        panic!("an index")
    };
    assert_eq!(manifest.config().media_type().as_ref(), media::FLUX_CONFIG);
    assert_eq!(manifest.layers()[0].media_type().as_ref(), media::FLUX_CONTENT);
    let annotations = manifest.annotations().as_ref().unwrap();
    assert_eq!(annotations["org.opencontainers.image.revision"], "1.0.0");
    assert!(!annotations.contains_key("org.opencontainers.image.created"));
    assert_eq!(unpack(&layout, digest, &Limits::default()).unwrap(), tree);
    assert_eq!(layout.verify().unwrap().problems, []);
}

#[test]
fn a_chart_says_who_it_is() {
    let tgz = archive(&[
        ("demo/Chart.yaml", EntryType::Regular, CHART),
        (
            "demo/charts/sub/Chart.yaml",
            EntryType::Regular,
            b"name: sub\nversion: 9.9.9\n",
        ),
        ("demo/templates/a.yaml", EntryType::Regular, b"kind: A\n"),
    ]);
    let (who, artifact) = chart(&tgz).unwrap();
    assert_eq!((who.name.as_str(), who.version.as_str()), ("demo", "1.2.3+a"));
    assert_eq!(who.tag().unwrap().as_str(), "1.2.3_a");
    let (_folder, layout, digest) = put(&artifact);
    assert_eq!(unpack(&layout, digest, &Limits::default()).unwrap().len(), 3);
    let Manifest::Image { manifest, blobs, .. } = layout.manifest(digest).unwrap() else {
        panic!("an index")
    };
    assert_eq!(manifest.config().media_type().as_ref(), media::HELM_CONFIG);
    let config: serde_json::Value =
        serde_json::from_slice(&layout.read_blob(blobs[0].0, 4096).unwrap()).unwrap();
    assert_eq!(config["keywords"][0], "x");
}

#[test]
fn what_is_no_chart_is_told() {
    for (entries, why) in [
        (vec![], "Chart.yaml"),
        (
            vec![("demo/Chart.yaml", EntryType::Regular, &b"name: demo\n"[..])],
            "`version`",
        ),
        (
            vec![("demo/Chart.yaml", EntryType::Regular, &b"a: [\n"[..])],
            "demo/Chart.yaml",
        ),
        (
            vec![
                ("a/Chart.yaml", EntryType::Regular, CHART),
                ("b/Chart.yaml", EntryType::Regular, CHART),
            ],
            "not one",
        ),
    ] {
        let error = chart(&archive(&entries)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(matches!(chart(b"no gzip"), Err(ArtifactError::Archive(_))));
}

#[test]
fn dangerous_archives_are_refused() {
    for path in ["../a", "/etc/passwd", "a/../../b", "a/./b", "a//b", "a\\b", ".."] {
        let refused = read(&archive(&[(path, EntryType::Regular, b"x")]));
        assert!(
            matches!(refused, Err(ArtifactError::UnsafePath(_))),
            "{path}: {refused:?}"
        );
    }
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Fifo,
    ] {
        let refused = read(&archive(&[("a", kind, b"")]));
        assert!(
            matches!(refused, Err(ArtifactError::NotAFile(_))),
            "{kind:?}: {refused:?}"
        );
    }
    let twice = [
        ("a", EntryType::Regular, &b"1"[..]),
        ("a", EntryType::Regular, b"2"),
    ];
    assert!(matches!(read(&archive(&twice)), Err(ArtifactError::Twice(_))));
    let both = [
        ("a", EntryType::Regular, &b"1"[..]),
        ("a/b", EntryType::Regular, b"2"),
    ];
    assert!(matches!(read(&archive(&both)), Err(ArtifactError::Twice(_))));
    let folder = [
        ("./", EntryType::Directory, &b""[..]),
        ("./a/", EntryType::Directory, b""),
        ("./a/b", EntryType::Regular, b"2"),
    ];
    assert_eq!(read(&archive(&folder)).unwrap(), files(&[("a/b", b"2")]));
}

#[test]
fn archives_larger_than_they_look_are_refused() {
    let limits = Limits {
        entries: 3,
        bytes: 1000,
    };
    let large = archive(&[("a", EntryType::Regular, &[0; 2000])]);
    assert!(matches!(
        tarball::read(&large, &limits),
        Err(ArtifactError::TooMuch { what: "bytes", .. })
    ));
    let many: Vec<_> = ["a", "b", "c", "d"]
        .map(|path| (path, EntryType::Regular, &b""[..]))
        .to_vec();
    assert!(matches!(
        tarball::read(&archive(&many), &limits),
        Err(ArtifactError::TooMuch { what: "files", .. })
    ));
    let nothing_else = gzip(&vec![0; 64 * 1024 * 1024]);
    assert!(tarball::read(&nothing_else, &limits).is_ok_and(|files| files.is_empty()));
}

#[test]
fn a_folder_is_taken_without_its_links() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::fs::write(folder.path().join("a/b"), b"x").unwrap();
    assert_eq!(
        from_folder(folder.path(), &Limits::default()).unwrap(),
        files(&[("a/b", b"x")])
    );
    std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
    assert!(matches!(
        from_folder(folder.path(), &Limits::default()),
        Err(ArtifactError::NotAFile(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_come_out_as_they_went_in(
        tree in proptest::collection::btree_map("[a-z]{1,30}(/[a-z]{1,60}){3}", proptest::collection::vec(any::<u8>(), 0..600), 0..6),
    ) {
        let (tgz, _) = tarball::write(&tree).unwrap();
        prop_assert_eq!(&tarball::write(&tree).unwrap().0, &tgz);
        prop_assert_eq!(read(&tgz).unwrap(), tree);
    }

    #[test]
    fn no_path_leads_elsewhere(path in "[a./\\\\]{1,12}") {
        if let Ok(files) = read(&archive(&[(&path, EntryType::Regular, b"x")])) {
            let path = files.keys().next().unwrap();
            prop_assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", path);
        }
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = read(&gzip(&bytes));
        let _ = read(&bytes);
    }
}
