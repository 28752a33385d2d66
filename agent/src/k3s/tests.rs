//! k3s on a host in a folder.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use sovereign_core::agent::Piece;
use sovereign_core::k3s::{Artifact, JoinToken, K3sRole};
use sovereign_core::registry::NODE_REGISTRY;

use super::*;
use crate::fault::Fault;
use crate::testing::Bench;

const BYTES: &[u8] = b"a k3s binary";

const SERVER: &str = r#"node-name: acme-cp-1
node-ip: "10.0.0.2"
node-label:
- node.sovereign.dev/group=cp
token-file: /etc/rancher/k3s/token
cluster-init: true
tls-san:
- acme.example.org
cluster-cidr: 10.42.0.0/16
service-cidr: 10.43.0.0/16
flannel-backend: none
disable-kube-proxy: true
disable-network-policy: true
disable:
- traefik
- servicelb
secrets-encryption: true
write-kubeconfig-mode: "0600"
etcd-snapshot-schedule-cron: 0 */6 * * *
etcd-snapshot-retention: 12
"#;
const REGISTRIES: &str = r#"mirrors:
  "169.254.20.20:5443":
    endpoint:
    - https://169.254.20.20:5443
configs:
  "169.254.20.20:5443":
    tls:
      ca_file: /etc/sovereign-agent/registry/ca.pem
"#;
const AGENT: &str = r#"node-name: acme-cp-1
node-ip: "10.0.0.2"
node-label:
- node.sovereign.dev/group=cp
token-file: /etc/rancher/k3s/token
server: https://[fd00::2]:6443
"#;

fn node(role: K3sRole) -> K3sNode {
    K3sNode {
        binary: Artifact {
            sha256: hex::encode(Sha256::digest(BYTES)),
            size: BYTES.len() as u64,
        },
        version: "v1.35.7+k3s1".into(),
        role,
        node_name: "acme-cp-1".into(),
        node_ip: Some([10, 0, 0, 2].into()),
        external_ip: None,
        tls_sans: vec!["acme.example.org".into()],
        pods: "10.42.0.0/16".parse().unwrap(),
        services: "10.43.0.0/16".parse().unwrap(),
        labels: BTreeMap::from([("node.sovereign.dev/group".into(), "cp".into())]),
        registry: NODE_REGISTRY,
        token: JoinToken::new("canary-token"),
    }
}

