//! Files come whole, whatever happens on the way, and once.

use std::fs;
use std::sync::Mutex;

use sovereign_images::Digest;
use sovereign_images::download::{DownloadError, Word, known, latest};

use crate::server::{Asked, Fault, Server, bytes, options};

const A: Option<&str> = Some("\"a\"");

fn rest(from: usize) -> Asked {
    Asked {
        range: format!("bytes={from}-"),
        if_range: "\"a\"".to_owned(),
        ..Asked::default()
    }
}

#[tokio::test]
async fn a_file_of_a_known_digest_is_fetched_once() {
    let content = bytes(1, 300_000);
    let server = Server::start(&content, None).await;
    let told = Mutex::new(0);
    let (shelf, url, digest) = (server.shelf(), server.url(), Digest::of(&content));
    let fetched = known(&shelf, &url, digest, &options(), &|word| {
        if let Word::At { done, total } = word {
            assert_eq!(total, Some(300_000));
            *told.lock().unwrap() = done;
        }
    })
    .await
    .unwrap();
    assert_eq!(*told.lock().unwrap(), 300_000);
    assert_eq!(fetched.path, server.path(&digest.hex()));
    assert_eq!((fetched.digest, fetched.size), (digest, 300_000));
    assert_eq!(fs::read(&fetched.path).unwrap(), content);
    assert_eq!(server.known(&content).await.unwrap(), fetched);
    assert_eq!(server.asked().len(), 1);

    // What is damaged is not the file any more.
    fs::write(&fetched.path, "damaged").unwrap();
    assert_eq!(server.known(&content).await.unwrap(), fetched);
    assert_eq!(fs::read(&fetched.path).unwrap(), content);
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_broke() {
    let content = bytes(1, 300_000);
    let server = Server::start(&content, A).await;
    server.faults([Fault::Cut(100_000), Fault::Cut(100_000)]);
    let fetched = server.known(&content).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), content);
    assert_eq!(server.asked(), [Asked::default(), rest(100_000), rest(200_000)]);
}

#[tokio::test]
async fn a_later_process_goes_on_where_an_earlier_one_ended() {
    let content = bytes(1, 9_000_000);
    let server = Server::start(&content, A).await;
    server.faults([Fault::Cut(5_000_000)]);
    server.faults([Fault::Status(axum::http::StatusCode::FORBIDDEN)]);
    let refused = server.known(&content).await.unwrap_err();
    assert!(
        matches!(refused, DownloadError::Refused { status: 403, .. }),
        "{refused}"
    );
    let fetched = server.known(&content).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), content);
    assert_eq!(server.asked().last(), Some(&rest(5_000_000)));
}

#[tokio::test]
async fn without_ranges_or_versions_it_begins_anew() {
    let content = bytes(1, 300_000);
    let server = Server::start(&content, A).await;
    server.faults([Fault::Cut(100_000), Fault::Whole]);
    let fetched = server.known(&content).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), content);

    let unversioned = Server::start(&content, None).await;
    unversioned.faults([Fault::Cut(100_000)]);
    let fetched = unversioned.known(&content).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), content);
    assert_eq!(unversioned.asked(), [Asked::default(), Asked::default()]);
}

#[tokio::test]
async fn a_file_that_changes_between_two_parts_is_never_mixed() {
    let (old, new) = (bytes(1, 300_000), bytes(2, 300_000));
    let server = Server::start(&old, A).await;
    server.faults([Fault::Cut(100_000)]);
    server.then(&new, "\"b\"");
    let fetched = server.latest().await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), new);
    assert_eq!(server.asked(), [Asked::default(), rest(100_000)]);

    // Nor by a server that sends the rest of another version.
    let careless = Server::start(&old, A).await;
    careless.faults([Fault::Cut(100_000), Fault::AnyVersion]);
    careless.then(&new, "\"b\"");
    let fetched = careless.latest().await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), new);
}

#[tokio::test]
async fn two_halves_of_different_files_are_fetched_once_more() {
    // The version says nothing here: it stays the same while the bytes change.
    let (old, new) = (bytes(1, 300_000), bytes(2, 300_000));
    let server = Server::start(&old, A).await;
    server.faults([Fault::Cut(100_000)]);
    server.then(&new, "\"a\"");
    let fetched = server.known(&new).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), new);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_server_that_hangs_is_asked_again_and_a_slow_one_is_waited_for() {
    let content = bytes(1, 300_000);
    let server = Server::start(&content, A).await;
    server.faults([Fault::Hang(100_000), Fault::Trickle]);
    let fetched = server.known(&content).await.unwrap();
    assert_eq!(fs::read(fetched.path).unwrap(), content);
    assert_eq!(server.asked(), [Asked::default(), rest(100_000)]);
}

#[tokio::test]
async fn the_latest_version_is_asked_for_and_taken_from_the_shelf_while_it_is_the_same() {
    let (old, new) = (bytes(1, 300_000), bytes(2, 300_000));
    let server = Server::start(&old, A).await;
    let first = server.latest().await.unwrap();
    let again = server.latest().await.unwrap();
    assert_eq!(again, first);
    assert_eq!(server.asked()[1].if_none_match, "\"a\"");
    server.now(&new, "\"b\"");
    let changed = server.latest().await.unwrap();
    assert_eq!(fs::read(&changed.path).unwrap(), new);
    assert_eq!(fs::read(&first.path).unwrap(), old);

    // What turned out to be of no use is not taken again.
    server.shelf().forget(changed.digest).unwrap();
    assert_eq!(server.latest().await.unwrap(), changed);
    assert_eq!(server.asked().last().unwrap(), &Asked::default());
}

#[tokio::test]
async fn two_at_once_fetch_it_once() {
    let content = bytes(1, 300_000);
    let server = Server::start(&content, A).await;
    server.faults([Fault::Trickle]);
    let (one, other) = tokio::join!(server.known(&content), server.known(&content));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_that_is_told() {
    let content = bytes(1, 1000);
    let server = Server::start(&content, A).await;
    let status = |code| Fault::Status(axum::http::StatusCode::from_u16(code).unwrap());
    server.faults([status(503), status(429)]);
    let told = Mutex::new(Vec::new());
    latest(&server.shelf(), &server.url(), &options(), &|word| {
        if let Word::Again { cause, .. } = word {
            told.lock().unwrap().push(cause.to_string());
        }
    })
    .await
    .unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 2);
    assert!(
        told[0].ends_with("the server answers 503") && told[1].ends_with("429"),
        "{told:?}"
    );
}
