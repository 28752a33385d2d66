//! A name out of the operator's pool: delegated, proven, killed on the way, given back, and nobody else's meanwhile.

use std::time::{Duration, Instant};

use crate::bench::{Bench, POOL, POOLED};
use crate::interrupted::killed_when;

const DOMAIN: &str = "{mode: pool, pool: sovereigns.example, label: acme}";

#[tokio::test(flavor = "multi_thread")]
async fn a_name_out_of_a_pool_comes_and_goes() {
    let bench = Bench::with_pool().await;
    bench.spec(DOMAIN);
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(POOLED);
    assert_eq!(state(&bench), "active");

    let text = std::fs::read_to_string(bench.place.path().join("acme.yaml")).unwrap();
    let other = text.replacen("name: acme", "name: globex", 1);
    bench.place.file("globex.yaml", &other);
    let said = bench.sovereign(&["plan", "globex.yaml"]).exits(4).stderr;
    assert!(said.contains("is active by Sovereign `acme`"), "{said}");

    bench.shorten(POOL).await;
    bench.shorten(POOLED).await;
    bench.sovereign(&["destroy", "acme", "--yes"]).success();
    for server in &bench.dns().operator {
        let zone = format!("{POOLED}.");
        assert!(!server.has_zone(&zone).await.unwrap(), "the zone is gone");
    }
    assert_eq!(state(&bench), "quarantined");
    let said = bench.sovereign(&["plan", "globex.yaml"]).exits(4).stderr;
    assert!(said.contains("quarantine"), "{said}");
}

/// Where the name is in its life.
fn state(bench: &Bench) -> String {
    let shown = bench
        .sovereign(&["pool", "show", POOLED, "--json"])
        .success()
        .json();
    shown["name"]["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installer_that_is_killed_again_and_again_ends_with_the_name() {
    let bench = Bench::with_pool().await;
    bench.spec(DOMAIN);
    let mut lives = 0;
    // Each life is a little longer, so that many parts of the way are some life's end.
    let mut life = Duration::from_millis(400);
    loop {
        let ends = Instant::now() + life;
        if !killed_when(&bench, &["up", "acme.yaml", "--yes"], |_| Instant::now() >= ends).await {
            break;
        }
        lives += 1;
        life += Duration::from_millis(300);
    }
    assert!(lives > 1, "nobody died");
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(POOLED);
    assert_eq!(state(&bench), "active");
    let list = bench.sovereign(&["pool", "list", "--json"]).success().json();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list:#}");
}
