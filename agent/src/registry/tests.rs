//! The registry of a host in a folder. What systemd would start is served by the test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use sovereign_core::agent::Piece;
use sovereign_core::k3s::Artifact;
use sovereign_core::registry::RegistryKey;
use sovereign_images::artifact::{Files, Origin, flux};
use sovereign_images::certificate::{Pair, authority, issue};
use sovereign_images::{Digest, Layout, archive::pack, registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::fault::Fault;
use crate::testing::Bench;

/// What an installer has: a kit and a CA.
struct Kit {
    folder: tempfile::TempDir,
    ca: Pair,
}

impl Kit {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            ca: authority("acme registry").unwrap(),
        }
    }

    /// A layout with one artifact.
    fn layout(&self, content: &str) -> Layout {
        let layout = Layout::create(self.folder.path().join(content)).unwrap();
        let files = Files::from([("kustomization.yaml".to_owned(), content.as_bytes().to_vec())]);
        let artifact = flux(&files, &Origin::default()).unwrap();
        artifact
            .put(&layout, &"kit".parse().unwrap(), &"1.0.0".parse().unwrap())
            .unwrap();
        layout
    }

    fn archive(&self, content: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(&self.layout(content), &mut bytes).unwrap();
        bytes
    }

    /// Serves a layout as the unit would, and tells the order for it.
    async fn served(&self, content: &str) -> NodeRegistry {
        let ip = Ipv4Addr::LOCALHOST;
        let names = vec![ip.to_string()];
        let server = issue(&self.ca, &names).unwrap();
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = SocketAddrV4::new(ip, listener.local_addr().unwrap().port());
        let tls = registry::tls(&server.certificate_pem, &server.key_pem).unwrap();
        let router = registry::router(self.layout(content)).unwrap();
        tokio::spawn(registry::serve(listener, tls, router, CancellationToken::new()));
        NodeRegistry {
            archive: artifact(&self.archive(content)),
            address,
            names,
            ca_pem: self.ca.certificate_pem.clone(),
            certificate_pem: server.certificate_pem,
            key: RegistryKey::new(server.key_pem.expose_secret()),
        }
    }
}

fn artifact(bytes: &[u8]) -> Artifact {
    Artifact {
        sha256: Digest::of(bytes).hex(),
        size: bytes.len() as u64,
    }
}

/// Goes through the parts, with an installer that hands over the archive.
async fn run(bench: &Bench, order: &NodeRegistry, bytes: &[u8]) -> Result<Vec<bool>, Fault> {
    let incoming = bench.host.incoming();
    let mut wants = incoming.wants();
    let work = async {
        let mut changed = Vec::new();
        for part in &PARTS {
            changed.push(part.converge(&bench.host, order).await?.changed);
        }
        Ok(changed)
    };
    let hand_over = async {
        while wants.wait_for(Option::is_some).await.is_ok() {
            incoming.take(&Piece {
                sha256: order.archive.sha256.clone(),
                from: 0,
                data: STANDARD.encode(bytes),
            });
            wants.wait_for(Option::is_none).await.unwrap();
        }
        std::future::pending().await
    };
    tokio::select! {
        done = work => done,
        never = hand_over => never,
    }
}

async fn undo(bench: &Bench) {
    for part in PARTS.iter().rev() {
        part.undo(&bench.host).await.unwrap();
    }
}