/// Goes through the parts, with an installer that hands over the binary.
async fn run(bench: &Bench, node: &K3sNode) -> Result<Vec<bool>, Fault> {
    let incoming = bench.host.incoming();
    let mut wants = incoming.wants();
    let work = async {
        let mut changed = Vec::new();
        for part in &PARTS {
            changed.push(part.converge(&bench.host, node).await?.changed);
        }
        Ok(changed)
    };
    let hand_over = async {
        while wants.wait_for(Option::is_some).await.is_ok() {
            incoming.take(&Piece {
                sha256: node.binary.sha256.clone(),
                from: 0,
                data: STANDARD.encode(BYTES),
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

#[tokio::test]
async fn a_server_is_placed_once_and_taken_away_whole() {
    let bench = Bench::new();
    let before = bench.tree();
    assert_eq!(run(&bench, &node(K3sRole::Init)).await.unwrap(), [true; 4]);
    assert_eq!(
        fs::read(bench.dir.path().join("usr/local/bin/k3s")).unwrap(),
        BYTES
    );
    assert!(
        bench
            .text("etc/systemd/system/k3s.service")
            .contains("/usr/local/bin/k3s server")
    );
    assert_eq!(bench.text("etc/rancher/k3s/config.yaml"), SERVER);
    assert_eq!(bench.text("etc/rancher/k3s/registries.yaml"), REGISTRIES);
    assert_eq!(run(&bench, &node(K3sRole::Init)).await.unwrap(), [false; 4]);

    fs::create_dir_all(bench.dir.path().join("var/lib/rancher/k3s/server/db")).unwrap();
    for part in PARTS.iter().rev() {
        part.undo(&bench.host).await.unwrap();
    }
    assert_eq!(bench.tree(), before);
    assert!(!bench.dir.path().join("var/lib/rancher").exists());
}

#[tokio::test]
async fn an_agent_joins_and_starts_anew_with_another_token() {
    let bench = Bench::new();
    let mut agent = node(K3sRole::Agent {
        join: "fd00::2".into(),
    });
    run(&bench, &agent).await.unwrap();
    assert!(
        bench
            .text("etc/systemd/system/k3s-agent.service")
            .contains("/usr/local/bin/k3s agent")
    );
    assert_eq!(bench.text("etc/rancher/k3s/config.yaml"), AGENT);
    let starts = bench.runner.count("systemctl restart --no-block");
    agent.token = JoinToken::new("another");
    assert_eq!(run(&bench, &agent).await.unwrap(), [false, true, false, true]);
    assert_eq!(bench.runner.count("systemctl restart --no-block"), starts + 1);
    assert_eq!(bench.text("etc/rancher/k3s/token"), "another\n");
}

/// Whatever is cut off, a k3s that was not started with the new token is not taken for one that was, and one that may have been started
/// is taken away.
#[tokio::test]
async fn cut_off_anywhere_it_is_started_anew_with_what_is_new() {
    for dies_at in 0.. {
        let bench = Bench::new();
        let mut server = node(K3sRole::Init);
        run(&bench, &server).await.unwrap();
        server.token = JoinToken::new("another");
        let starts = bench.runner.count("systemctl restart --no-block");
        bench
            .runner
            .dead_from
            .set(Some(bench.runner.ran.borrow().len() + dies_at));
        if run(&bench, &server).await.is_ok() {
            assert!(dies_at > 1, "{dies_at}");
            break;
        }
        assert!(bench.host.root.exists(STARTED_WITH), "died at {dies_at}");
        bench.runner.dead_from.set(None);
        run(&bench, &server).await.unwrap();
        let started = bench.runner.count("systemctl restart --no-block");
        assert!(started > starts, "died at {dies_at}");
        assert_eq!(
            run(&bench, &server).await.unwrap(),
            [false; 4],
            "died at {dies_at}"
        );
    }
}

/// A power loss leaves an etcd that knows nobody, not even itself.
#[tokio::test]
async fn what_never_was_a_cluster_is_made_anew_and_what_was_one_stays() {
    let bench = Bench::new();
    let etcd = bench.host.root.path(running::ETCD);
    let server = node(K3sRole::Server {
        join: "10.0.0.3".into(),
    });
    fs::create_dir_all(&etcd).unwrap();
    running::begin_anew(&bench.host, &server).unwrap();
    assert!(etcd.exists(), "the others know who is in it");
    running::begin_anew(&bench.host, &node(K3sRole::Init)).unwrap();
    assert!(!etcd.exists());
    run(&bench, &node(K3sRole::Init)).await.unwrap();
    fs::create_dir_all(&etcd).unwrap();
    running::begin_anew(&bench.host, &node(K3sRole::Init)).unwrap();
    assert!(etcd.exists());
}

#[tokio::test]
async fn a_k3s_of_somebody_else_stays_as_it_is() {
    let bench = Bench::new();
    let there = bench.dir.path().join("usr/local/bin/k3s");
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    fs::write(&there, "theirs").unwrap();
    fs::create_dir_all(bench.dir.path().join("etc/systemd/system")).unwrap();
    fs::write(bench.dir.path().join("etc/systemd/system/k3s.service"), "theirs").unwrap();
    let fault = run(&bench, &node(K3sRole::Init)).await.unwrap_err();
    assert!(fault.cause.contains("not put there by a Sovereign"), "{fault}");
    for part in PARTS.iter().rev() {
        part.undo(&bench.host).await.unwrap();
    }
    assert_eq!(fs::read(there).unwrap(), b"theirs");
    for act in ["systemctl stop", "systemctl kill", "systemctl disable"] {
        assert_eq!(bench.runner.count(act), 0, "{act}");
    }
}

#[tokio::test]
async fn a_k3s_of_another_version_is_not_put_in_its_place() {
    let bench = Bench::new();
    let mut other = node(K3sRole::Init);
    other.version = "v1.34.1+k3s1".into();
    let fault = run(&bench, &other).await.unwrap_err();
    assert!(
        fault
            .cause
            .contains("is k3s v1.35.7+k3s1, and the spec asks for v1.34.1+k3s1"),
        "{fault}"
    );
    assert!(
        fault.remedy.contains("kubernetes.version: v1.35.7+k3s1"),
        "{}",
        fault.remedy
    );
    assert!(!bench.host.root.exists(BINARY));

    // Nor is one that is there already left alone.
    run(&bench, &node(K3sRole::Init)).await.unwrap();
    let fault = run(&bench, &other).await.unwrap_err();
    assert!(fault.cause.contains("and the spec asks for"), "{fault}");
}

#[tokio::test]
async fn the_token_is_in_its_file_alone() {
    let bench = Bench::new();
    run(&bench, &node(K3sRole::Init)).await.unwrap();
    let with: Vec<String> = bench
        .tree()
        .into_iter()
        .filter_map(|(path, text)| text.contains("canary-token").then_some(path))
        .collect();
    assert_eq!(with, ["etc/rancher/k3s/token"]);
    assert!(
        !bench
            .runner
            .ran
            .borrow()
            .iter()
            .any(|line| line.contains("canary-token"))
    );
}
