//! The rules of the specification that pulling clients live by.

use std::time::Duration;

use oci_spec::image::MediaType;
use reqwest::Method;
use serde_json::{Value, json};
use sovereign_images::Digest;

use crate::served::{Served, code, header, noise, put, put_blob, repository};

#[tokio::test]
async fn a_manifest_is_had_by_tag_and_by_digest() {
    let served = Served::start().await;
    let digest = put(&served.layout, "a/b/kit", "1.0", b"x");
    for version in ["1.0".to_owned(), digest.to_string()] {
        let path = format!("/v2/a/b/kit/manifests/{version}");
        let got = served.get(&path).await;
        assert_eq!(got.status(), 200);
        assert_eq!(header(&got, "docker-content-digest"), digest.to_string());
        assert_eq!(
            header(&got, "content-type"),
            "application/vnd.oci.image.manifest.v1+json"
        );
        let length = header(&got, "content-length");
        let body = got.bytes().await.unwrap();
        assert_eq!(Digest::of(&body), digest);
        let head = served.http.head(served.url(&path)).send().await.unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(header(&head, "content-length"), length);
        assert_eq!(length, body.len().to_string());
        let known = served
            .ask(&path)
            .header("if-none-match", format!("\"{digest}\""))
            .send()
            .await
            .unwrap();
        assert_eq!(known.status(), 304);
    }
}

