//! `sovereign pool`, and a plan with a name out of a pool, on a real PowerDNS.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sovereign_dns::pool::look_alike::skeleton;
use sovereign_dns::pool::testing::{MemoryBook, owner, pool_name};
use sovereign_dns::pool::{
    Act, Allocation, ChildDelegation, Lingers, PoolBook as _, PoolName, TAKE_OVER, delegation, perform,
};
use sovereign_dns::record::{RecordSet, Records, Soa};
use sovereign_dns::{
    DomainName, Mailbox, PowerDnsConfig, ZoneHost, ZoneMark, ZoneRequest, connect_powerdns, publish,
};
use sovereign_lab::PowerDns;
use sovereign_store::SqliteStore;
use sovereign_store::pool_names::{NameOutcome, NameRow};

use crate::harness::Run;
use crate::lab::Bench;

/// A name server with a pool, a lab, and an installer's state.
struct World {
    bench: Bench,
    dns: PowerDns,
}

fn zone(name: &DomainName, mark: &str) -> ZoneRequest {
    ZoneRequest {
        name: name.clone(),
        mark: ZoneMark::of(&mark.parse().unwrap()),
        soa: Soa {
            primary: "ns1.dns.example".parse().unwrap(),
            contact: Mailbox::hostmaster(name),
            serial: 0,
            refresh: 10_800,
            retry: 3_600,
            expire: 1_209_600,
            negative_ttl: 1,
        },
        soa_ttl: 300,
        sets: vec![RecordSet {
            name: name.clone(),
            ttl: 300,
            records: Records::Ns(["ns1.dns.example".parse().unwrap()].into()),
        }],
    }
}

impl World {
    async fn start() -> Self {
        let bench = Bench::quick().await;
        let dns = PowerDns::start([127, 0, 0, 1].into(), None).await.unwrap();
        let world = Self { bench, dns };
        publish(&world.hosts(), &zone(&pool_name("acme").pool, "pool-owner"))
            .await
            .unwrap();
        world
    }

    fn hosts(&self) -> Vec<Arc<dyn ZoneHost>> {
        let config = PowerDnsConfig::new(&self.dns.url, self.dns.key.as_str().into());
        vec![connect_powerdns(config).unwrap()]
    }

    /// The smallest spec, with a name out of the pool.
    fn spec(&self, label: &str) -> String {
        let minimal = std::fs::read_to_string(self.bench.place.path().join("minimal.yaml")).unwrap();
        let domain = format!(
            "domain:\n  mode: pool\n  pool: sovereigns.example\n  label: {label}\ndns:\n  servers:\n    - url: {}\n      key: {{env: PDNS_API_KEY}}\n  nameservers: [ns1.dns.example]\n",
            self.dns.url
        );
        minimal.replace("domain:\n  mode: none\n", &domain)
    }

    fn run(&self, args: &[&str]) -> Run {
        self.bench
            .run(args)
            .env("PDNS_API_KEY", &self.dns.key)
            .env("SOVEREIGN_UNTIL", "hosts")
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.bench.place.state()).await.unwrap()
    }

    /// A life of a name in the book, as steps leave it.
    async fn write(&self, name: &PoolName, sovereign: &str, acts: &[Act]) -> Allocation {
        self.write_at(Timestamp::now(), name, sovereign, acts).await
    }

    /// Such a life, at another time.
    async fn write_at(&self, at: Timestamp, name: &PoolName, sovereign: &str, acts: &[Act]) -> Allocation {
        let (book, by) = (MemoryBook::default(), owner(sovereign));
        for act in acts {
            perform(&book, name, &by, None, *act, at).await.unwrap();
        }
        let store = self.store().await;
        let history = book.history(name).await.unwrap();
        let mut before = None;
        for one in &history {
            let body = serde_json::to_string(one).unwrap();
            let row = NameRow {
                key: (name.pool.as_str(), name.label.as_str()),
                skeleton: &skeleton(name.label.as_str()),
                taken: one.is_taken(),
                revision: one.revision,
                body: &body,
            };
            assert_eq!(
                store.pool_names().put(before, &row).await.unwrap(),
                NameOutcome::Written
            );
            before = Some(one.revision);
        }
        history.last().unwrap().clone()
    }

    /// Zone and delegation of a name.
    async fn publish(&self, name: &PoolName, sovereign: &str) {
        let child = name.fqdn().unwrap();
        let published = publish(&self.hosts(), &zone(&child, sovereign)).await.unwrap();
        let wanted = ChildDelegation {
            pool: name.pool.clone(),
            child,
            mark: ZoneMark::of(&sovereign.parse().unwrap()),
            generation: 1,
            nameservers: ["ns1.dns.example".parse().unwrap()].into(),
            ds: published.ds.into_iter().collect(),
        };
        delegation::delegate(&self.hosts(), &wanted).await.unwrap();
    }

    /// Whether a zone and a delegation of the name are there.
    async fn there(&self, name: &PoolName) -> (bool, bool) {
        let (host, child) = (self.hosts().remove(0), name.fqdn().unwrap());
        let sets = host.sets(&name.pool, Some(&child)).await.unwrap().unwrap();
        (host.find(&child).await.unwrap().is_some(), !sets.is_empty())
    }
}

