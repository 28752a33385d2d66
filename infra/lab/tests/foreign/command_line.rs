//! Debian's `hcloud`, as an operator uses it against a lab.

use std::process::Command;

use sovereign_lab::RunningLab;

use crate::{client, lab};

async fn hcloud(lab: &RunningLab, args: &str) -> String {
    let mut command = Command::new("hcloud");
    command
        .args(args.split(' '))
        .env("HCLOUD_TOKEN", lab.token())
        .env("HCLOUD_ENDPOINT", lab.url())
        .env("HOME", "/nonexistent");
    client(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn debians_hcloud_is_satisfied() {
    let lab = lab().await;
    hcloud(&lab, "network create --name net --ip-range 10.0.0.0/16").await;
    hcloud(
        &lab,
        "network add-subnet net --type cloud --network-zone eu-central --ip-range 10.0.1.0/24",
    )
    .await;
    hcloud(&lab, "placement-group create --name pg --type spread").await;
    hcloud(&lab, "server create --name one --type cx33 --image ubuntu-24.04 --location fsn1 --network net --placement-group pg --label a=b").await;
    hcloud(&lab, "load-balancer create --name lb --type lb11 --location fsn1").await;
    hcloud(&lab, "volume create --name vol --size 10 --server one").await;
    let servers = hcloud(&lab, "server list -o noheader -o columns=name,status -l a=b").await;
    assert_eq!(servers.split_whitespace().collect::<Vec<_>>(), ["one", "running"]);
    let described = hcloud(&lab, "server describe one -o json").await;
    let described: serde_json::Value = serde_json::from_str(&described).expect("JSON");
    assert_eq!(
        described["private_net"][0]["ip"]
            .as_str()
            .map(|ip| ip.starts_with("10.0.1.")),
        Some(true)
    );
    for list in [
        "server-type",
        "location",
        "image",
        "load-balancer-type",
        "ssh-key",
        "firewall",
        "primary-ip",
    ] {
        hcloud(&lab, &format!("{list} list")).await;
    }
    hcloud(&lab, "volume detach vol").await;
    hcloud(&lab, "volume delete vol").await;
    hcloud(&lab, "load-balancer delete lb").await;
    hcloud(&lab, "server delete one").await;
    // Debian's version does not wait for the server to be gone.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    hcloud(&lab, "placement-group delete pg").await;
    hcloud(&lab, "network delete net").await;
    for kind in [
        "server",
        "network",
        "volume",
        "load-balancer",
        "placement-group",
        "primary-ip",
    ] {
        let left = hcloud(&lab, &format!("{kind} list -o noheader")).await;
        assert_eq!(left.trim(), "", "{kind}");
    }
}