#[tokio::test]
async fn a_type_that_is_not_accepted_is_not_sent() {
    let served = Served::start().await;
    put(&served.layout, "kit", "1.0", b"x");
    let status = async |accept: &str| {
        let asked = served.ask("/v2/kit/manifests/1.0").header("accept", accept);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        status("application/vnd.oci.image.manifest.v1+json, application/json").await,
        200
    );
    assert_eq!(status("text/html, */*;q=0.1").await, 200);
    assert_eq!(
        status("application/vnd.docker.distribution.manifest.v1+json").await,
        404
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_name_have_their_codes() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1.0", b"x");
    put(&served.layout, "other", "1.0", b"y");
    let nowhere = Digest::of(b"nowhere");
    for (path, status, wanted) in [
        ("/v2/kit/manifests/2.0".to_owned(), 404, "MANIFEST_UNKNOWN"),
        (format!("/v2/kit/manifests/{nowhere}"), 404, "MANIFEST_UNKNOWN"),
        (format!("/v2/other/manifests/{digest}"), 404, "MANIFEST_UNKNOWN"),
        (format!("/v2/kit/blobs/{nowhere}"), 404, "BLOB_UNKNOWN"),
        ("/v2/none/manifests/1.0".to_owned(), 404, "NAME_UNKNOWN"),
        ("/v2/none/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("/v2/Kit/manifests/1.0".to_owned(), 400, "NAME_INVALID"),
        ("/v2/a/../kit/blobs/x".to_owned(), 400, "DIGEST_INVALID"),
        (
            "/v2/kit/blobs/sha256:../../../etc/passwd".to_owned(),
            404,
            "NOT_FOUND",
        ),
        ("/v2/kit/manifests/sha256:12".to_owned(), 400, "DIGEST_INVALID"),
        ("/v2/kit/manifests/.x".to_owned(), 400, "TAG_INVALID"),
        (
            "/v2/kit/tags/list?n=x".to_owned(),
            400,
            "PAGINATION_NUMBER_INVALID",
        ),
        ("/v1/kit".to_owned(), 404, "NOT_FOUND"),
    ] {
        let got = served.get(&path).await;
        assert_eq!(got.status(), status, "{path}");
        assert_eq!(code(got).await, wanted, "{path}");
    }
}

#[tokio::test]
async fn nothing_can_be_written() {
    let served = Served::start().await;
    let digest = put(&served.layout, "kit", "1.0", b"x");
    for (method, path) in [
        (Method::POST, "/v2/kit/blobs/uploads/".to_owned()),
        (Method::PUT, "/v2/kit/manifests/1.0".to_owned()),
        (Method::DELETE, "/v2/kit/manifests/1.0".to_owned()),
        (Method::DELETE, format!("/v2/kit/blobs/{digest}")),
        (Method::PATCH, "/v2/kit/blobs/uploads/1".to_owned()),
    ] {
        let got = served
            .http
            .request(method, served.url(&path))
            .body("x")
            .send()
            .await
            .unwrap();
        assert_eq!(got.status(), 405, "{path}");
        assert_eq!(header(&got, "allow"), "GET, HEAD");
        assert_eq!(code(got).await, "UNSUPPORTED");
    }
}

#[tokio::test]
async fn a_blob_is_had_whole_and_in_part() {
    let served = Served::start().await;
    let content = noise(1_000_000);
    let digest = put_blob(&served.layout, &content);
    let path = format!("/v2/kit/blobs/{digest}");
    let whole = served.get(&path).await;
    assert_eq!(
        (whole.status().as_u16(), header(&whole, "accept-ranges").as_str()),
        (200, "bytes")
    );
    assert_eq!(whole.bytes().await.unwrap(), content);
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=999999-", 999_999, 1_000_000),
        ("bytes=-5", 999_995, 1_000_000),
        ("bytes=-2000000", 0, 1_000_000),
        ("bytes=500-9999999", 500, 1_000_000),
    ] {
        let part = served.ask(&path).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(
            header(&part, "content-range"),
            format!("bytes {from}-{}/1000000", to - 1)
        );
        assert_eq!(part.bytes().await.unwrap(), content[from..to]);
    }
    for range in ["bytes=1000000-", "bytes=-0", "bytes=99999999999-"] {
        let beyond = served.ask(&path).header("range", range).send().await.unwrap();
        assert_eq!(beyond.status(), 416, "{range}");
        assert_eq!(header(&beyond, "content-range"), "bytes */1000000");
    }
    for range in [
        "bytes=5-1",
        "bytes=0-1,5-6",
        "lines=1-2",
        "bytes=x-",
        "bytes=18446744073709551616-",
    ] {
        let whole = served.ask(&path).header("range", range).send().await.unwrap();
        assert_eq!(whole.status(), 200, "{range}");
    }
    let stale = served
        .ask(&path)
        .header("range", "bytes=0-1")
        .header("if-range", "\"other\"");
    assert_eq!(stale.send().await.unwrap().status(), 200);
    let head = served.http.head(served.url(&path)).send().await.unwrap();
    assert_eq!(header(&head, "content-length"), "1000000");
}

#[tokio::test]
async fn tags_come_in_pages() {
    let served = Served::start().await;
    for version in ["1.0", "1.1", "1.2", "2.0", "2.1"] {
        put(&served.layout, "kit", version, b"x");
    }
    let tags = async |path: &str| {
        let got = served.get(path).await;
        let link = header(&got, "link");
        let body: Value = got.json().await.unwrap();
        assert_eq!(body["name"], "kit");
        (body["tags"].as_array().unwrap().len(), link)
    };
    assert_eq!(tags("/v2/kit/tags/list").await, (5, String::new()));
    let mut next = "/v2/kit/tags/list?n=2".to_owned();
    let mut sizes = Vec::new();
    loop {
        let (size, link) = tags(&next).await;
        sizes.push(size);
        let Some(path) = link.strip_prefix('<').and_then(|link| link.split('>').next()) else {
            break;
        };
        next = path.to_owned();
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(tags("/v2/kit/tags/list?n=0").await.0, 0);
}

#[tokio::test]
async fn referrers_are_listed_and_filtered() {
    let served = Served::start().await;
    let subject = put(&served.layout, "kit", "1.0", b"x");
    let (empty, size) = served.layout.put_bytes(b"{}").unwrap();
    for kind in ["application/x.one", "application/x.two"] {
        let manifest = json!({
            "schemaVersion": 2,
            "artifactType": kind,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": size},
            "layers": [],
            "subject": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 1},
            "annotations": {"of": kind},
        });
        let bytes = manifest.to_string();
        served
            .layout
            .put_manifest(
                &repository("kit"),
                None,
                &MediaType::ImageManifest,
                bytes.as_bytes(),
            )
            .unwrap();
    }
    let list = async |path: String| {
        let got = served.get(&path).await;
        assert_eq!(got.status(), 200);
        assert_eq!(
            header(&got, "content-type"),
            "application/vnd.oci.image.index.v1+json"
        );
        let filtered = header(&got, "oci-filters-applied");
        let body: Value = got.json().await.unwrap();
        (body["manifests"].as_array().unwrap().clone(), filtered)
    };
    assert_eq!(list(format!("/v2/kit/referrers/{subject}")).await.0.len(), 2);
    let (one, filtered) = list(format!(
        "/v2/kit/referrers/{subject}?artifactType=application/x.one"
    ))
    .await;
    assert_eq!(filtered, "artifactType");
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["annotations"]["of"], "application/x.one");
    assert!(
        list(format!("/v2/kit/referrers/{}", Digest::of(b"?")))
            .await
            .0
            .is_empty()
    );
}

