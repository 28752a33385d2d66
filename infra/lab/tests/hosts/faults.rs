//! What goes wrong with hosts on purpose, seen from inside and outside.

use std::time::Duration;

use serde_json::json;
use sovereign_lab::{Fault, FaultEffect, HostFaults, Stage};
use tokio::net::TcpStream;

use crate::bench::Bench;

/// Leaves a trace of every stage that runs.
const STAGES: &str = "#cloud-config\nbootcmd: [touch /run/network]\nruncmd: [touch /root/final]\n";

#[tokio::test(flavor = "multi_thread")]
async fn hosts_fail_as_told() {
    let bench = Bench::raise().await;
    let network = bench.network("net").await;
    let faults = [
        ("local", FaultEffect::CloudInitFails { stage: Stage::Local }),
        ("config", FaultEffect::CloudInitFails { stage: Stage::Config }),
        ("dead", FaultEffect::DeadBoot),
        ("slow", FaultEffect::SlowBoot { seconds: 3 }),
        ("full", FaultEffect::DiskFull { left_mib: 100 }),
        ("misled", FaultEffect::WrongMetadataRoute),
    ];
    for (server, effect) in faults {
        let mut fault = Fault::on(server, "POST", "/servers", effect);
        fault.resource = Some(server.into());
        bench.hands.set_fault(&fault).await.expect("accepted");
        bench
            .server(server, json!({"user_data": STAGES, "networks": [network]}))
            .await;
    }
    tokio::join!(
        stages_fail(&bench),
        the_dead_stay_silent(&bench),
        the_slow_come_up(&bench),
        the_disk_is_full(&bench),
        metadata_is_misled(&bench),
    );
    links_are_cut(&bench).await;
    a_clock_of_its_own_is_refused(&bench).await;
    bench.lab.shutdown().await.expect("ends");
}

async fn stages_fail(bench: &Bench) {
    let failed =
        |unit: &str| format!("systemctl is-failed --quiet {unit} && systemctl is-active multi-user.target");
    bench.eventually("local", &failed("cloud-init-local")).await;
    assert_ne!(bench.shell("local", "test -e /run/network").await.code, Some(0));
    bench.eventually("config", &failed("cloud-config")).await;
    assert_eq!(bench.shell("config", "test -e /run/network").await.code, Some(0));
    assert_ne!(bench.shell("config", "test -e /root/final").await.code, Some(0));
    let console = bench.hands.console("config").await.expect("a console");
    assert!(
        console.contains("this stage of cloud-init fails, as set in the lab"),
        "{console}"
    );
}

async fn the_dead_stay_silent(bench: &Bench) {
    let host = bench.hands.host("dead").await.expect("known");
    assert_eq!(host.status, "running");
    assert!(bench.hands.execute("dead", &["true"]).await.is_err());
    assert_eq!(bench.hands.console("dead").await.expect("a console"), "");
}

async fn the_slow_come_up(bench: &Bench) {
    assert_eq!(bench.booted("slow").await, "status: done");
    let id = bench.hands.host("slow").await.expect("known").id;
    let server = bench.get(&format!("/servers/{id}")).await;
    let created = server["server"]["created"]
        .as_str()
        .and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let began = bench.shell("slow", "stat -c %Y /proc/1").await.stdout;
    let began: i64 = began.trim().parse().expect("seconds");
    assert!(began - created.expect("a time").as_second() >= 3);
}

async fn the_disk_is_full(bench: &Bench) {
    bench.up("full").await;
    let write = "fallocate -l 200M /root/big";
    assert_ne!(bench.shell("full", write).await.code, Some(0));
    bench
        .hands
        .afflict("full", &HostFaults::default())
        .await
        .expect("accepted");
    bench.eventually("full", write).await;
}

async fn metadata_is_misled(bench: &Bench) {
    let route = "ip route get 169.254.169.254 | grep 'via 10.0.0.1 dev enp7s0'";
    bench.eventually("misled", route).await;
    assert_eq!(bench.booted("misled").await, "status: done");
    let ask = "curl -sf --max-time 1 http://169.254.169.254/hetzner/v1/metadata";
    assert_ne!(bench.shell("misled", ask).await.code, Some(0));
}

async fn links_are_cut(bench: &Bench) {
    let id = bench.hands.host("config").await.expect("known").id;
    let address = (bench.address(id).await, 22);
    let reached = async || {
        let attempt = TcpStream::connect(address);
        matches!(
            tokio::time::timeout(Duration::from_secs(5), attempt).await,
            Ok(Ok(_))
        )
    };
    assert!(reached().await);
    let cut = HostFaults {
        cut_public: true,
        cut_private: true,
        ..HostFaults::default()
    };
    bench.hands.afflict("config", &cut).await.expect("accepted");
    bench
        .eventually(
            "config",
            "grep -q 0 /sys/class/net/eth0/carrier /sys/class/net/enp7s0/carrier",
        )
        .await;
    assert!(!reached().await);
    bench
        .hands
        .afflict("config", &HostFaults::default())
        .await
        .expect("accepted");
    bench
        .eventually("config", "ping -c1 -W1 172.31.1.1 && ping -c1 -W1 10.0.0.1")
        .await;
    assert!(reached().await);
    bench.hands.kill_host("config").await.expect("accepted");
    bench.status(id, "off").await;
}

async fn a_clock_of_its_own_is_refused(bench: &Bench) {
    let fault = Fault::on(
        "clock",
        "POST",
        "/servers",
        FaultEffect::ClockOff { seconds: 3600 },
    );
    let refused = bench
        .hands
        .set_fault(&fault)
        .await
        .expect_err("containers have no clock");
    assert!(refused.to_string().contains("--hosts vm"), "{refused}");
}
