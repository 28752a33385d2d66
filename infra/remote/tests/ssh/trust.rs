//! Whom we trust, and who trusts us.

use std::process::Command;
use std::time::Duration;

use sovereign_remote::ssh::{self, HostKeys, SshError, new_key_pair};
use tokio::net::TcpListener;

use crate::sshd::{PATIENCE, Sshd};

#[tokio::test]
async fn a_host_key_can_be_seen_before_it_is_trusted_and_is_pinned_then() {
    let mut sshd = Sshd::start("");
    let target = sshd.target();
    let offered = ssh::host_key(&target.host, target.port, None, PATIENCE)
        .await
        .unwrap();
    assert_eq!(offered.public, sshd.host_key);
    let host = ssh::connect(&target, PATIENCE).await.unwrap();
    assert_eq!(host.host_key(), sshd.host_key);
    host.close().await;

    sshd.change_host_key();
    let now = ssh::host_key(&target.host, target.port, None, PATIENCE)
        .await
        .unwrap();
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains(&offered.fingerprint) && words.contains(&now.fingerprint),
        "{words}"
    );
    assert!(matches!(error, SshError::HostKeyChanged { .. }));
    assert!(error.remedy().is_some());

    let mut either = target;
    let HostKeys::Pinned(keys) = &mut either.host_keys;
    keys.push(now.public);
    assert_eq!(
        ssh::connect(&either, PATIENCE).await.unwrap().host_key(),
        sshd.host_key
    );
}

/// A pinned key is compared with the one of its kind, and with another only where there is none.
#[tokio::test]
async fn a_host_with_several_keys_shows_the_one_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ecdsa");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ecdsa", "-N", "", "-C", "root@bare-1", "-f"])
        .arg(&file)
        .status();
    assert!(made.expect("ssh-keygen runs: install openssh-client").success());
    let ecdsa = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    let two = Sshd::start(&format!("HostKey {}", file.display()));
    let one = Sshd::start("");
    let offered = async |sshd: &Sshd, pinned: Option<&str>| {
        let target = sshd.target();
        let key = ssh::host_key(&target.host, target.port, pinned, PATIENCE).await;
        key.unwrap().public
    };
    let shown = offered(&two, Some(&ecdsa)).await;
    assert_eq!(format!("{shown} root@bare-1"), ecdsa.trim());
    assert_eq!(offered(&two, Some(&two.host_key)).await, two.host_key);
    assert_eq!(offered(&two, None).await, two.host_key);
    assert_eq!(offered(&one, Some(&ecdsa)).await, one.host_key);
}

#[tokio::test]
async fn nobody_is_trusted_without_a_pinned_key_or_by_a_key_of_another_kind() {
    let sshd = Sshd::start("");
    let mut target = sshd.target();
    target.host_keys = HostKeys::Pinned(vec![]);
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    assert!(error.to_string().ends_with("none was expected"), "{error}");
    let ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
    target.host_keys = HostKeys::Pinned(vec![ecdsa.to_owned()]);
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it offers host key only of kind ssh-ed25519"),
        "{error}"
    );
    target.host_keys = HostKeys::Pinned(vec!["ssh-ed25519 nonsense".to_owned()]);
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    assert!(matches!(error, SshError::Key { .. }), "{error}");
}

#[tokio::test]
async fn a_key_or_user_that_may_not_log_in_is_told_what_would_do() {
    let sshd = Sshd::start("");
    let mut target = sshd.target();
    target.key = new_key_pair("stranger").unwrap().0;
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    let SshError::LoginRefused { user, remaining, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (user.as_str(), remaining.as_slice()),
        ("root", ["publickey".to_owned()].as_slice())
    );
    assert!(error.remedy().unwrap().contains("authorized_keys"));
}

#[tokio::test]
async fn a_closed_port_and_one_that_says_nothing_are_told_apart() {
    let sshd = Sshd::start("");
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = sshd.target();
    target.port = mute.local_addr().unwrap().port();
    let error = ssh::connect(&target, Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(matches!(error, SshError::TimedOut { .. }), "{error}");
    drop(mute);
    let error = ssh::connect(&target, PATIENCE).await.unwrap_err();
    assert!(matches!(error, SshError::Unreachable { .. }), "{error}");
    assert!(error.remedy().is_none(), "it may come up yet");
}