#[tokio::test]
async fn a_mirror_answers_for_the_registry_it_stands_for() {
    let served = Served::start().await;
    let theirs = put(&served.layout, "docker.io/library/app", "1", b"theirs");
    let ours = put(&served.layout, "library/app", "1", b"ours");
    let digest = async |path: &str| header(&served.get(path).await, "docker-content-digest");
    assert_eq!(
        digest("/v2/library/app/manifests/1?ns=docker.io").await,
        theirs.to_string()
    );
    assert_eq!(
        digest("/v2/library/app/manifests/1?ns=ghcr.io").await,
        ours.to_string()
    );
    assert_eq!(digest("/v2/library/app/manifests/1").await, ours.to_string());
    assert_eq!(served.get("/v2/?ns=docker.io").await.status(), 200);
}

#[tokio::test]
async fn what_is_put_while_serving_is_served_by_the_next_request() {
    let served = Served::start().await;
    assert_eq!(served.get("/v2/kit/manifests/1").await.status(), 404);
    let first = put(&served.layout, "kit", "1", b"x");
    assert_eq!(
        header(&served.get("/v2/kit/manifests/1").await, "docker-content-digest"),
        first.to_string()
    );
    let second = put(&served.layout, "kit", "1", b"y");
    assert_eq!(
        header(&served.get("/v2/kit/manifests/1").await, "docker-content-digest"),
        second.to_string()
    );
}

#[tokio::test]
async fn two_hundred_read_at_once() {
    let served = Served::start().await;
    let content = noise(2_000_000);
    let digest = put_blob(&served.layout, &content);
    let path = format!("/v2/kit/blobs/{digest}");
    let readers = (0..200_usize).map(|n| {
        let (from, to) = (n * 5000, n * 5000 + 1_000_000 - 1);
        let asked = served.ask(&path).header("range", format!("bytes={from}-{to}"));
        async move { (from, to, asked.send().await.unwrap().bytes().await.unwrap()) }
    });
    for (from, to, part) in futures::future::join_all(readers).await {
        assert!(part == content[from..=to], "{from}");
    }
}

#[tokio::test]
async fn the_end_waits_for_transfers_and_for_nobody_else() {
    let served = Served::start().await;
    put(&served.layout, "kit", "1", b"x");
    // Its connection stays open, and idle.
    served.get("/v2/kit/manifests/1").await.bytes().await.unwrap();
    let silent = tokio::net::TcpStream::connect(served.address).await.unwrap();
    served.stop.cancel();
    tokio::time::timeout(Duration::from_mins(1), served.serving)
        .await
        .expect("it ends")
        .unwrap();
    drop(silent);
    assert!(tokio::net::TcpStream::connect(served.address).await.is_err());
}
