//! What is not taken, and how that is told.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use axum::http::StatusCode;
use sovereign_images::certificate::{authority, issue};
use sovereign_images::download::{DownloadError, known};
use sovereign_images::{Digest, registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{Fault, Server, bytes, options};

/// Files on the shelf that are called as digests.
fn kept(server: &Server) -> usize {
    let entries = fs::read_dir(server.path("")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.contains('.')).count()
}

fn told(error: &DownloadError) -> String {
    let text = format!("{error}; {}", error.remedy());
    assert!(!format!("{text} {error:?}").contains("canary"), "{error:?}");
    text
}

#[tokio::test]
async fn another_file_than_the_one_that_was_asked_for_is_not_kept() {
    let content = bytes(1, 1000);
    let server = Server::start(&content, Some("\"a\"")).await;
    let wanted = bytes(2, 1000);
    let error = server.known(&wanted).await.unwrap_err();
    let text = told(&error);
    let (is, should) = (Digest::of(&content).hex(), Digest::of(&wanted).hex());
    assert!(
        text.contains(&is) && text.contains(&should) && text.contains("publish"),
        "{text}"
    );
    assert_eq!((kept(&server), server.asked().len()), (0, 1));
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_once() {
    for (status, words) in [
        (StatusCode::NOT_FOUND, "there is nothing at"),
        (StatusCode::GONE, "there is nothing at"),
        (StatusCode::FORBIDDEN, "the server answers 403"),
    ] {
        let server = Server::start(b"x", None).await;
        server.faults([Fault::Status(status)]);
        let text = told(&server.latest().await.unwrap_err());
        assert!(text.contains(words), "{text}");
        assert_eq!((kept(&server), server.asked().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_page_is_no_file_however_it_is_called() {
    for named in [true, false] {
        let server = Server::start(b"x", None).await;
        server.faults([Fault::Page { named }]);
        let error = server.latest().await.unwrap_err();
        assert!(matches!(error, DownloadError::Page { .. }), "{error}");
        assert!(told(&error).contains("a login"), "{error}");
        assert_eq!(kept(&server), 0);
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let server = Server::start(b"x", None).await;
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let address = format!("http://{free}/file").parse().unwrap();
    let digest = Digest::of(b"x");
    let error = known(&server.shelf(), &address, digest, &options(), &|_| ()).await;
    let text = told(&error.unwrap_err());
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn redirects_lead_to_tls_or_nowhere() {
    let server = Server::start(b"x", None).await;
    for to in ["http://127.0.0.1:1/x?canary", "https://user:canary@127.0.0.1:1/x"] {
        server.faults([Fault::Redirect(to.to_owned())]);
        let error = server.latest().await.unwrap_err();
        assert!(matches!(error, DownloadError::Redirected { .. }), "{error}");
        let text = told(&error);
        assert!(
            text.contains("leads to `http") && text.contains("127.0.0.1:1/x`"),
            "{text}"
        );
    }

    let ca = authority("test").unwrap();
    let own = issue(&ca, &["127.0.0.1".to_owned()]).unwrap();
    let tls = registry::tls(&own.certificate_pem, &own.key_pem).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("https://{}/file", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(|| async { "a file" });
    tokio::spawn(registry::serve(listener, tls, router, CancellationToken::new()));
    server.faults([Fault::Redirect(to)]);
    let mut options = options();
    options.ca_pem = Some(ca.certificate_pem);
    let digest = Digest::of(b"a file");
    let fetched = known(&server.shelf(), &server.url(), digest, &options, &|_| ()).await;
    assert_eq!(fs::read(fetched.unwrap().path).unwrap(), b"a file");
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let server = Server::start(&bytes(1, 300_000), None).await;
    let key = Digest::of(format!("http://{}/file?sig=canary", server.address).as_bytes()).hex();
    fs::create_dir(server.path("")).unwrap();
    symlink("/dev/full", server.path(&format!("{key}.part"))).unwrap();
    let error = server.latest().await.unwrap_err();
    let DownloadError::Disk { source, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert!(told(&error).contains("make room"), "{error}");
    assert_eq!(kept(&server), 0);
}
