//! `sovereign zone`: a zone that a run has made, on real servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sovereign_bootstrap::steps::{CreateZone, MadeZone};
use sovereign_core::event::{EventKind, RunOutcome};
use sovereign_core::name::SovereignName;
use sovereign_dns::host::Signing;
use sovereign_dns::record::{RecordSet, Records};
use sovereign_dns::transfer::{Secondary, Supply, supply};
use sovereign_dns::zone::{Change, Zone};
use sovereign_dns::{DomainName, PowerDnsConfig, ZoneHost, ZoneRequest, connect_powerdns, publish};
use sovereign_engine::journal::{Direction, Entry, Journal as _};
use sovereign_engine::lease::{Claim, WorkerId};
use sovereign_engine::plan::{PlanBuilder, StepName};
use sovereign_lab::PowerDns;
use sovereign_store::SqliteStore;

use crate::harness::{Ended, Place, Run};

const APEX: &str = "acme.test";

fn sovereign() -> SovereignName {
    "acme".parse().unwrap()
}

fn host(server: &PowerDns) -> Arc<dyn ZoneHost> {
    connect_powerdns(PowerDnsConfig::new(&server.url, server.key.as_str().into())).unwrap()
}

/// A Sovereign whose zone was made on one server and given to another, as the journal says.
pub(crate) struct World {
    place: Place,
    runtime: tokio::runtime::Runtime,
    pub(crate) primary: PowerDns,
    secondary: PowerDns,
    request: ZoneRequest,
    /// The secondary has nothing to do with it.
    is_alone: bool,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::of(&["192.0.2.1"], &[], false, &Value::Null)
    }

    /// One server with those settings has the zone, and nobody else.
    pub(crate) fn alone(settings: &[&str]) -> Self {
        Self::of(&["192.0.2.1"], settings, true, &Value::Null)
    }

    /// An `up` led the names there.
    pub(crate) fn built(addresses: &[&str]) -> Self {
        Self::of(addresses, &[], false, &json!({}))
    }

    fn of(addresses: &[&str], settings: &[&str], is_alone: bool, details: &Value) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let here = [127, 0, 0, 1].into();
        let addresses_of_primary = [here];
        let starting = PowerDns::start_with(&addresses_of_primary, None, None, settings);
        let primary = runtime.block_on(starting).unwrap();
        let secondary = runtime.block_on(PowerDns::start(here, None)).unwrap();
        let place = Place::new();
        let step = CreateZone {
            sovereign: sovereign(),
            zone: APEX.parse().unwrap(),
            nameservers: vec!["ns.acme.test".parse().unwrap()],
            contact: "dns@acme.test".parse().unwrap(),
            balancers: Vec::new(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            secondaries: if is_alone {
                Vec::new()
            } else {
                vec![secondary.dns_addr]
            },
            catalog: None,
            rule: None,
            caa: [].into(),
            proven_within: None,
        };
        let spec = spec(&primary, Some(&secondary).filter(|_| !is_alone));
        let request = runtime.block_on(async {
            let request = record(&place, &spec, &step, details).await;
            let hosts = [host(&primary)];
            publish(&hosts, &request).await.unwrap();
            let to = |address: &SocketAddr| Secondary {
                address: *address,
                host: Some(host(&secondary)),
            };
            let wanted = Supply {
                secondaries: step.secondaries.iter().map(to).collect(),
                catalog: None,
            };
            supply(&*hosts[0], &request.name, &request.mark, &wanted)
                .await
                .unwrap();
            request
        });
        Self {
            place,
            runtime,
            primary,
            secondary,
            request,
            is_alone,
        }
    }

    pub(crate) fn spec(&self) -> String {
        spec(&self.primary, Some(&self.secondary).filter(|_| !self.is_alone))
    }

    /// What each server has.
    pub(crate) fn copies(&self) -> Vec<Zone> {
        let servers = [&self.primary, &self.secondary];
        let count = if self.is_alone { 1 } else { 2 };
        let copy = |server: &&PowerDns| {
            let found = self.runtime.block_on(host(server).find(&self.request.name));
            found.unwrap().unwrap()
        };
        servers.iter().take(count).map(copy).collect()
    }

    pub(crate) fn zone(&self, arguments: &[&str]) -> Run {
        self.zone_from(&self.place, arguments)
    }

    /// By an installer that may never have heard of it.
    pub(crate) fn zone_from(&self, place: &Place, arguments: &[&str]) -> Run {
        let run = place.sovereign([&["zone"], arguments].concat());
        run.env("DNS_KEY", &self.primary.key)
            .env("NS2_KEY", &self.secondary.key)
    }

    /// Codes of the findings, once the secondary has caught up.
    pub(crate) fn findings(&self, code: i32) -> Vec<String> {
        let findings = self.zone(&["check", "acme", "--json"]).exits(code).json();
        let codes = findings["findings"].as_array().unwrap().iter();
        codes
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn is_as_wanted(&self) {
        let began = std::time::Instant::now();
        while self.zone(&["check", "acme"]).ends().code != Some(0) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the secondary catches up"
            );
        }
    }

    fn change(&self, change: Change) {
        let host = host(&self.primary);
        self.runtime
            .block_on(host.change(&self.request.name, &[change]))
            .unwrap();
    }
}