/// Names of the layouts that are there.
fn layouts(bench: &Bench) -> Vec<String> {
    let folder = bench.dir.path().join("var/lib/sovereign-registry");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn a_registry_is_placed_once_follows_its_archive_and_is_taken_away_whole() {
    let (bench, kit) = (Bench::new(), Kit::new());
    let before = bench.tree();
    let order = kit.served("one").await;
    let bytes = kit.archive("one");
    assert_eq!(run(&bench, &order, &bytes).await.unwrap(), [true; 5]);
    assert_eq!(layouts(&bench), [order.archive.sha256.as_str()]);
    assert_eq!(run(&bench, &order, &bytes).await.unwrap(), [false; 5]);
    assert_eq!(bench.runner.count("systemctl restart"), 1);
    let unit = bench.text("etc/systemd/system/sovereign-registry.service");
    assert!(
        unit.contains("ip address replace 127.0.0.1/32 dev lo scope host"),
        "{unit}"
    );

    let next = NodeRegistry {
        address: order.address,
        ..kit.served("two").await
    };
    // Nobody has started the new one: what is there still serves the old layout.
    let bytes = kit.archive("two");
    tokio::time::pause();
    let fault = run(&bench, &next, &bytes).await.unwrap_err();
    tokio::time::resume();
    assert!(fault.cause.contains("does not serve"), "{fault}");
    assert_eq!(layouts(&bench).len(), 2, "what is served stays until the next is");

    undo(&bench).await;
    assert_eq!(bench.tree(), before);
    assert!(layouts(&bench).is_empty());
}

#[tokio::test]
async fn the_next_archive_takes_the_place_of_the_one_before() {
    let (bench, kit) = (Bench::new(), Kit::new());
    let (one, two) = (kit.served("one").await, kit.served("two").await);
    run(&bench, &one, &kit.archive("one")).await.unwrap();
    run(&bench, &two, &kit.archive("two")).await.unwrap();
    assert_eq!(layouts(&bench), [two.archive.sha256.as_str()]);
    assert!(!bench.dir.path().join("var/lib/sovereign-agent/registry").exists());
}

#[tokio::test]
async fn a_damaged_layout_is_found_and_fetched_anew() {
    let (bench, kit) = (Bench::new(), Kit::new());
    let order = kit.served("one").await;
    let bytes = kit.archive("one");
    run(&bench, &order, &bytes).await.unwrap();
    let blobs = bench
        .dir
        .path()
        .join(&layout::path(&order)[1..])
        .join("blobs/sha256");
    let blob = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    fs::write(&blob, "damaged").unwrap();
    let changed = run(&bench, &order, &bytes).await.unwrap();
    assert_eq!(changed, [true, true, false, false, false]);
    assert_ne!(fs::read(&blob).unwrap(), b"damaged");
}

#[tokio::test]
async fn an_agent_that_died_between_two_parts_goes_on() {
    let (mut bench, kit) = (Bench::new(), Kit::new());
    let order = kit.served("one").await;
    let bytes = kit.archive("one");
    let incoming = bench.host.incoming();
    let mut wants = incoming.wants();
    let hand_over = async {
        wants.wait_for(Option::is_some).await.unwrap();
        incoming.take(&Piece {
            sha256: order.archive.sha256.clone(),
            from: 0,
            data: STANDARD.encode(&bytes),
        });
    };
    let (done, ()) = tokio::join!(PARTS[0].converge(&bench.host, &order), hand_over);
    assert!(done.unwrap().changed);
    // It died while it unpacked.
    let rest = bench.dir.path().join("var/lib/sovereign-registry/unfinished");
    fs::create_dir_all(rest.join("blobs/sha256")).unwrap();
    fs::write(rest.join("index.json"), "{").unwrap();
    bench.restart();
    assert_eq!(
        run(&bench, &order, b"nothing comes any more").await.unwrap(),
        [false, true, true, true, true]
    );
    assert_eq!(layouts(&bench), [order.archive.sha256.as_str()]);
}

#[tokio::test]
async fn what_is_no_archive_is_named_and_leaves_nothing() {
    let (bench, kit) = (Bench::new(), Kit::new());
    let bytes = b"not a tar file at all".repeat(100);
    let order = NodeRegistry {
        archive: artifact(&bytes),
        ..kit.served("one").await
    };
    let fault = run(&bench, &order, &bytes).await.unwrap_err();
    assert!(fault.cause.contains("cannot be unpacked"), "{fault}");
    assert!(fault.remedy.contains("--kit"), "{}", fault.remedy);
    assert!(!layouts(&bench).contains(&order.archive.sha256));
}

#[tokio::test]
async fn the_key_is_in_its_file_alone() {
    let (bench, kit) = (Bench::new(), Kit::new());
    let order = kit.served("one").await;
    run(&bench, &order, &kit.archive("one")).await.unwrap();
    let secret = order.key.expose().lines().nth(1).unwrap();
    let with: Vec<String> = bench
        .tree()
        .into_iter()
        .filter_map(|(path, text)| text.contains(secret).then_some(path))
        .collect();
    assert_eq!(with, ["etc/sovereign-agent/registry/server.pem"]);
    assert!(!bench.runner.ran.borrow().iter().any(|line| line.contains(secret)));
}
