//! Nodes outlive the process and come with a database of the version before. What tickets mean is checked by the contract
//! of the node link, over the installer's adapter.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use sovereign_store::SqliteStore;
use sovereign_store::nodes::TicketOutcome;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

#[tokio::test]
async fn a_database_of_the_version_before_learns_of_nodes_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteConnectOptions::new()
        .filename(dir.path().join("journal.db"))
        .create_if_missing(true);
    let mut before = file.connect().await.unwrap();
    sqlx::raw_sql(include_str!("../migrations/1.sql"))
        .execute(&mut before)
        .await
        .unwrap();
    sqlx::raw_sql("INSERT INTO spec VALUES ('acme', 'kept')")
        .execute(&mut before)
        .await
        .unwrap();
    before.close().await.unwrap();

    let acme: SovereignName = "acme".parse().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.spec(&acme).await.unwrap().as_deref(), Some("kept"));
    let node = (&acme, "cp-1");
    store
        .nodes()
        .issue_ticket(node, "digest", Timestamp::MAX)
        .await
        .unwrap();
    drop(store);

    let store = SqliteStore::open(dir.path()).await.unwrap();
    let redeemed = store
        .nodes()
        .redeem_ticket(node, "digest", "key", Timestamp::now())
        .await
        .unwrap();
    assert_eq!(redeemed, TicketOutcome::Redeemed);
    assert_eq!(
        store.nodes().identity(node).await.unwrap().as_deref(),
        Some("key")
    );
}
