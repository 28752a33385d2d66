//! Other people's tools.

use std::net::SocketAddr;
use std::process::Command;

use sovereign_dns::DomainName;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("{program}: {error}: apt-get install -y bind9-dnsutils"));
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// Everything `dig` says about a question.
pub(crate) fn dig(server: SocketAddr, name: &str, kind: &str, options: &[&str]) -> String {
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let fixed = [&*at, "-p", &port, name, kind, "+dnssec", "+norecurse", "+tries=1"];
    run("dig", &[&fixed, options].concat())
}

/// What BIND's validator says, starting from the zone's own key as trust anchor.
pub(crate) fn delv(server: SocketAddr, zone: &DomainName, dnskey: &str, name: &str, kind: &str) -> String {
    let mut words = dnskey.split(' ');
    let mut next = || words.next().unwrap();
    let (flags, protocol, algorithm, key) = (next(), next(), next(), next());
    let zone = zone.absolute();
    let anchor = format!("trust-anchors {{ {zone} static-key {flags} {protocol} {algorithm} \"{key}\"; }};");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("anchor");
    std::fs::write(&file, anchor).unwrap();
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let root = format!("+root={zone}");
    run(
        "delv",
        &[&at, "-p", &port, "-a", file.to_str().unwrap(), &root, name, kind],
    )
}
