//! `sovereign dns check`: against a root of its own, and against nobody.

use std::fs;
use std::net::IpAddr;

use serde_json::json;
use sovereign_lab::PowerDns;

use crate::harness::{Place, Run};

/// A name server that holds the root and `acme.test`, unsigned.
struct Names {
    server: PowerDns,
    runtime: tokio::runtime::Runtime,
}

impl Names {
    fn start(address: IpAddr) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(PowerDns::start(address, None)).unwrap();
        let names = Self { server, runtime };
        for name in [".", "acme.test."] {
            names.runtime.block_on(zone(&names.server, name, address));
        }
        names
    }

    fn check(&self, place: &Place, more: &[&str]) -> Run {
        let (root, port) = (
            self.server.dns_addr.ip().to_string(),
            self.server.dns_addr.port().to_string(),
        );
        let fixed = [
            "dns",
            "check",
            "acme.test",
            "--dns-root",
            &root,
            "--dns-port",
            &port,
        ];
        place.sovereign(fixed.iter().chain(more))
    }
}

/// A zone whose name server is at `address`.
pub(crate) async fn zone(server: &PowerDns, zone: &str, address: IpAddr) {
    let set = |name: &str, kind: &str, content: &str| json!({ "name": name, "type": kind, "ttl": 300, "records": [{ "content": content, "disabled": false }] });
    let soa = "ns.acme.test. hostmaster.acme.test. 7 10800 3600 1209600 300";
    let mut sets = vec![set(zone, "SOA", soa), set(zone, "NS", "ns.acme.test.")];
    if zone != "." {
        sets.push(set("ns.acme.test.", "A", &address.to_string()));
    }
    let body = json!({ "name": zone, "kind": "Native", "nameservers": [], "rrsets": sets });
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/servers/localhost/zones", server.url))
        .header("X-API-Key", &server.key)
        .json(&body);
    request.send().await.unwrap().error_for_status().unwrap();
}

#[test]
fn a_name_is_checked_for_people_and_for_machines() {
    let place = Place::new();
    let names = Names::start([127, 9, 0, 1].into());
    let text = names.check(&place, &[]).success().stdout;
    for wanted in [
        "acme.test",
        "servers of acme.test",
        "serial ",
        "udp tcp edns",
        "[delegation.few]",
        "acme.test: works, with 1 warning; insecure; ",
    ] {
        assert!(text.contains(wanted), "no `{wanted}` in:\n{text}");
    }
    let traced = names.check(&place, &["--trace"]).success().stdout;
    assert!(
        traced.contains("questions and answers") && traced.contains("acme.test SOA"),
        "{traced}"
    );
    let json = names.check(&place, &["--json"]).success().json();
    assert!(json["servers"][0]["soa"]["seen"]["serial"].is_u64());
    assert_eq!(json["zone"], "acme.test");
}

#[test]
fn an_unmet_expectation_and_a_dead_root_end_with_1() {
    let place = Place::new();
    let names = Names::start([127, 9, 0, 2].into());
    let ended = names.check(&place, &["--expect-ns", "ns.other.test"]).exits(1);
    assert!(
        ended.stdout.contains("[delegation.unexpected]"),
        "{}",
        ended.stdout
    );
    // The port of the discard service, which nobody runs.
    let dead = [
        "dns",
        "check",
        "acme.test",
        "--dns-root",
        "127.9.0.3",
        "--dns-port",
        "9",
        "--max-questions",
        "5",
    ];
    let ended = place.sovereign(dead).exits(1);
    assert!(ended.stdout.contains("[walk.stuck]"), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let place = Place::new();
    for wrong in [
        &["not a name"][..],
        &["acme.test", "--dns-root", "ns.example"],
        &["acme.test", "--old-ns", "a.example"],
        &["acme.test", "--dns-anchor", "/nowhere"],
    ] {
        place.sovereign(["dns", "check"].iter().chain(wrong)).exits(2);
    }
    let anchor = place.path().join("anchor");
    fs::write(&anchor, ". IN NS a.example.\n").unwrap();
    let ended = place
        .sovereign([
            "dns",
            "check",
            "acme.test",
            "--dns-anchor",
            anchor.to_str().unwrap(),
        ])
        .exits(2);
    assert!(
        ended.stderr.contains("line 1") && ended.stderr.contains("hint"),
        "{}",
        ended.stderr
    );
}