fn spec(primary: &PowerDns, secondary: Option<&PowerDns>) -> String {
    let entry = |server: &PowerDns| {
        let (address, url) = (server.dns_addr, &server.url);
        format!("\n  secondaries: [{{address: '{address}', url: '{url}', key: {{env: NS2_KEY}}}}]")
    };
    let secondaries = secondary.map(entry).unwrap_or_default();
    format!(
        "apiVersion: sovereign/v1
name: acme
organization: {{name: Acme, email: dns@acme.test}}
domain: {{mode: delegated, name: {APEX}}}
dns:
  servers: [{{url: '{}', key: {{env: DNS_KEY}}}}]
  nameservers: [ns.acme.test]{secondaries}
provider: {{kind: machines, key: {{env: SSH_KEY}}}}
regions:
  - name: dc1
    controlPlane: {{machines: [{{address: 192.0.2.1}}]}}
access:
  sshKeys:
    - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example
  adminCidrs: [203.0.113.0/24]
",
        primary.url
    )
}

/// Writes a run that made the zone into the journal; answers what it asked for.
async fn record(place: &Place, spec: &str, step: &CreateZone, details: &Value) -> ZoneRequest {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(place.state())
        .unwrap();
    let store = SqliteStore::open(&place.state()).await.unwrap();
    store.put_spec(&sovereign(), spec).await.unwrap();
    let worker = WorkerId::new("test");
    let claim = store
        .claim(&sovereign(), &worker, Duration::from_mins(1))
        .await
        .unwrap();
    let Claim::Granted(lease) = claim else {
        panic!("{claim:?}")
    };
    let mut plan = PlanBuilder::new(sovereign(), "");
    let name = StepName::new("zone");
    plan.step(name.clone(), "the zone", step, &[]).unwrap();
    let plan = plan.finish(details.clone());
    let run = store.open_run(&lease, &plan, Direction::Up).await.unwrap();
    let made = MadeZone {
        zone: step.zone.clone(),
        ds: Vec::new(),
    };
    let of_step = |kind| Entry {
        step: Some(name.clone()),
        kind,
    };
    let of_run = |kind| Entry { step: None, kind };
    let entries = vec![
        of_run(EventKind::RunStarted {
            worker: "test".to_owned(),
            steps: 1,
        }),
        of_step(EventKind::StepStarted { attempt: 1 }),
        of_step(EventKind::StepSucceeded {
            found: false,
            output: serde_json::to_value(made).unwrap(),
        }),
        of_run(EventKind::RunEnded {
            outcome: RunOutcome::Completed,
        }),
    ];
    store.append(&lease, run.id, entries).await.unwrap();
    store.release(&lease).await.unwrap();
    let last = store.last_run(&sovereign()).await.unwrap().unwrap();
    CreateZone::of(&last).unwrap().1
}

fn set(name: &str, kind: &str, text: &str) -> RecordSet {
    RecordSet {
        name: name.parse().unwrap(),
        ttl: 300,
        records: Records::read(kind.into(), &[text.to_owned()].into()),
    }
}

#[test]
fn what_was_changed_at_a_server_is_told_with_who_did_it_and_what_up_does() {
    let world = World::start();
    world.is_as_wanted();
    assert_eq!(world.findings(0), [""; 0]);

    world.change(Change::Replace(set(
        "_acme-challenge.acme.test",
        "TXT",
        "\"token\"",
    )));
    let said = world.zone(&["check", "acme"]).ends().stdout;
    assert!(
        said.contains("was written by a certificate issuer; it stays"),
        "{said}"
    );

    world.change(Change::Replace(set("api.acme.test", "A", "203.0.113.66")));
    let said = world.zone(&["check", "acme"]).exits(8).stdout;
    let wanted = "`api.acme.test` A is 203.0.113.66 (300 s) instead of 192.0.2.1 (300 s)";
    assert!(
        said.contains(wanted) && said.contains("`sovereign up` sets it right"),
        "{said}"
    );
    let codes = world.findings(8);
    for code in ["zone.record.foreign", "zone.record.changed", "zone.answer"] {
        assert!(codes.contains(&code.to_owned()), "{code}: {codes:?}");
    }

    let foreign = host(&world.primary);
    let name: DomainName = APEX.parse().unwrap();
    world.runtime.block_on(foreign.delete(&name)).unwrap();
    assert_eq!(world.findings(8), ["zone.missing"]);
}

