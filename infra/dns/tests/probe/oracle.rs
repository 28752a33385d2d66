//! Other people's tools.

use std::net::IpAddr;
use std::process::Command;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program}: {error}: apt-get install -y bind9-dnsutils"));
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// What `dig` prints of an answer in short.
pub(crate) fn dig(server: IpAddr, port: u16, name: &str, kind: &str) -> Vec<String> {
    let (at, port) = (format!("@{server}"), port.to_string());
    let text = run(
        "dig",
        &[&at, "-p", &port, name, kind, "+short", "+norecurse", "+tries=1"],
    );
    text.lines().map(str::to_owned).collect()
}

/// What BIND's validator says of a name, with a zone's key as its trust anchor.
pub(crate) fn delv(server: IpAddr, port: u16, zone: &str, dnskey: &str, name: &str, kind: &str) -> String {
    let words: Vec<&str> = dnskey.split(' ').collect();
    let [flags, protocol, algorithm, key] = words[..] else {
        panic!("{dnskey}")
    };
    let anchor = format!("trust-anchors {{ {zone} static-key {flags} {protocol} {algorithm} \"{key}\"; }};");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("anchor");
    std::fs::write(&file, anchor).unwrap();
    let (at, port) = (format!("@{server}"), port.to_string());
    let root = format!("+root={zone}");
    run(
        "delv",
        &[&at, "-p", &port, "-a", file.to_str().unwrap(), &root, name, kind],
    )
}
