//! Our client: what it copies, what it does about a registry's moods, what it refuses.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use oci_spec::image::MediaType;
use serde_json::json;
use sovereign_images::client::{Client, Options, Platform, PullError};
use sovereign_images::signature::{SigningKey, sign, verify};
use sovereign_images::{Digest, Layout, Target};

use crate::served::{Served, noise, put, repository, tag};
use crate::upstream::{Mood, Upstream};

fn layouts() -> (tempfile::TempDir, Layout, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| Layout::create(folder.path().join(name)).unwrap();
    let (from, to) = (make("from"), make("to"));
    (folder, from, to)
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_copy_is_whole_and_signed_like_its_original() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1", b"x");
    let key = SigningKey::generate();
    sign(&served.layout, &repository("kit"), digest, "example/kit", &key).unwrap();
    let copy = Layout::create(served.path("copy")).unwrap();
    let reference = served.reference("kit:1").pinned(digest);
    let at = reference.copy_target().unwrap();
    let told = Mutex::new(0);
    let client = served.client();
    assert_eq!(client.resolve(&served.reference("kit:1")).await.unwrap(), digest);
    client
        .pull(&reference, &copy, &at, &|progress| {
            *told.lock().unwrap() += progress.done;
        })
        .await
        .unwrap();
    assert!(*told.lock().unwrap() > 0);
    assert!(
        client
            .pull_signatures(&reference, digest, &copy, &at.repository)
            .await
            .unwrap()
    );
    assert_eq!(copy.verify().unwrap().problems, []);
    verify(&copy, &at.repository, digest, &key.public()).unwrap();
    let unsigned = put(&served.layout, "kit", "2", b"y");
    assert!(
        !client
            .pull_signatures(&reference, unsigned, &copy, &at.repository)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_broke() {
    let (_folder, from, to) = layouts();
    let digest = put(&from, "kit", "1", &noise(1_000_000));
    let upstream = Upstream::start(
        &from,
        Mood {
            breaks_after: Some(300_000),
            ..Mood::default()
        },
    )
    .await;
    let client = upstream.client(None);
    let pulled = client
        .pull(&upstream.reference("kit:1"), &to, &target("kit:1"), &|_| ())
        .await;
    assert_eq!(pulled.unwrap().digest().to_string(), digest.to_string());
    assert_eq!(
        (upstream.seen("bytes=300000-"), upstream.seen("bytes=600000-")),
        (1, 1)
    );
    assert_eq!(to.verify().unwrap().problems, []);
}

#[tokio::test]
async fn a_registry_without_ranges_is_given_up_in_the_end() {
    let (_folder, from, to) = layouts();
    put(&from, "kit", "1", &noise(100_000));
    let upstream = Upstream::start(
        &from,
        Mood {
            breaks_after: Some(50_000),
            no_ranges: true,
            ..Mood::default()
        },
    )
    .await;
    let pulled = upstream
        .client(None)
        .pull(&upstream.reference("kit:1"), &to, &target("kit:1"), &|_| ())
        .await;
    assert!(matches!(pulled, Err(PullError::Unreachable { .. })), "{pulled:?}");
    assert!(to.resolve(&target("kit:1")).is_err());
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let (_folder, from, to) = layouts();
    put(&from, "kit", "1", b"x");
    let upstream = Upstream::start(&from, Mood::default()).await;
    let client = upstream.client(None);
    for _ in 0..2 {
        client
            .pull(&upstream.reference("kit:1"), &to, &target("kit:1"), &|_| ())
            .await
            .unwrap();
    }
    assert_eq!(upstream.seen("/blobs/"), 2);
}

#[tokio::test]
async fn tokens_are_asked_for_once_and_by_the_right_account_only() {
    let (_folder, from, to) = layouts();
    put(&from, "kit", "1", b"x");
    let upstream = Upstream::start(
        &from,
        Mood {
            tokens: true,
            ..Mood::default()
        },
    )
    .await;
    let client = upstream.client(Some("secret"));
    client
        .pull(&upstream.reference("kit:1"), &to, &target("kit:1"), &|_| ())
        .await
        .unwrap();
    assert_eq!(upstream.seen("/token"), 1);
    for password in [None, Some("wrong")] {
        let error = upstream
            .client(password)
            .resolve(&upstream.reference("kit:1"))
            .await
            .unwrap_err();
        assert!(matches!(error, PullError::Unauthorized { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("wrong"));
    }
}

#[tokio::test]
async fn a_busy_registry_is_waited_for() {
    let (_folder, from, _to) = layouts();
    put(&from, "kit", "1", b"x");
    let upstream = Upstream::start(
        &from,
        Mood {
            busy: AtomicUsize::new(3),
            ..Mood::default()
        },
    )
    .await;
    upstream
        .client(None)
        .resolve(&upstream.reference("kit:1"))
        .await
        .unwrap();
    assert_eq!(upstream.seen("/manifests/"), 4);
}

#[tokio::test]
async fn another_manifest_than_the_pinned_one_is_refused() {
    let served = Served::start().await;
    put(&served.layout, "kit", "1", b"x");
    let copy = Layout::create(served.path("copy")).unwrap();
    let client = served.client();
    let pinned = served.reference("kit:1").pinned(Digest::of(b"another"));
    let missing = client.pull(&pinned, &copy, &target("kit:1"), &|_| ()).await;
    assert!(matches!(missing, Err(PullError::NotFound { .. })), "{missing:?}");
    let at = Target::digest(&repository("kit"), Digest::of(b"another"));
    let other = client.pull(&served.reference("kit:1"), &copy, &at, &|_| ()).await;
    assert!(matches!(other, Err(PullError::OtherDigest { .. })), "{other:?}");
}

#[tokio::test]
async fn of_an_index_the_wanted_platforms_are_taken() {
    let (_folder, from, to) = layouts();
    let children: Vec<_> = ["amd64", "arm64"]
        .map(|architecture| {
            let digest = put(&from, "app", architecture, architecture.as_bytes());
            let size = from.open_blob(digest).unwrap().1;
            json!({"mediaType": MediaType::ImageManifest, "digest": digest, "size": size,
                "platform": {"os": "linux", "architecture": architecture}})
        })
        .into();
    let index =
        json!({"schemaVersion": 2, "mediaType": MediaType::ImageIndex, "manifests": children}).to_string();
    from.put_manifest(
        &repository("app"),
        Some(&tag("1")),
        &MediaType::ImageIndex,
        index.as_bytes(),
    )
    .unwrap();
    let upstream = Upstream::start(&from, Mood::default()).await;
    let client = |architecture: &str| {
        Client::new(Options {
            plain_http: [upstream.address.to_string()].into(),
            platforms: vec![Platform {
                os: "linux".to_owned(),
                architecture: architecture.to_owned(),
            }],
            ..Options::default()
        })
        .unwrap()
    };
    let pulled = client("amd64")
        .pull(&upstream.reference("app:1"), &to, &target("app:1"), &|_| ())
        .await
        .unwrap();
    assert_eq!(
        pulled.digest().to_string(),
        Digest::of(index.as_bytes()).to_string()
    );
    let report = to.verify().unwrap();
    assert_eq!((report.blobs, report.problems), (4, vec![]));
    let none = client("riscv64")
        .pull(&upstream.reference("app:1"), &to, &target("app:1"), &|_| ())
        .await;
    assert!(matches!(none, Err(PullError::NoPlatform { .. })), "{none:?}");
}

#[tokio::test]
async fn blobs_have_their_limit_and_dead_registries_their_word() {
    let (_folder, from, to) = layouts();
    put(&from, "kit", "1", b"x");
    let upstream = Upstream::start(&from, Mood::default()).await;
    let client = Client::new(Options {
        plain_http: [upstream.address.to_string()].into(),
        largest_blob: 10,
        ..Options::default()
    })
    .unwrap();
    let large = client
        .pull(&upstream.reference("kit:1"), &to, &target("kit:1"), &|_| ())
        .await;
    assert!(matches!(large, Err(PullError::TooLarge { .. })), "{large:?}");
    let dead = client
        .resolve(&"localhost:1/kit:1".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(dead, PullError::Unreachable { .. }), "{dead:?}");
}
