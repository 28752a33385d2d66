//! Names outlive the process and come with a database of the version before. What may follow what is checked by the contract of
//! the pool's book, over the installer's adapter.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use jiff::{SignedDuration, Timestamp};
use sovereign_store::SqliteStore;
use sovereign_store::pool_names::{NameOutcome, NameRow};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

fn row<'a>(label: &'a str, revision: u64, body: &'a str) -> NameRow<'a> {
    NameRow {
        key: ("sovereigns.example", label),
        skeleton: "acrne",
        taken: true,
        revision,
        body,
    }
}

#[tokio::test]
async fn a_database_of_the_version_before_learns_of_names_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new()
        .filename(dir.path().join("journal.db"))
        .create_if_missing(true);
    let mut before = file.connect().await.unwrap();
    for migration in [
        include_str!("../migrations/1.sql"),
        include_str!("../migrations/2.sql"),
    ] {
        sqlx::raw_sql(migration).execute(&mut before).await.unwrap();
    }
    sqlx::raw_sql("INSERT INTO spec VALUES ('acme', 'kept')")
        .execute(&mut before)
        .await
        .unwrap();
    before.close().await.unwrap();

    let store = SqliteStore::open(dir.path()).await.unwrap();
    let spec = store.spec(&"acme".parse().unwrap()).await.unwrap();
    assert_eq!(spec.as_deref(), Some("kept"));
    let put = store
        .pool_names()
        .put(None, &row("acme", 1, "one"))
        .await
        .unwrap();
    assert_eq!(put, NameOutcome::Written);
    drop(store);

    let store = SqliteStore::open(dir.path()).await.unwrap();
    let names = store.pool_names();
    assert_eq!(
        names
            .find(("sovereigns.example", "acme"))
            .await
            .unwrap()
            .as_deref(),
        Some("one")
    );
    assert_eq!(
        names.put(Some(1), &row("acme", 2, "two")).await.unwrap(),
        NameOutcome::Written
    );
    assert_eq!(
        names.put(Some(1), &row("acme", 2, "late")).await.unwrap(),
        NameOutcome::OtherRevision
    );
    let alike = names.put(None, &row("acrne", 1, "alike")).await.unwrap();
    assert_eq!(alike, NameOutcome::LooksLike("acme".into()));
    assert_eq!(
        names.history(("sovereigns.example", "acme")).await.unwrap(),
        ["one", "two"]
    );
    assert_eq!(names.all().await.unwrap(), ["two"]);
}

#[tokio::test]
async fn the_first_look_counts_and_another_owner_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let (orphans, key) = (store.pool_orphans(), ("dns-1", "acme.sovereigns.example", "zone"));
    let now = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
    assert_eq!(orphans.note(key, "sov:acme", now(1)).await.unwrap(), now(1));
    assert_eq!(orphans.note(key, "sov:acme", now(9)).await.unwrap(), now(1));
    assert_eq!(orphans.since(key, "sov:acme").await.unwrap(), Some(now(1)));
    assert_eq!(orphans.note(key, "sov:other", now(9)).await.unwrap(), now(9));
    assert_eq!(orphans.since(key, "sov:acme").await.unwrap(), None);
    orphans.keep_only(&[key]).await.unwrap();
    assert_eq!(orphans.since(key, "sov:other").await.unwrap(), Some(now(9)));
    orphans.keep_only(&[]).await.unwrap();
    assert_eq!(orphans.since(key, "sov:other").await.unwrap(), None);
}
