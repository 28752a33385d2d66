use std::time::Duration;

use sovereign_core::agent::{FromAgent, MAX_FRAME, ToAgent};
use tokio::io::{AsyncWriteExt as _, duplex};

use super::*;

type Ours = Frames<tokio::io::DuplexStream, FromAgent, ToAgent>;
type Theirs = Frames<tokio::io::DuplexStream, ToAgent, FromAgent>;

#[tokio::test]
async fn frames_arrive_whole_and_in_order() {
    let (ours, theirs) = duplex(16);
    let (mut ours, mut theirs) = (Ours::new(ours), Theirs::new(theirs));
    let send = async {
        for after in 0..50 {
            ours.send(&ToAgent::Follow { after }).await.unwrap();
        }
        drop(ours);
    };
    let receive = async {
        let mut seen = Vec::new();
        while let Some(frame) = theirs.receive().await.unwrap() {
            seen.push(frame);
        }
        seen
    };
    let ((), seen) = tokio::join!(send, receive);
    let expected: Vec<_> = (0..50).map(|after| ToAgent::Follow { after }).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_endless_line_is_cut_off_without_being_kept() {
    let (ours, mut theirs) = duplex(64 * 1024);
    let mut ours = Ours::new(ours);
    let flood = async {
        // More than would ever be taken in: the reader has to give up on its own.
        let chunk = vec![b'a'; 64 * 1024];
        let mut sent = 0;
        while theirs.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    };
    let read = async {
        let end = ours.receive().await;
        drop(ours);
        end
    };
    let (sent, end) = tokio::join!(flood, read);
    assert!(matches!(end, Err(FrameError::TooLarge)), "{end:?}");
    assert!(sent <= MAX_FRAME + 256 * 1024, "{sent} bytes were taken in");
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_not_sent() {
    let (ours, _theirs) = duplex(64);
    let mut theirs = Frames::<_, ToAgent, String>::new(ours);
    let end = theirs.send(&"x".repeat(MAX_FRAME)).await;
    assert!(matches!(end, Err(FrameError::TooLarge)), "{end:?}");
}

#[tokio::test]
async fn what_a_wrong_frame_holds_is_not_told() {
    let (ours, mut theirs) = duplex(1024);
    theirs.write_all(b"{\"say\":\"canary-secret\"}\n").await.unwrap();
    let error = Ours::new(ours).receive().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn giving_up_on_a_frame_loses_nothing() {
    let (ours, mut theirs) = duplex(1024);
    let mut ours = Ours::new(ours);
    theirs.write_all(b"{\"say\":\"heartbeat\",").await.unwrap();
    let early = tokio::time::timeout(Duration::from_secs(1), ours.receive()).await;
    assert!(early.is_err());
    theirs
        .write_all(b"\"clock\":\"2026-01-01T00:00:00Z\"}\n")
        .await
        .unwrap();
    let frame = ours.receive().await.unwrap();
    assert!(matches!(frame, Some(FromAgent::Heartbeat(_))), "{frame:?}");
}