fn hold() -> Act {
    Act::Hold {
        until: Timestamp::now() + SignedDuration::from_mins(5),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_with_a_name_is_said_before_anything_is_made() {
    let world = World::start().await;
    let place = &world.bench.place;
    place.file("free.yaml", &world.spec("acme"));
    let plan = world.run(&["plan", "free.yaml", "--json"]).success().json();
    let kinds: Vec<&str> = plan["plan"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .filter(|kind| kind.starts_with("pool.") || kind.starts_with("zone."))
        .collect();
    assert_eq!(
        kinds,
        [
            "pool.hold",
            "zone.create",
            "pool.servers",
            "pool.delegate",
            "pool.activate"
        ]
    );

    place.file("reserved.yaml", &world.spec("www"));
    let said = world.run(&["plan", "reserved.yaml"]).exits(4).stderr;
    assert!(
        said.contains("`www` is reserved") && said.contains("domain.label"),
        "{said}"
    );

    world
        .write(&pool_name("acrne"), "other", &[hold(), Act::Provision])
        .await;
    let said = world.run(&["plan", "free.yaml"]).exits(4).stderr;
    assert!(said.contains("looks like `acrne.sovereigns.example`"), "{said}");

    let taken = pool_name("taken");
    world
        .write(&taken, "other-one", &[hold(), Act::Provision, Act::Activate])
        .await;
    world.publish(&taken, "other-one").await;
    let spec = world
        .spec("taken")
        .replace("ns1.dns.example", "ns1.taken.sovereigns.example");
    place.file("taken.yaml", &spec);
    let said = world.run(&["plan", "taken.yaml"]).exits(4).stderr;
    for wanted in [
        "is active by Sovereign `other-one`",
        "belongs to `sov:other-one`",
        "lies below `taken.sovereigns.example`",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }

    let spec = world
        .spec("fine")
        .replace("pool: sovereigns.example", "pool: nowhere.example");
    place.file("nowhere.yaml", &spec);
    let said = world.run(&["plan", "nowhere.yaml"]).exits(4).stderr;
    assert!(said.contains("the server has no such zone"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_listed_shown_and_released() {
    let world = World::start().await;
    let none = world.run(&["pool", "list"]).success();
    assert!(none.stderr.contains("no names"), "{}", none.stderr);
    let name = pool_name("acme");
    let made = world
        .write(&name, "acme-dev", &[hold(), Act::Provision, Act::Activate])
        .await;
    world.publish(&name, "acme-dev").await;
    let list = world.run(&["pool", "list"]).success().stdout;
    assert!(
        list.contains("acme.sovereigns.example  active  acme-dev"),
        "{list}"
    );
    let shown = world
        .run(&["pool", "show", "acme.sovereigns.example", "--json"])
        .success();
    assert_eq!(shown.json()["history"].as_array().unwrap().len(), 3);
    let claim = serde_json::to_value(&made.claim).unwrap();
    assert!(
        !shown.stdout.contains(claim.as_str().unwrap()),
        "what proves the owner stays in the book"
    );

    let release = ["pool", "release", "acme.sovereigns.example"];
    let said = world.run(&release).exits(2).stderr;
    assert!(
        said.contains("nobody knows which servers have its pool"),
        "{said}"
    );
    world.bench.place.file("spec.yaml", &world.spec("acme"));
    let with_spec = [&release[..], &["--spec", "spec.yaml"]].concat();
    let said = world.run(&with_spec).exits(2).stderr;
    assert!(said.contains("needs an approval"), "{said}");
    assert_eq!(world.there(&name).await, (true, true));
    world.run(&[&with_spec[..], &["--yes"]].concat()).success();
    assert_eq!(world.there(&name).await, (false, false));
    let released = world.run(&["pool", "list", "--json"]).success().json();
    assert_eq!(released[0]["state"], "quarantined");
    world.run(&[&with_spec[..], &["--yes"]].concat()).success();
    assert!(
        world
            .run(&["list", "--json"])
            .success()
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
    let unknown = world
        .run(&["pool", "show", "none.sovereigns.example"])
        .exits(2)
        .stderr;
    assert!(unknown.contains("no name out of a pool is called"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_removes_what_is_nobodys_and_nothing_else() {
    let world = World::start().await;
    world.bench.place.file("spec.yaml", &world.spec("acme"));
    let gone = [
        hold(),
        Act::Provision,
        Act::Release {
            lingers: Lingers::default(),
        },
        Act::Withdrawn,
        Act::Quarantine {
            length: Duration::ZERO,
        },
    ];
    let (left, alive, foreign) = (pool_name("left"), pool_name("alive"), pool_name("foreign"));
    world.write(&left, "left-one", &gone).await;
    world.publish(&left, "left-one").await;
    world
        .write(&alive, "alive-one", &[hold(), Act::Provision, Act::Activate])
        .await;
    world.publish(&alive, "alive-one").await;
    world.publish(&foreign, "foreign-one").await;
    let unmarked: DomainName = "unmarked.sovereigns.example".parse().unwrap();
    let body = json!({ "name": unmarked.absolute(), "kind": "Native", "nameservers": ["ns.other.example."] });
    let made = reqwest::Client::new()
        .post(format!("{}/api/v1/servers/localhost/zones", world.dns.url))
        .header("X-API-Key", &world.dns.key)
        .json(&body);
    made.send().await.unwrap().error_for_status().unwrap();

    // Noted first; its grace is not over.
    let noted = world
        .run(&["pool", "sweep", "spec.yaml", "--yes", "--json"])
        .exits(8)
        .json();
    let found = noted["found"].as_array().unwrap();
    let fates: Vec<_> = found
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["fate"].as_str().unwrap()))
        .collect();
    assert_eq!(
        fates
            .iter()
            .filter(|one| **one == ("left.sovereigns.example", "removable"))
            .count(),
        2,
        "{noted}"
    );
    assert_eq!(
        fates
            .iter()
            .filter(|one| **one == ("foreign.sovereigns.example", "foreign"))
            .count(),
        2,
        "{noted}"
    );
    assert_eq!(fates.len(), 4, "{noted}");
    assert_eq!(world.there(&left).await, (true, true));

    let sweep = ["pool", "sweep", "spec.yaml", "--grace-days", "0"];
    let dry = world.run(&[&sweep[..], &["--dry-run"]].concat()).exits(8).stdout;
    assert!(
        dry.contains("due") && dry.contains("another installer's"),
        "{dry}"
    );
    assert_eq!(world.there(&left).await, (true, true));
    let swept = world.run(&[&sweep[..], &["--yes"]].concat()).exits(8).stdout;
    assert!(swept.contains("removed"), "{swept}");
    assert_eq!(world.there(&left).await, (false, false));
    for stays in [&alive, &foreign] {
        assert_eq!(world.there(stays).await, (true, true), "{stays}");
    }
    assert!(world.hosts()[0].find(&unmarked).await.unwrap().is_some());
    let exports = world.bench.place.state().join("pool-exports");
    let files: Vec<_> = std::fs::read_dir(exports).unwrap().collect();
    assert_eq!(files.len(), 1);
    let state = world
        .run(&["pool", "show", "left.sovereigns.example", "--json"])
        .success()
        .json();
    assert_eq!(
        state["name"]["state"], "quarantined",
        "a new owner waits until the old keys are forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_a_name_to_whoever_takes_it_away_and_goes_on_when_nobody_does() {
    let world = World::start().await;
    world.bench.place.file("spec.yaml", &world.spec("acme"));
    let lingers = Lingers::default();
    let going = [hold(), Act::Provision, Act::Release { lingers }];
    let (at_it, broken_off, bare) = (pool_name("at-it"), pool_name("broken-off"), pool_name("bare"));
    world.write(&at_it, "at-it-one", &going).await;
    world.publish(&at_it, "at-it-one").await;
    let earlier = Timestamp::now() - TAKE_OVER;
    world
        .write_at(earlier, &broken_off, "broken-off-one", &going)
        .await;
    world.publish(&broken_off, "broken-off-one").await;
    // Whoever took it away died when it was in no server any more.
    let withdrawn = [&going[..], &[Act::Withdrawn]].concat();
    world.write_at(earlier, &bare, "bare-one", &withdrawn).await;

    let sweep = ["pool", "sweep", "spec.yaml", "--grace-days", "0"];
    let seen = world
        .run(&[&sweep[..], &["--dry-run", "--json"]].concat())
        .exits(8)
        .json();
    let found = seen["found"].as_array().unwrap();
    let of = |name: &PoolName| {
        let name = name.to_string();
        let fates = found.iter().filter(|one| one["name"] == name.as_str());
        fates
            .map(|one| (one["kind"].as_str().unwrap(), one["fate"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&at_it), [("delegation", "going"), ("zone", "going")]);
    assert_eq!(
        of(&broken_off),
        [("delegation", "removable"), ("zone", "removable")]
    );
    assert_eq!(of(&bare), [("name", "removable")]);
    let one = found.iter().find(|one| one["fate"] == "going").unwrap();
    assert_eq!(
        (&one["going"]["sovereign"], &one["going"]["taker"]),
        (&json!("at-it-one"), &json!("owner"))
    );

    // What somebody is at is told, and is not left behind.
    let swept = world.run(&[&sweep[..], &["--yes"]].concat()).success().stdout;
    assert!(
        swept.contains("taken away by its Sovereign, last touched at") && swept.contains("removed"),
        "{swept}"
    );
    assert_eq!(world.there(&at_it).await, (true, true));
    assert_eq!(world.there(&broken_off).await, (false, false));
    let list = world.run(&["pool", "list", "--json"]).success().json();
    let states = list.as_array().unwrap().iter();
    let states: Vec<_> = states
        .map(|one| (one["label"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [
            ("at-it", "releasing"),
            ("bare", "quarantined"),
            ("broken-off", "quarantined")
        ]
    );
}
