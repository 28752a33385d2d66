//! Registrars in the spec: who they are, whether they can be asked, and what nobody gets to see.

use std::net::IpAddr;

use serde_json::Value;
use sovereign_lab::{PowerDns, RegisteredDomain, RegistrarSim, RegistrarVendor};

use crate::dns::zone;
use crate::harness::{Place, Run};
use crate::lab::Bench;

const DOMAIN: &str = "acme.example";

/// A registrar that the domain is at, and one server that is root and name server at once.
struct Registered {
    bench: Bench,
    sim: RegistrarSim,
    /// What the registrar gave out at first.
    token: String,
    names: PowerDns,
}

impl Registered {
    async fn at(address: [u8; 4]) -> Self {
        let vendor = RegistrarVendor::Gandi;
        let sim = RegistrarSim::start(vendor, None).await.unwrap();
        let old = ["a.old.example", "b.old.example"];
        sim.registry().put(DOMAIN, RegisteredDomain::on(vendor, &old));
        let names = PowerDns::start(IpAddr::from(address), None).await.unwrap();
        zone(&names, ".", names.dns_addr.ip()).await;
        let bench = Bench::quick().await;
        bench.place.file("acme.yaml", &spec(&names.url));
        Self {
            token: sim.secret("token"),
            bench,
            sim,
            names,
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        let root = self.names.dns_addr;
        self.bench
            .run(args)
            .env("SOVEREIGN_DNS_ROOT", root.ip().to_string())
            .env("SOVEREIGN_DNS_PORT", root.port().to_string())
            .env("SOVEREIGN_REGISTRAR_ENDPOINT", self.sim.url())
            .env("GANDI_TOKEN", &self.token)
            .env("PDNS_API_KEY", &self.names.key)
    }
}

/// The smallest Sovereign, with a domain at a registrar.
fn spec(dns: &str) -> String {
    let minimal = include_str!("../../../examples/minimal.yaml");
    let domain = format!(
        "domain:\n  mode: registrar\n  name: {DOMAIN}\n  registrar: {{kind: gandi, token: {{env: GANDI_TOKEN}}}}\n\
         dns:\n  servers: [{{url: \"{dns}\", key: {{env: PDNS_API_KEY}}}}]\n  nameservers: [ns1.dns.example]\n"
    );
    minimal.replace("domain:\n  mode: none\n", &domain)
}

fn check<'a>(report: &'a Value, what: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["what"] == what).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_looks_at_the_registrar_the_name_servers_and_the_root() {
    let all = Registered::at([127, 9, 1, 1]).await;
    let report = all.run(&["doctor", "acme.yaml", "--json"]).success().json();
    for (what, seen) in [
        ("name server", "PowerDNS 4."),
        (
            "registrar",
            "gandi, may delegate `acme.example`; by hand: nothing",
        ),
        ("way from the DNS root", "leads to the servers of `.`"),
    ] {
        let check = check(&report, what);
        assert_eq!(check["verdict"], "ok", "{report:#}");
        assert!(check["seen"].as_str().unwrap().contains(seen), "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_says_what_is_missing_and_where_it_is_got() {
    let all = Registered::at([127, 9, 1, 2]).await;
    let report = all
        .run(&["doctor", "acme.yaml", "--json"])
        .without("GANDI_TOKEN")
        .env("SOVEREIGN_DNS_PORT", "9")
        .env("PDNS_API_KEY", "another")
        .exits(1)
        .json();
    for what in ["name server", "registrar", "way from the DNS root"] {
        assert_eq!(check(&report, what)["verdict"], "failed", "{report:#}");
        assert!(check(&report, what)["hint"].is_string(), "{report:#}");
    }
    assert_eq!(
        check(&report, "registrar")["hint"],
        "set it: `export GANDI_TOKEN=...`"
    );

    all.sim.revoke();
    let report = all.run(&["doctor", "acme.yaml", "--json"]).exits(1).json();
    assert_eq!(check(&report, "registrar")["verdict"], "failed", "{report:#}");
    assert_eq!(check(&report, "name server")["verdict"], "ok", "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_a_credential_is_in_any_output() {
    let all = Registered::at([127, 9, 1, 3]).await;
    let canary = all.token.clone();
    for args in [
        &["-vvv", "doctor", "acme.yaml"][..],
        &["-vvv", "plan", "acme.yaml"],
        &["-vvv", "--log-format", "json", "doctor", "acme.yaml", "--json"],
    ] {
        let ended = all.run(args).ends();
        assert!(
            !ended.stdout.contains(&canary) && !ended.stderr.contains(&canary),
            "{args:?}"
        );
    }
}

#[test]
fn every_registrar_says_what_it_needs_and_its_example_is_a_spec() {
    let place = Place::new();
    let all = place.sovereign(["dns", "registrars", "--json"]).success().json();
    let text = place.sovereign(["dns", "registrars"]).success().stdout;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 7);
    for registrar in all {
        let kind = registrar["kind"].as_str().unwrap();
        for known in [
            kind,
            registrar["example"].as_str().unwrap(),
            registrar["whereToGet"].as_str().unwrap(),
        ] {
            assert!(text.contains(known), "{known} in:\n{text}");
        }
        let one = place.sovereign(["dns", "registrars", kind]).success().stdout;
        assert!(text.contains(one.trim_end()), "{one}");
    }
    place.sovereign(["dns", "registrars", "nic"]).exits(2);
}
