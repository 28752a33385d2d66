use std::io::Write as _;
use std::net::SocketAddr;

use axum::extract::Path as Part;
use axum::http::StatusCode;
use axum::{Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::*;
use crate::hosts::driver::Defects;
use crate::hosts::network::METADATA;
use crate::hosts::testing::Bench;
use crate::hosts::volume::Volumes;
use crate::hosts::{Part as _, Picture, namespace};

/// Emulated, a boot takes about a minute; beside other tests it takes longer.
const PATIENCE: Duration = Duration::from_mins(4);
/// Two years and more. A clock that is behind is set by systemd to when it was built.
const CLOCK_OFFSET: i64 = 800 * 86_400;
/// What the machine says of itself once cloud-init has run.
const USER_DATA: &str = r#"#cloud-config
ssh_genkeytypes: [ed25519]
runcmd:
- |
  i=0; until [ -e /dev/disk/by-id/scsi-0HC_Volume_4711 ] || [ $((i=i+1)) -gt 60 ]; do sleep 1; done
  {
    echo "lab: cloud $(cloud-id) as $(hostname)"
    echo "lab: nic $(ip -4 -o address show dev enp7s0 | awk '{print $4}') mtu $(cat /sys/class/net/enp7s0/mtu)"
    echo "lab: route $(ip route show 10.77.0.0/16)"
    echo "lab: volume $(blockdev --getsize64 /dev/disk/by-id/scsi-0HC_Volume_4711)"
    echo "lab: disk $(df -BG --output=size / | tail -n 1 | tr -d ' ')"
    echo "lab: day $(date +%F)"
    echo "lab: file $(cat /etc/put/before)"
    echo "lab: end"
  } > /dev/ttyS0
"#;

fn packed(text: &str) -> String {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).expect("packs");
    STANDARD.encode(gzip.finish().expect("packs"))
}

/// The cloud's metadata service, as much as cloud-init asks of it.
async fn serve_metadata(router: &str, mac: &str) {
    let nic = json!({"type": "physical", "name": "eth0", "mac_address": mac, "subnets": [{"type": "dhcp", "ipv4": true}]});
    let document = json!({
        "instance-id": 7, "hostname": "the-vm", "public-keys": [], "vendor_data": "",
        "network-config": {"version": 1, "config": [nic]},
    });
    let keys = document.clone();
    let key = async move |Part(key): Part<String>| match keys.get(&key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value) => Ok(value.to_string()),
        None if key == "private-networks" => Ok("[]".into()),
        None => Err(StatusCode::NOT_FOUND),
    };
    let service = Router::new()
        .route(
            "/hetzner/v1/metadata",
            routing::get(async move || document.to_string()),
        )
        .route("/hetzner/v1/metadata/{key}", routing::get(key))
        .route("/hetzner/v1/userdata", routing::get(async || packed(USER_DATA)));
    let address = SocketAddr::from((METADATA, 80));
    let listener = namespace::listen(router, address).await.expect("a listener");
    tokio::spawn(async move { axum::serve(listener, service).await });
}

/// Waits for a word on the console; what it says instead, when the word does not come.
async fn console(host: &HostSpec, word: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = String::from_utf8_lossy(&fs::read(host.console()).unwrap_or_default()).into_owned();
        if said.contains(word) {
            return said;
        }
        assert!(Instant::now() < until, "no `{word}` on the console:\n{said}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_machine_boots_by_the_true_datasource() {
    let bench = Bench::raise().await;
    bench.host(7, false).await;
    let wiring = bench.wiring(7, false);
    let mac = wiring
        .public
        .as_ref()
        .map(|nic| nic.mac.clone())
        .unwrap_or_default();
    serve_metadata(&bench.slot().router(), &mac).await;
    let scratch = tempfile::tempdir().expect("a directory");
    let host = HostSpec {
        id: 7,
        name: "the-vm".into(),
        namespace: bench.slot().host(7),
        directory: scratch.path().into(),
        cores: 2,
        memory_mib: 1024,
        disk_gib: 20,
        boot: Boot::Disk,
        public: wiring.public,
        private: wiring.private,
        resolvers: vec![METADATA],
        defects: Defects {
            clock_offset: CLOCK_OFFSET,
            files: vec![("/etc/put/before".into(), Some("and found".into()))],
            ..Defects::default()
        },
    };
    let driver = VmDriver::new("/var/cache/sovereign-lab", bench.slot().name());
    let mut volumes = Volumes::new(scratch.path(), driver.machines());
    let vm = driver.start(&host).await.expect("a machine");
    let volume = json!({"id": 4711, "size": 10, "server": 7, "format": null});
    let picture = Picture {
        volumes: vec![volume],
        ..Picture::default()
    };
    volumes.follow(&picture).await.expect("a volume");

    let said = console(&host, "lab: end").await;
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(CLOCK_OFFSET);
    for line in [
        "lab: cloud hetzner as the-vm",
        "lab: nic 10.77.0.7/32 mtu 1450",
        "lab: route 10.77.0.0/16 via 10.77.0.1 dev enp7s0",
        "lab: volume 10737418240",
        "lab: disk 20G",
        &format!("lab: day {}", then.strftime("%Y-%m-%d")),
        "lab: file and found",
    ] {
        assert!(said.contains(line), "no `{line}` on the console:\n{said}");
    }
    vm.press_power_button().await.expect("pressed");
    assert_eq!(
        tokio::time::timeout(PATIENCE, vm.ended()).await.expect("an end"),
        Ended::Off
    );
    volumes.stop().await;
    drop(vm);
    bench.end().await;
}
