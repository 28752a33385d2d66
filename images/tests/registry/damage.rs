//! A store that is damaged is told of, and never served as if it were whole.

use std::fs;

use sovereign_images::layout::Manifest;
use sovereign_images::{Digest, Layout};

use crate::served::{Served, code, put};

fn layer_of(layout: &Layout, digest: Digest) -> Digest {
    match layout.manifest(digest).unwrap() {
        Manifest::Image { blobs, .. } => blobs[1].0,
        Manifest::Index { .. } => panic!("an index"),
    }
}

#[tokio::test]
async fn a_truncated_blob_is_an_error_and_no_short_answer() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1", b"x");
    let layer = layer_of(&served.layout, digest);
    let path = served.layout.blob_path(layer);
    let content = fs::read(&path).unwrap();
    fs::write(&path, &content[..content.len() / 2]).unwrap();
    let got = served.get(&format!("/v2/kit/blobs/{layer}")).await;
    assert_eq!(got.status(), 500);
    assert_eq!(code(got).await, "UNKNOWN");
    fs::remove_file(&path).unwrap();
    assert_eq!(served.get(&format!("/v2/kit/blobs/{layer}")).await.status(), 500);
}

#[tokio::test]
async fn a_damaged_manifest_is_not_served_and_hides_nothing_else() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1", b"x");
    fs::write(served.layout.blob_path(digest), b"{}").unwrap();
    put(&served.layout, "other", "1", b"y");
    assert_eq!(served.get("/v2/kit/manifests/1").await.status(), 500);
    assert_eq!(served.get("/v2/other/manifests/1").await.status(), 200);
}

#[tokio::test]
async fn a_damaged_blob_is_found_by_who_pulls_it() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1", b"x");
    let layer = layer_of(&served.layout, digest);
    let path = served.layout.blob_path(layer);
    let mut content = fs::read(&path).unwrap();
    content[5] ^= 1;
    fs::write(&path, content).unwrap();
    let copy = Layout::create(served.path("copy")).unwrap();
    let pulled = served
        .client()
        .pull(
            &served.reference("kit:1"),
            &copy,
            &"kit:1".parse().unwrap(),
            &|_| (),
        )
        .await;
    let error = pulled.unwrap_err().to_string();
    assert!(error.contains(&layer.to_string()), "{error}");
    assert!(copy.resolve(&"kit:1".parse().unwrap()).is_err());
    assert!(!copy.blob_path(layer).exists());
}
