//! Sealed secrets: they open for their owner, for nobody else, and are in no file.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_core::secret::SecretRef;
use sovereign_store::{SqliteStore, StoreError, Vault, secrets};

const CANARY: &str = "canary-7f3a-do-not-leak";

fn files_hold(dir: &Path, needle: &[u8]) -> bool {
    let files = fs::read_dir(dir)
        .expect("the directory")
        .map(|entry| fs::read(entry.expect("a file").path()).expect("its bytes"));
    files
        .into_iter()
        .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

#[tokio::test]
async fn a_secret_comes_back_and_is_in_no_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(dir.path()).await.expect("the store");
    let vault = Vault::open(&store).expect("the vault");
    vault
        .put("hetzner", &SecretString::from(CANARY))
        .await
        .expect("sealed");
    assert!(!files_hold(dir.path(), CANARY.as_bytes()));
    let reference = SecretRef::Sealed("hetzner".into());
    let secret = secrets::resolve(&reference, &vault).await.expect("resolved");
    assert_eq!(secret.expose_secret(), CANARY);
    assert_eq!(vault.names().await.expect("names"), ["hetzner"]);
    assert!(vault.delete("hetzner").await.expect("deleted"));
    assert!(!vault.delete("hetzner").await.expect("nothing there"));
    assert_eq!(
        secrets::resolve(&reference, &vault)
            .await
            .expect_err("gone")
            .to_string(),
        "sealed secret `hetzner` is not set"
    );
}

#[tokio::test]
async fn another_key_does_not_open_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(dir.path()).await.expect("the store");
    Vault::open(&store)
        .expect("the vault")
        .put("a", &SecretString::from(CANARY))
        .await
        .expect("sealed");
    fs::remove_file(dir.path().join("master.key")).expect("the key goes");
    let other = Vault::open(&store).expect("a new key");
    assert!(matches!(other.get("a").await, Err(StoreError::DoesNotOpen(name)) if name == "a"));
}

#[tokio::test]
async fn everything_is_its_owners_alone_and_a_key_that_others_read_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().join("state");
    let store = SqliteStore::open(&home).await.expect("the store");
    Vault::open(&store).expect("the vault");
    let mode = |name: &str| {
        fs::metadata(home.join(name))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode("."), mode("journal.db"), mode("master.key")),
        (0o700, 0o600, 0o600)
    );
    fs::set_permissions(home.join("master.key"), fs::Permissions::from_mode(0o644)).expect("opened up");
    assert!(
        Vault::open(&store)
            .expect_err("refused")
            .to_string()
            .contains("chmod 600")
    );
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(SqliteStore::open(dir.path()).await.expect("the store"));
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("journal.db"));
    let mut raw = sqlx::ConnectOptions::connect(&options).await.expect("raw");
    sqlx::query("PRAGMA user_version = 99")
        .execute(&mut raw)
        .await
        .expect("set");
    assert!(matches!(
        SqliteStore::open(dir.path()).await,
        Err(StoreError::Newer { found: 99, known: 4 })
    ));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_its_cause() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(
        dir.path().join("journal.db"),
        "this is not a database, only some text that is long enough",
    )
    .expect("written");
    let error = SqliteStore::open(dir.path()).await.expect_err("refused");
    assert!(matches!(error, StoreError::Database { .. }), "{error:?}");
}
