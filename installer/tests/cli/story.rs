//! A Sovereign's life as its operator sees it: plan, up, status, scan, destroy, and what goes wrong in between.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use sovereign_lab::{Fault, FaultEffect, LabConfig};

use crate::lab::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn a_sovereign_comes_stays_and_goes() {
    let bench = Bench::quick().await;
    let plan = bench.sovereign(["plan", "ha.yaml", "--json"]).success().json();
    assert_eq!(plan["plan"]["sovereign"], "acme-prod");
    assert!(bench.shape().await.is_empty(), "a plan makes nothing");

    let up = bench.sovereign(["up", "ha.yaml", "--yes"]).success();
    assert!(
        up.stdout.contains("acme-prod is up (12 of 12 steps done"),
        "{}",
        up.stdout
    );
    let made = bench.shape().await;
    assert_eq!((made.count("servers"), made.count("load_balancers")), (5, 1));

    bench.lab.client().reset_stats().await.expect("the lab answers");
    let again = bench.sovereign(["up", "acme-prod", "--yes"]).success();
    assert!(
        again
            .stdout
            .contains("everything was in place, nothing was changed"),
        "{}",
        again.stdout
    );
    let requests = bench.lab.client().stats().await.expect("the lab answers");
    let written = requests
        .rows
        .iter()
        .filter(|row| row.method != "GET" && row.status < 300);
    assert_eq!(written.count(), 0, "{requests:?}");

    let lines = bench
        .sovereign(["up", "acme-prod", "--yes", "--json"])
        .success()
        .json_lines();
    assert_eq!(lines.first().expect("a line")["event"], "run_started");
    assert_eq!(lines.last().expect("a line")["summary"]["outcome"], "completed");

    let status = bench
        .sovereign(["status", "acme-prod", "--json"])
        .success()
        .json();
    assert_eq!(status["state"], "up", "{status}");
    assert_eq!(
        bench.sovereign(["list", "--json"]).success().json()[0]["sovereign"],
        "acme-prod"
    );
    bench.sovereign(["scan"]).success();

    let down = bench.sovereign(["destroy", "acme-prod", "--yes"]).success();
    assert!(
        down.stdout.contains("a second look found nothing left"),
        "{}",
        down.stdout
    );
    assert!(bench.shape().await.is_empty());
    bench.sovereign(["destroy", "ha.yaml", "--yes"]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_without_a_yes_or_on_another_plan() {
    let bench = Bench::quick().await;
    bench.sovereign(["up", "ha.yaml"]).exits(2);
    assert!(bench.shape().await.is_empty());
    bench
        .sovereign(["plan", "ha.yaml", "-o", "approved.json"])
        .success();
    bench
        .lab
        .client()
        .sold_out(&["cx33@fsn1"])
        .await
        .expect("the lab answers");
    let refused = bench
        .sovereign(["up", "ha.yaml", "--plan", "approved.json"])
        .exits(9);
    assert!(refused.stderr.contains("plan"), "{}", refused.stderr);
    assert!(bench.shape().await.is_empty());
    bench.lab.client().sold_out(&[]).await.expect("the lab answers");
    bench
        .sovereign(["up", "ha.yaml", "--plan", "approved.json"])
        .success();
    bench.sovereign(["destroy", "acme-prod"]).exits(2);
    assert_eq!(bench.shape().await.count("servers"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_settled_by_looking() {
    for path in [
        "/servers",
        "/networks",
        "/firewalls",
        "/ssh_keys",
        "/placement_groups",
        "/load_balancers",
    ] {
        let bench = Bench::quick().await;
        let fault = Fault::on("lost", "POST", path, FaultEffect::DropResponse).times(1);
        // The preflight's own probe of the token may be the one that is struck.
        bench
            .lab
            .client()
            .set_fault(&fault)
            .await
            .expect("the lab answers");
        bench.sovereign(["up", "ha.yaml", "--yes"]).success();
        let made = bench.shape().await;
        assert_eq!(made.count("servers"), 5, "{path}");
        assert_eq!(made.count("placement_groups"), 2, "{path}");
        let stats = bench.lab.client().stats().await.expect("the lab answers");
        assert_eq!(stats.count("POST", "/servers"), 5, "{path}: never posted again");
        bench.sovereign(["destroy", "acme-prod", "--yes"]).success();
        assert!(bench.shape().await.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_made_goes_too_and_what_is_not_ours_stays() {
    let bench = Bench::quick().await;
    bench.sovereign(["up", "ha.yaml", "--yes"]).success();
    let client = bench.lab.client();
    client
        .make_inside("acme-prod-fsn-net", 30, 30, 3)
        .await
        .expect("the lab answers");
    assert_eq!(bench.shape().await.count("servers"), 35);
    // A name that begins with ours, in the same project.
    let other = bench.place.path().join("ha.yaml");
    let twin = std::fs::read_to_string(other)
        .expect("the spec is there")
        .replace("acme-prod", "acme-prod2");
    bench.place.file(
        "twin.yaml",
        &twin.replace("prod.acme.example", "prod2.acme.example"),
    );
    bench.sovereign(["up", "twin.yaml", "--yes"]).success();
    bench.sovereign(["destroy", "acme-prod", "--yes"]).success();
    let left = bench.shape().await;
    assert_eq!(
        (
            left.count("servers"),
            left.count("volumes"),
            left.count("load_balancers")
        ),
        (5, 0, 1)
    );
    // The key was shared; whoever is left gets it back.
    bench.sovereign(["up", "acme-prod2", "--yes"]).success();
    assert_eq!(bench.shape().await.count("servers"), 5);
    bench.sovereign(["scan", "acme-prod2"]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn sold_out_types_fall_back_in_order_even_in_the_middle_of_a_run() {
    let bench = Bench::quick().await;
    let error = FaultEffect::Error {
        status: 412,
        code: "resource_unavailable".into(),
    };
    let mut fault = Fault::on("sold out", "POST", "/servers", error);
    fault.server_type = Some("cx33".into());
    bench
        .lab
        .client()
        .set_fault(&fault)
        .await
        .expect("the lab answers");
    let up = bench.sovereign(["up", "ha.yaml", "--yes"]).success();
    assert!(up.stdout.contains("cpx32"), "{}", up.stdout);
    assert_eq!(bench.shape().await.count("servers"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_installers_on_one_store_do_not_meet() {
    let bench = Bench::with(LabConfig {
        create_seconds: 6.0,
        ..LabConfig::default()
    })
    .await;
    let first = bench
        .sovereign(["up", "ha.yaml", "--yes"])
        .env("SOVEREIGN_LEASE_SECONDS", "3")
        .spawn();
    bench.until_it_builds("acme-prod").await;
    let second = bench
        .sovereign(["up", "ha.yaml", "--yes"])
        .env("SOVEREIGN_LEASE_SECONDS", "3")
        .exits(7);
    assert!(
        second.stderr.contains("another installer works on `acme-prod`"),
        "{}",
        second.stderr
    );
    let first = tokio::task::block_in_place(|| first.wait_with_output()).expect("the first ends");
    assert!(first.status.success(), "{first:?}");
    assert_eq!(bench.shape().await.count("servers"), 5);
}

/// Its claim ends tomorrow; but nobody renews it.
#[tokio::test(flavor = "multi_thread")]
async fn an_installer_that_died_with_its_clock_ahead_is_not_waited_for_until_then() {
    let bench = Bench::with(LabConfig {
        create_seconds: 6.0,
        ..LabConfig::default()
    })
    .await;
    let lease = ("SOVEREIGN_LEASE_SECONDS", "3");
    let up = || {
        bench
            .sovereign(["up", "minimal.yaml", "--yes"])
            .env(lease.0, lease.1)
    };
    let mut first = up().spawn();
    bench.until_it_builds("acme-dev").await;
    first.kill().expect("it can be killed");
    first.wait().expect("it ends");
    let ahead = Command::new("sqlite3")
        .arg(bench.place.state().join("journal.db"))
        .arg("UPDATE lease SET until_ms = until_ms + 86400000 WHERE worker IS NOT NULL RETURNING 1")
        .output()
        .expect("sqlite3 runs: install sqlite3");
    assert_eq!(ahead.stdout, b"1\n", "it died with its claim");
    up().success();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_announced_day_of_the_api_is_understood() {
    for day in [
        "2026-03-01",
        "2026-06-30",
        "2026-07-15",
        "2026-09-30",
        "2026-11-01",
    ] {
        let bench = Bench::with(LabConfig {
            create_seconds: 0.2,
            today: day.parse().expect("a day"),
            ..LabConfig::default()
        })
        .await;
        bench.sovereign(["up", "ha.yaml", "--yes"]).success();
        bench.sovereign(["scan"]).success();
        bench.sovereign(["destroy", "acme-prod", "--yes"]).success();
        assert!(bench.shape().await.is_empty(), "{day}");
    }
}

/// Bytes that a pipe takes before its reader has to.
const PIPE: usize = 65_536;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_its_time_keeps_only_itself_waiting() {
    let bench = Bench::quick().await;
    let (mut reader, mut full) = std::io::pipe().expect("a pipe");
    full.write_all(&vec![b' '; PIPE]).expect("the pipe takes so much");
    let up = bench.sovereign(["up", "minimal.yaml", "--yes", "--json"]);
    let mut up = up.stdout(full).spawn();
    let began = Instant::now();
    loop {
        let status = bench.sovereign(["status", "acme-dev", "--json"]).ends().stdout;
        if status.contains("\"state\": \"up\"") {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "still {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut said = String::new();
    tokio::task::block_in_place(|| reader.read_to_string(&mut said)).expect("it is read");
    assert!(said.contains("\"outcome\":\"completed\""), "{said}");
    assert!(
        tokio::task::block_in_place(|| up.wait())
            .expect("it ends")
            .success()
    );
}
