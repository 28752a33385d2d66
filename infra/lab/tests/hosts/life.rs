//! A server's life: it boots by its user data, is reached and reaches others, goes off, comes back, and goes.

use std::net::Ipv4Addr;

use serde_json::json;
use tokio::net::TcpStream;

use crate::bench::Bench;
use crate::traces::Traces;

/// Says its name where a test looks for it.
const HELLO: &str = "#cloud-config\nruncmd:\n- echo hello from $(hostname) > /root/hello\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_a_host() {
    let bench = Bench::raise().await;
    let name = bench.lab.ground().expect("hosts").name.clone();
    let (network, stranger) = (bench.network("net").await, bench.network("other").await);
    let joins = |network: u64| json!({"user_data": HELLO, "networks": [network]});
    let (one, two, three) = tokio::join!(
        bench.server("one", joins(network)),
        bench.server("two", joins(network)),
        bench.server("three", joins(stranger)),
    );
    for server in ["one", "two", "three"] {
        assert_eq!(bench.booted(server).await, "status: done");
        let said = bench.shell(server, "cat /root/hello").await.stdout;
        assert_eq!(said, format!("hello from {server}\n"));
    }
    networks_lead_where_they_should(&bench, [one, two, three]).await;
    metadata_is_the_clouds(&bench, one).await;
    power_is_as_the_api_says(&bench, one).await;
    rescue_and_rebuild(&bench, two).await;

    for id in [one, two, three] {
        bench.delete(&format!("/servers/{id}")).await;
    }
    bench.delete(&format!("/networks/{network}")).await;
    assert!(!Traces::of(&name).running(), "{:?}", Traces::of(&name));
    bench.lab.shutdown().await.expect("ends");
    assert_eq!(Traces::of(&name), Traces::default());
}

async fn networks_lead_where_they_should(bench: &Bench, [one, two, three]: [u64; 3]) {
    let (private, public) = (bench.private(two).await, bench.address(two).await);
    let ping = |to: Ipv4Addr| format!("ping -c1 -W2 {to}");
    assert_eq!(bench.shell("one", &ping(private)).await.code, Some(0));
    assert_eq!(bench.shell("one", &ping(public)).await.code, Some(0));
    // Another network has the same addresses; nothing crosses over.
    assert_eq!(bench.private(one).await, bench.private(three).await);
    assert_ne!(bench.shell("three", &ping(private)).await.code, Some(0));
    // Nothing leaves the lab, and this machine is reached at one address.
    assert_ne!(bench.shell("one", &ping([1, 1, 1, 1].into())).await.code, Some(0));
    let gateway = bench.lab.ground().expect("hosts").gateway;
    assert_eq!(bench.shell("one", &ping(gateway)).await.code, Some(0));
    let ssh = TcpStream::connect((bench.address(one).await, 22)).await;
    ssh.expect("the host's sshd answers this machine");
    let server = bench.get(&format!("/servers/{one}")).await;
    let range = server["server"]["public_net"]["ipv6"]["ip"]
        .as_str()
        .expect("a network");
    let ssh = TcpStream::connect(format!("[{}1]:22", range.trim_end_matches("/64"))).await;
    ssh.expect("the host's sshd answers by IPv6");
}

async fn metadata_is_the_clouds(bench: &Bench, id: u64) {
    let base = "http://169.254.169.254/hetzner/v1";
    let ask = async |path: &str| {
        bench
            .shell("one", &format!("curl -sf {base}/{path}"))
            .await
            .stdout
    };
    assert_eq!(ask("metadata/instance-id").await, id.to_string());
    assert_eq!(ask("metadata/hostname").await, "one");
    assert_eq!(
        ask("metadata/public-ipv4").await,
        bench.address(id).await.to_string()
    );
    assert!(
        ask("metadata/private-networks")
            .await
            .contains(&bench.private(id).await.to_string())
    );
    assert_eq!(ask("userdata").await, HELLO);
    let whole: serde_json::Value = serde_json::from_str(&ask("metadata").await).expect("YAML that is JSON");
    assert_eq!(whole["region"], "eu-central");
}

async fn power_is_as_the_api_says(bench: &Bench, id: u64) {
    let act = async |verb: &str| {
        bench
            .post(&format!("/servers/{id}/actions/{verb}"), json!({}))
            .await
    };
    let boot = async || {
        bench
            .eventually("one", "cat /proc/sys/kernel/random/boot_id")
            .await
    };
    let first = boot().await;
    bench.shell("one", "touch /run/gone /root/kept").await;

    act("reboot").await;
    assert_eq!(
        bench.eventually("one", "test ! -e /run/gone && ls /root").await,
        "hello\nkept\n"
    );
    assert_ne!(boot().await, first);
    bench.up("one").await;

    act("shutdown").await;
    bench.status(id, "off").await;
    assert!(bench.hands.execute("one", &["true"]).await.is_err());
    act("poweron").await;
    bench.status(id, "running").await;

    act("poweroff").await;
    bench.status(id, "off").await;
    act("poweron").await;
    bench.eventually("one", "test -e /root/kept").await;

    // It goes off and comes back by itself, and the API tells.
    bench.up("one").await;
    let before = boot().await;
    bench.shell("one", "systemctl reboot").await;
    bench
        .eventually(
            "one",
            &format!("! grep -q {} /proc/sys/kernel/random/boot_id", before.trim()),
        )
        .await;
    bench.up("one").await;
    bench.shell("one", "systemctl poweroff").await;
    bench.status(id, "off").await;
}

async fn rescue_and_rebuild(bench: &Bench, id: u64) {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBhFTYvSGqHP2SqHK8Ok2oMcWzZoQ4vHMnLgLJkPFmHk rescue";
    let key_id = bench
        .post("/ssh_keys", json!({"name": "rescue", "public_key": key}))
        .await;
    let keys = json!({"type": "linux64", "ssh_keys": [key_id["ssh_key"]["id"]]});
    bench
        .post(&format!("/servers/{id}/actions/enable_rescue"), keys)
        .await;
    bench
        .post(&format!("/servers/{id}/actions/reset"), json!({}))
        .await;
    let seen = bench
        .eventually(
            "two",
            "hostname && cat /root/.ssh/authorized_keys /mnt/root/hello",
        )
        .await;
    assert_eq!(seen, format!("rescue\n{key}\nhello from two\n"));

    let user_data = "#cloud-config\nruncmd: [touch /root/rebuilt]\n";
    let order = json!({"image": "debian-12", "user_data": user_data});
    bench.post(&format!("/servers/{id}/actions/rebuild"), order).await;
    assert_eq!(
        bench.eventually("two", "test -e /root/rebuilt && ls /root").await,
        "rebuilt\n"
    );
}
