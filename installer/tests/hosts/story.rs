//! A whole life, over both transports.

use std::process::Command;
use std::time::Duration;

use crate::bench::{Bench, ends_well, parts};

/// Sub-steps that every host goes through, whatever its role.
const EVERY: [&str; 6] = ["hostname", "sysctl", "ssh", "firewall", "time", "upgrades"];

#[test]
fn five_hosts_call_the_installer_answer_under_their_name_and_go() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-https", 3, 2);
    bench.called(&["up", &spec, "--yes", "--json"]).success();
    let status = bench.status("acme-https");
    assert_eq!(status["state"], "up");
    for host in ["cp-1", "cp-2", "cp-3", "general-1", "general-2"] {
        let seen = parts(&status, &format!("host/acme-https-fsn-{host}"));
        for part in EVERY {
            assert!(
                seen.iter().any(|name| name == part),
                "{host} has no {part}: {seen:?}"
            );
        }
    }
    assert_eq!(
        bench.on("acme-https-fsn-cp-2", "hostname").trim(),
        "acme-https-fsn-cp-2"
    );
    zone_answers(&bench, "acme-https.acme.example");
    let again = bench.called(&["up", "acme-https", "--yes", "--json"]).success();
    let summary = again.json_lines().pop().expect("a summary");
    assert_eq!(summary["summary"]["unchanged"], true, "{summary:#}");
    nothing_lasting_in_user_data(&bench, "acme-https-fsn-cp-1");
    no_secret_of_the_installer(&bench, "acme-https-fsn-cp-1");
    bench.destroy("acme-https");
    assert_eq!(dig(&bench, "acme-https.acme.example", "SOA"), "");
}

#[test]
fn a_host_is_called_by_the_installer_and_gets_a_key_of_its_own() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-ssh", 1, 0);
    bench.sovereign(&["up", &spec, "--yes", "--json"]).success();
    let keys = bench.on("acme-ssh-fsn-cp-1", "cat /etc/ssh/ssh_host_*_key.pub");
    assert_eq!(keys.lines().count(), 1, "{keys}");
    let again = bench.sovereign(&["up", "acme-ssh", "--yes", "--json"]).success();
    let summary = again.json_lines().pop().expect("a summary");
    assert_eq!(summary["summary"]["unchanged"], true, "{summary:#}");
    bench.destroy("acme-ssh");
}

/// The same life on a virtual machine: firmware, a kernel and a clock of its own, and the vendor's own datasource.
#[test]
fn a_virtual_machine_is_a_host_too() {
    let bench = Bench::start(&["--hosts", "vm"]);
    let spec = bench.spec("acme-vm", 1, 0);
    bench.called(&["up", &spec, "--yes", "--json"]).success();
    let status = bench.status("acme-vm");
    assert_eq!(status["state"], "up");
    let seen = parts(&status, "host/acme-vm-fsn-cp-1");
    for part in EVERY {
        assert!(seen.iter().any(|name| name == part), "no {part}: {seen:?}");
    }
    bench.destroy("acme-vm");
}

/// A clock that is behind, and nobody there who serves time: it is named with what to do, and the same run goes on once it is right.
/// The installer calls over SSH: a host that lives before its certificates cannot call by TLS.
#[test]
fn a_clock_that_is_behind_is_named_and_gone_on_with_once_it_is_right() {
    let bench = Bench::start(&["--hosts", "vm"]);
    let behind = ["--effect", "clock-off", "--seconds=-7200"];
    bench
        .sovereign(&[&["lab", "fault", "set", "clock"][..], &behind].concat())
        .success();
    let spec = bench.spec("acme-clock", 1, 0);
    let up = bench.sovereign(&["up", &spec, "--yes", "--json"]).spawn();
    let status = bench.until("acme-clock", Duration::from_mins(10), |status| {
        status.to_string().contains("behind the installer")
    });
    assert!(status.to_string().contains("timedatectl"), "{status}");
    bench.mend("acme-clock-fsn-cp-1");
    bench.reset("acme-clock-fsn-cp-1");
    ends_well(up);
    bench.destroy("acme-clock");
}

fn zone_answers(bench: &Bench, name: &str) {
    for below in ["", "console.", "api.", "gitea.", "harbor.", "anything."] {
        for kind in ["A", "AAAA"] {
            let answer = dig(bench, &format!("{below}{name}"), kind);
            assert!(!answer.is_empty(), "{below}{name} has no {kind}");
        }
    }
    assert!(dig(bench, name, "DNSKEY").contains("257 3 13"));
}

fn dig(bench: &Bench, name: &str, kind: &str) -> String {
    let (host, port) = bench
        .env("SOVEREIGN_LAB_DNS")
        .rsplit_once(':')
        .expect("host and port");
    let output = Command::new("dig")
        .args([
            "+short",
            "+norecurse",
            &format!("@{host}"),
            "-p",
            port,
            name,
            kind,
        ])
        .output()
        .expect("dig runs: install bind9-dnsutils");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// The cloud's token and the name server's key stay with the installer: not on a host, not in what it is told about itself, not in
/// what the installer writes down or says.
fn no_secret_of_the_installer(bench: &Bench, host: &str) {
    let logs = bench.sovereign(&["logs", "acme-https", "--json"]).success();
    let journal = std::fs::read(bench.place.state().join("journal.db")).expect("the journal is there");
    let told = bench.on(
        host,
        "curl -s http://169.254.169.254/hetzner/v1/userdata | base64 -d | zcat",
    );
    assert!(told.contains("/etc/sovereign/host.json"), "no user data");
    for secret in ["HCLOUD_TOKEN", "PDNS_API_KEY"] {
        let canary = bench.env(secret);
        assert!(!told.contains(canary), "{secret} is in the user data");
        // No process of the search itself has the secret in its own command line.
        let (first, rest) = canary.split_at(1);
        let found = bench.on(
            host,
            &format!("grep -rl '[{first}]{rest}' /etc /var/lib /var/log /root /run /proc/[0-9]*/cmdline 2>/dev/null; echo searched"),
        );
        assert_eq!(found.trim(), "searched", "{secret} is on the host: {found}");
        assert!(!logs.stdout.contains(canary), "{secret} is in the events");
        let bytes = canary.as_bytes();
        assert!(
            !journal.windows(bytes.len()).any(|window| window == bytes),
            "{secret} is in the journal"
        );
    }
}

/// What the host was told at its first boot is gone from it, and the agent keeps its own secrets to itself.
fn nothing_lasting_in_user_data(bench: &Bench, host: &str) {
    let left = bench.on(
        host,
        "ls /etc/sovereign/ticket /var/lib/cloud/instance/user-data.txt 2>/dev/null; true",
    );
    assert_eq!(left.trim(), "", "{left}");
    let modes = bench.on(host, "find /var/lib/sovereign-agent -perm /077 -not -type l");
    assert_eq!(modes.trim(), "", "others can read {modes}");
}
