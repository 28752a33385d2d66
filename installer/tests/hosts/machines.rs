//! Machines that are there: the lab's hosts, reached as any Linux is, by somebody's own SSH key.

use std::process::Command;

use serde_json::json;

use crate::bench::Bench;
use crate::cluster::{self, nodes};
use crate::kit::PACKED;

/// A machine that somebody bought by hand, with a login for the key in `machine_key.pub`.
fn machine(bench: &Bench, name: &str) -> String {
    let key = bench.place.path().join("machine_key");
    if !key.exists() {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        assert!(made.expect("ssh-keygen runs: install openssh-client").success());
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("the key is there");
    let user_data = format!(
        "#cloud-config\nmanage_etc_hosts: true\nusers: [{{name: admin, sudo: \"ALL=(ALL) NOPASSWD:ALL\", shell: /bin/bash, ssh_authorized_keys: [{}]}}]\n",
        json!(public.trim())
    );
    let bought = json!({
        "name": name, "server_type": "cx33", "image": "debian-12", "location": "fsn1", "user_data": user_data,
    });
    let body = bench.place.file("order.json", &bought.to_string());
    let url = format!("{}/servers", bench.env("SOVEREIGN_HETZNER_ENDPOINT"));
    let output = Command::new("curl")
        .args(["-sS", "-H", "Content-Type: application/json", "-H"])
        .arg(format!("Authorization: Bearer {}", bench.env("HCLOUD_TOKEN")))
        .arg("--data-binary")
        .arg(format!("@{}", body.display()))
        .arg(url)
        .output()
        .expect("curl runs");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let address = &answer["server"]["public_net"]["ipv4"]["ip"];
    address.as_str().expect("an address").to_owned()
}

#[test]
fn a_machine_is_trusted_by_its_key_looked_after_and_left_as_it_was() {
    let bench = Bench::start(&[]);
    let address = machine(&bench, "bare-1");
    let spec = spec(&bench, "acme-metal", &address);
    let plan = until_it_answers(&bench, &spec);
    assert!(plan.contains("SHA256:"), "{plan}");
    let before = footprint(&bench);
    assert!(before.contains("disabled"), "nothing to switch on: {before}");
    bench.sovereign(&["up", &spec, "--yes", "--json"]).success();
    let again = bench
        .sovereign(&["up", "acme-metal", "--yes", "--json"])
        .success();
    let summary = again.json_lines().pop().expect("a summary");
    assert_eq!(summary["summary"]["unchanged"], true, "{summary:#}");
    assert_eq!(bench.on("bare-1", "hostname").trim(), "acme-metal-dc1-cp-1");
    let timers = bench.on(
        "bare-1",
        "systemctl is-active apt-daily.timer apt-daily-upgrade.timer",
    );
    assert_eq!(timers, "active\nactive\n");
    bench
        .sovereign(&["destroy", "acme-metal", "--yes", "--json"])
        .success();
    assert_eq!(footprint(&bench), before);
}

/// All the way: the machine is let go with a cluster on it, and a Sovereign that is destroyed after that leaves nothing there.
#[test]
fn a_machine_is_handed_off_and_left_as_it_was_once_the_sovereign_is_destroyed() {
    let bench = cluster::bench();
    let address = machine(&bench, "bare-1");
    let spec = spec(&bench, "acme-iron", &address);
    until_it_answers(&bench, &spec);
    let before = footprint(&bench);
    PACKED
        .until("hand-off", bench.sovereign(&["up", &spec, "--yes", "--json"]))
        .success();
    assert_eq!(bench.status("acme-iron")["state"], "handed_off");
    assert_eq!(nodes(&bench, "bare-1"), ["acme-iron-dc1-cp-1"]);
    let units = bench.on(
        "bare-1",
        "systemctl is-active sovereign-agent k3s sovereign-registry",
    );
    assert_eq!(
        units.split_whitespace().collect::<Vec<_>>(),
        ["inactive", "active", "active"]
    );
    let report = bench.sovereign(&["report", "acme-iron"]).success().json();
    assert!(
        report["proofs"].to_string().contains("the agent is gone"),
        "{report:#}"
    );
    bench
        .sovereign(&["destroy", "acme-iron", "--yes", "--json"])
        .success();
    assert_eq!(footprint(&bench), before);
}

/// A Sovereign of one machine.
fn spec(bench: &Bench, name: &str, address: &str) -> String {
    let spec = bench.place.file(
        &format!("{name}.yaml"),
        &format!(
            "apiVersion: sovereign/v1
name: {name}
organization: {{name: Acme Bank, email: platform@acme.example}}
domain: {{mode: none}}
provider: {{kind: machines, user: admin, key: {{file: {key}}}}}
regions: [{{name: dc1, controlPlane: {{machines: [{{address: {address}}}]}}}}]
access:
  sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example]
  adminCidrs: [198.18.0.0/15]
",
            key = bench.place.path().join("machine_key").display()
        ),
    );
    spec.display().to_string()
}

/// The machine boots while the plan is made for the first time.
fn until_it_answers(bench: &Bench, spec: &str) -> String {
    for _ in 0..60 {
        let ended = bench.sovereign(&["plan", spec]).ends();
        if ended.code == Some(0) {
            return ended.stdout;
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the machine never answered");
}

/// What an installer could have left on the machine.
fn footprint(bench: &Bench) -> String {
    bench.on(
        "bare-1",
        "ls -d /usr/local/bin/sovereign* /etc/sovereign* /var/lib/sovereign* /etc/systemd/system/sovereign* /etc/sysctl.d/*sovereign* \
         /etc/ssh/sshd_config.d/*sovereign* /etc/apt/apt.conf.d/*sovereign* /usr/local/bin/k3s /etc/rancher /var/lib/rancher \
         /etc/systemd/system/k3s* 2>/dev/null; ps -eo args | grep -E '/(k3s|kube-apiserver|etcd|flux-operator) ' | grep -v grep; nft list tables; cat /root/.ssh/authorized_keys 2>/dev/null; \
         systemctl is-enabled fail2ban.service apt-daily.timer apt-daily-upgrade.timer; \
         systemctl is-active fail2ban.service apt-daily.timer apt-daily-upgrade.timer",
    )
}
