//! What can be done on a host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sovereign_remote::ssh::{self, SshError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sshd::{PATIENCE, Sshd};

#[tokio::test]
async fn commands_get_their_input_and_tell_how_they_ended() {
    let sshd = Sshd::start("");
    let host = ssh::connect(&sshd.target(), PATIENCE).await.unwrap();
    let input = vec![b'x'; 3 * 1024 * 1024];
    let counted = host
        .run("wc -c; echo \"it's done\" >&2; exit 7", Some(&input))
        .await
        .unwrap();
    assert_eq!(
        String::from_utf8(counted.stdout.clone()).unwrap().trim(),
        "3145728"
    );
    assert_eq!((counted.status, counted.complaint()), (7, "it's done".to_owned()));
    let unread = host.run("exec true", Some(&input)).await.unwrap();
    assert!(unread.ok());
    let killed = host.run("kill -9 $$", None).await.unwrap();
    assert!(killed.status >= 128);
    let flood = host.run("exec yes", None).await.unwrap_err();
    assert!(matches!(flood, SshError::TooMuchOutput { .. }), "{flood}");
    assert!(
        host.run("true", None).await.unwrap().ok(),
        "the connection is still good"
    );
    host.close().await;
}

#[tokio::test]
async fn files_appear_whole_with_their_mode_or_not_at_all() {
    let sshd = Sshd::start("");
    let host = ssh::connect(&sshd.target(), PATIENCE).await.unwrap();
    let path = sshd.dir.path().join("new dir/it's a file");
    let at = path.to_str().unwrap();
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    host.upload(at, b"before", 0o600).await.unwrap();
    host.upload(at, &bytes, 0o755).await.unwrap();
    assert!(fs::read(&path).unwrap() == bytes);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "nothing else is left"
    );
    let error = host.upload("/proc/nowhere/file", b"x", 0o600).await.unwrap_err();
    assert!(matches!(error, SshError::Upload { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_runs_both_ways_until_either_side_ends_it() {
    let sshd = Sshd::start("");
    let host = ssh::connect(&sshd.target(), PATIENCE).await.unwrap();
    let mut stream = host.stream("exec cat").await.unwrap();
    let mut heard = [0; 5];
    for _ in 0..3 {
        stream.write_all(b"hello").await.unwrap();
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
    }
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut heard).await.unwrap(), 0);
    let mut gone = host.stream("exit 1").await.unwrap();
    assert_eq!(gone.read(&mut heard).await.unwrap(), 0);
}
