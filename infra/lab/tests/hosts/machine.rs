//! The driver of virtual machines: one machine, once, as booting it by emulation takes a minute and more.

use std::io::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sovereign_lab::{Fault, HostKind, HostsConfig, LabConfig};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::bench::Bench;
use crate::traces::Traces;

/// Longest wait for a machine to boot.
const PATIENCE: Duration = Duration::from_mins(5);
/// Two years and more. A clock that is behind is set by systemd to when it was built.
const CLOCK_OFFSET: i64 = 800 * 86_400;
/// What the machine says of itself once cloud-init has run.
const USER_DATA: &str = r#"#cloud-config
ssh_genkeytypes: [ed25519]
runcmd:
- |
  volume=/dev/disk/by-id/scsi-0HC_Volume_*
  i=0; until [ -e $volume ] || [ $((i=i+1)) -gt 60 ]; do sleep 1; done
  {
    echo "lab: cloud $(cloud-id) as $(hostname)"
    echo "lab: nic $(ip -4 -o address show dev enp7s0 | awk '{print $4}') mtu $(cat /sys/class/net/enp7s0/mtu)"
    echo "lab: route $(ip route show 10.0.0.0/16)"
    echo "lab: volume $(blockdev --getsize64 $volume) $(blkid -o value -s TYPE $volume)"
    echo "lab: disk $(df -BG --output=size / | tail -n 1 | tr -d ' ')"
    echo "lab: day $(date +%F)"
    echo "lab: end"
  } > /dev/ttyS0
"#;

fn packed(text: &str) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).expect("packs");
    STANDARD.encode(gzip.finish().expect("packs"))
}

/// A server that a clock fault awaits, behind a firewall and a load balancer, with a private network and a volume.
async fn order(bench: &Bench) -> (u64, u64) {
    let fault =
        json!({"name": "clock", "resource": "machine", "effect": "clock_off", "seconds": CLOCK_OFFSET});
    let fault: Fault = serde_json::from_value(fault).expect("a fault");
    bench.hands.set_fault(&fault).await.expect("set");
    let network = bench.network("net").await;
    let ssh = json!({"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0"]});
    let firewall = bench
        .post("/firewalls", json!({"name": "wall", "rules": [ssh]}))
        .await;
    let more = json!({
        "user_data": packed(USER_DATA), "networks": [network],
        "firewalls": [{"firewall": firewall["firewall"]["id"]}],
    });
    let server = bench.server("machine", more).await;
    bench
        .post(
            "/volumes",
            json!({"name": "data", "size": 10, "server": server, "format": "ext4"}),
        )
        .await;
    let check = json!({"protocol": "tcp", "port": 22, "interval": 3, "timeout": 3, "retries": 1});
    let service = json!({
        "protocol": "tcp", "listen_port": 2222, "destination_port": 22, "proxyprotocol": false, "health_check": check,
    });
    let balancer = json!({
        "name": "door", "load_balancer_type": "lb11", "location": "fsn1", "network": network,
        "algorithm": {"type": "round_robin"}, "services": [service],
        "targets": [{"type": "server", "server": {"id": server}, "use_private_ip": true}],
    });
    let balancer = bench.post("/load_balancers", balancer).await;
    (
        server,
        balancer["load_balancer"]["id"].as_u64().expect("a number"),
    )
}

/// Everything the machine has said once it has said a word.
async fn console(bench: &Bench, word: &str) -> String {
    let began = Instant::now();
    loop {
        let said = bench.hands.console("machine").await.unwrap_or_default();
        if said.contains(word) {
            return said;
        }
        assert!(began.elapsed() < PATIENCE, "no `{word}` on the console:\n{said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn banner(address: &Value, port: u16) -> String {
    let address = address.as_str().expect("an address");
    let mut stream = TcpStream::connect((address, port)).await.expect("a connection");
    let mut banner = [0; 8];
    stream.read_exact(&mut banner).await.expect("a banner");
    String::from_utf8_lossy(&banner).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_boots_by_the_true_datasource() {
    let hosts = HostsConfig {
        kind: HostKind::Vm,
        ..HostsConfig::default()
    };
    let bench = Bench::with(LabConfig {
        hosts: Some(hosts),
        ..LabConfig::default()
    })
    .await;
    let name = bench.lab.ground().expect("hosts").name.clone();
    let (server, balancer) = order(&bench).await;

    let said = console(&bench, "lab: end").await;
    let day = Timestamp::now() + SignedDuration::from_secs(CLOCK_OFFSET);
    let private = bench.private(server).await;
    for line in [
        "lab: cloud hetzner as machine",
        &format!("lab: nic {private}/32 mtu 1450"),
        "lab: route 10.0.0.0/16 via 10.0.0.1 dev enp7s0",
        "lab: volume 10737418240 ext4",
        "lab: disk 40G",
        &format!("lab: day {}", day.strftime("%Y-%m-%d")),
    ] {
        assert!(said.contains(line), "no `{line}` on the console:\n{said}");
    }

    let path = format!("/load_balancers/{balancer}");
    let healthy = |answer: &Value| {
        answer["load_balancer"]["targets"][0]["health_status"]
            == json!([{"listen_port": 2222, "status": "healthy"}])
    };
    let answer = bench.until(&path, healthy).await;
    let door = &answer["load_balancer"]["public_net"]["ipv4"]["ip"];
    assert_eq!(banner(door, 2222).await, "SSH-2.0-");
    assert_eq!(banner(&json!(bench.address(server).await), 22).await, "SSH-2.0-");

    bench
        .post(&format!("/servers/{server}/actions/shutdown"), json!({}))
        .await;
    bench.status(server, "off").await;
    bench.delete(&format!("/servers/{server}")).await;
    bench.delete(&path).await;
    bench.lab.shutdown().await.expect("ends");
    assert_eq!(Traces::of(&name), Traces::default());
}