#[test]
fn a_key_of_an_earlier_zone_that_the_parent_vouches_for_is_told() {
    let world = World::start();
    // A root that delegates the zone: a server of its own, at the port that all of this DNS answers on.
    let at = std::net::IpAddr::from([127, 0, 0, 9]);
    let addresses = [at];
    let starting = PowerDns::start_on(&addresses, Some(world.primary.dns_addr.port()), None);
    let root = world.runtime.block_on(starting).unwrap();
    let stale = format!("4711 13 2 {}", "ab".repeat(32));
    let zone = ZoneRequest {
        name: ".".parse().unwrap(),
        sets: vec![
            set(".", "NS", "ns.root.test."),
            set("ns.root.test", "A", &at.to_string()),
            set(APEX, "NS", "ns.test."),
            set("ns.test", "A", "127.0.0.1"),
            set(APEX, "DS", &stale),
        ],
        ..world.request.clone()
    };
    let host = host(&root);
    let made = host.create(&zone, 1, Signing::OwnKey);
    world.runtime.block_on(made).unwrap();
    let port = world.primary.dns_addr.port().to_string();
    let asked = [
        "check",
        "acme",
        "--parent",
        "--dns-root",
        "127.0.0.9",
        "--dns-port",
        &port,
    ];
    let said = world.zone(&asked).exits(8).stdout;
    assert!(
        said.contains("vouches for key 4711") && said.contains("is bogus"),
        "{said}"
    );
}

#[test]
fn a_secondarys_needs_are_shown_and_its_key_only_when_asked_for() {
    let world = World::start();
    let said = world.zone(&["secondaries", "acme"]).success().stdout;
    let (from, to) = (world.primary.dns_addr, world.secondary.dns_addr);
    for wanted in [
        format!("secondary {to}"),
        format!("from        {from}"),
        "hmac-sha256".to_owned(),
    ] {
        assert!(said.contains(&wanted), "{wanted}: {said}");
    }
    let needs = world
        .zone(&["secondaries", "acme", "--show-keys", "--json"])
        .success()
        .json();
    let secret = needs[0]["secret"].as_str().unwrap();
    assert!(secret.len() >= 40 && !said.contains(secret));
    assert_eq!(needs[0]["fetches"], json!([APEX]));
    assert_eq!(needs[0]["setUpByInstaller"], json!(true));
}

#[test]
fn names_lead_elsewhere_at_every_server_and_the_wait_is_told() {
    let world = World::start();
    let moved = [
        "set-addresses",
        "acme",
        "--ipv4",
        "198.51.100.7",
        "--ipv6",
        "2001:db8::7",
    ];
    let ended = world.zone(&moved).success();
    assert!(ended.stderr.contains("for 300 s more"), "{}", ended.stderr);
    for server in [&world.primary, &world.secondary] {
        let copy = world
            .runtime
            .block_on(host(server).find(&world.request.name))
            .unwrap()
            .unwrap();
        let of = |kind: &str| {
            copy.set(&"api.acme.test".parse().unwrap(), &kind.into())
                .unwrap()
                .to_string()
        };
        assert!(of("A").ends_with("= 198.51.100.7") && of("AAAA").ends_with("= 2001:db8::7"));
    }
    // What a check compares with is what was wanted last.
    assert_eq!(world.findings(0), [""; 0]);
    world.zone(&moved).success();
    world.zone(&["set-addresses", "acme"]).exits(2);
}

#[test]
fn a_roll_of_the_key_that_was_stopped_goes_on_with_the_same_key() {
    let world = World::start();
    let keys = || {
        world
            .runtime
            .block_on(host(&world.primary).keys(&world.request.name))
            .unwrap()
    };
    let begin_and_stop = || {
        let waits = || {
            let logs = world.place.sovereign(["logs", "acme"]).ends().stdout;
            logs.matches("caches to learn the new key").count()
        };
        let before = waits();
        let child = world.zone(&["roll-key", "acme"]).spawn();
        let began = std::time::Instant::now();
        while !(keys().len() == 2 && waits() > before) {
            assert!(began.elapsed() < Duration::from_mins(1), "it waits for caches");
            std::thread::sleep(Duration::from_millis(100));
        }
        let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
        Ended::of(&child.wait_with_output().unwrap()).exited(6)
    };
    begin_and_stop();
    let first = keys();
    assert_eq!(first.len(), 2);
    let standing = world
        .place
        .sovereign(["status", "acme", "--json"])
        .success()
        .stdout;
    assert!(standing.contains("sovereign zone roll-key acme"), "{standing}");
    begin_and_stop();
    assert_eq!(keys(), first);
    assert_eq!(
        world.findings(0),
        [""; 0],
        "the zone is as wanted, with both keys"
    );
}

#[test]
fn without_a_zone_or_secondaries_that_is_said() {
    let place = Place::new();
    let text = "apiVersion: sovereign/v1
name: acme
organization: {name: Acme, email: dns@acme.test}
domain: {mode: none}
provider: {kind: machines, key: {env: SSH_KEY}}
regions:
  - name: dc1
    controlPlane: {machines: [{address: 192.0.2.1}]}
access:
  sshKeys:
    - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example
  adminCidrs: [203.0.113.0/24]
";
    let path = place.file("acme.yaml", text);
    let path = path.to_str().unwrap();
    for (command, wanted) in [("check", "has no zone"), ("secondaries", "names no secondaries")] {
        let said = place.sovereign(["zone", command, path]).exits(2).stderr;
        assert!(said.contains(wanted), "{said}");
    }
}
