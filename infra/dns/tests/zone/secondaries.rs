//! A zone on a primary and its secondaries, each a real server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use sovereign_dns::check::{ZoneProblem, still_answers};
use sovereign_dns::record::{RecordSet, Records};
use sovereign_dns::transfer::{
    Distribution, Pairing, Role, Secondary, Supply, check_secondaries, dismiss, is_supplied, pairings, supply,
};
use sovereign_dns::zone::Change;
use sovereign_dns::{ErrorClass, Published, ZoneFinding, ZoneMark, ZoneRequest, publish, withdraw};

use crate::bench::{Bench, words, zone};
use crate::oracle::{delv, dig};

/// How long secondaries may take; in the lab it is a second or two.
const PATIENCE: Duration = Duration::from_secs(30);

/// A primary with a zone, and two servers that know nothing of it.
struct World {
    primary: Bench,
    others: [Bench; 2],
    request: ZoneRequest,
    published: Published,
}

impl World {
    async fn start() -> Self {
        let (primary, one, two) = tokio::join!(Bench::start(), Bench::start(), Bench::start());
        let request = zone("acme");
        let published = publish(&primary.hosts, &request).await.unwrap();
        Self {
            primary,
            others: [one, two],
            request,
            published,
        }
    }

    /// The others as secondaries, with their APIs.
    fn with_api(&self, catalog: Option<&str>) -> Supply {
        let secondary = |bench: &Bench| Secondary {
            address: bench.server.dns_addr,
            host: Some(bench.hosts[0].clone()),
        };
        Supply {
            secondaries: self.others.iter().map(secondary).collect(),
            catalog: catalog.map(|name| name.parse().unwrap()),
        }
    }

    /// The others as secondaries that somebody else sets up.
    fn without_api(&self) -> Supply {
        let mut supply = self.with_api(None);
        for secondary in &mut supply.secondaries {
            secondary.host = None;
        }
        supply
    }

    async fn supply(&self, wanted: &Supply) -> Result<(), sovereign_dns::DnsError> {
        supply(
            self.primary.host(),
            &self.request.name,
            &self.request.mark,
            wanted,
        )
        .await
    }

    async fn check(&self, wanted: &Supply) -> Vec<ZoneFinding> {
        check_secondaries(self.primary.host(), &self.request, &self.published, wanted)
            .await
            .unwrap()
    }

    /// Supplies as a step does: again while that may help, until everything is as wanted.
    async fn supplied(&self, wanted: &Supply) {
        let began = Instant::now();
        loop {
            let seen = match self.supply(wanted).await {
                Ok(()) => self.check(wanted).await.iter().map(ToString::to_string).collect(),
                Err(error) if error.class == ErrorClass::Retry => vec![words(&error)],
                Err(error) => panic!("{}", words(&error)),
            };
            if seen.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{seen:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn followed(&self, wanted: &Supply) {
        let began = Instant::now();
        while let seen @ [_, ..] = &*self.check(wanted).await {
            assert!(began.elapsed() < PATIENCE, "{seen:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn move_address(&self, address: &str) -> ZoneRequest {
        let mut request = self.request.clone();
        for set in &mut request.sets {
            if let Records::A(addresses) = &mut set.records {
                *addresses = [address.parse().unwrap()].into();
            }
        }
        publish(&self.primary.hosts, &request).await.unwrap();
        request
    }
}

fn validated(bench: &Bench, key: &str, request: &ZoneRequest) {
    for (name, kind) in [
        ("any.acme.example", "A"),
        ("acme.example", "CDS"),
        ("api.acme.example", "MX"),
    ] {
        let said = delv(bench.server.dns_addr, &request.name, key, name, kind);
        assert!(said.contains("fully validated"), "{name} {kind}: {said}");
    }
}

#[tokio::test]
async fn secondaries_with_an_api_are_set_up_and_follow_every_change() {
    let mut world = World::start().await;
    let wanted = world.with_api(None);
    assert!(
        !is_supplied(world.primary.host(), &world.request.name, &wanted)
            .await
            .unwrap()
    );
    world.supplied(&wanted).await;
    assert!(
        is_supplied(world.primary.host(), &world.request.name, &wanted)
            .await
            .unwrap()
    );
    let keys = world.primary.host().keys(&world.request.name).await.unwrap();
    for bench in &world.others {
        validated(bench, &keys[0].dnskey, &world.request);
        let copy = bench.host().find(&world.request.name).await.unwrap().unwrap();
        assert!(copy.is_of(&world.request.mark));
        assert!(
            bench.host().keys(&world.request.name).await.unwrap().is_empty(),
            "keys stay where they are"
        );
    }

    // NOTIFY alone brings the change: the secondaries' API is not asked.
    world.request = world.move_address("198.51.100.9").await;
    let told = world.without_api();
    world.supply(&told).await.unwrap();
    world.followed(&told).await;

    let all = [&world.primary, &world.others[0], &world.others[1]];
    for bench in all {
        let said = dig(bench.server.dns_addr, "acme.example", "AXFR", &[]);
        assert!(said.contains("Transfer failed"), "without a key: {said}");
    }
}

#[tokio::test]
async fn a_catalog_brings_new_zones_by_itself_and_takes_removed_ones_away() {
    let world = World::start().await;
    let wanted = world.with_api(Some("catalog.dns.example"));
    let early = world.supply(&wanted).await.unwrap_err();
    assert_eq!(early.class, ErrorClass::Retry, "{}", words(&early));
    world.supplied(&wanted).await;
    let catalog = "catalog.dns.example".parse().unwrap();
    for (bench, role) in [
        (&world.primary, Role::Producer),
        (&world.others[0], Role::Consumer),
        (&world.others[1], Role::Consumer),
    ] {
        let zone = bench.host().find(&catalog).await.unwrap().unwrap();
        assert_eq!(zone.distribution.role, role);
        assert!(zone.is_of(&ZoneMark::catalog()));
    }
    let said = dig(world.primary.server.dns_addr, "catalog.dns.example", "AXFR", &[]);
    assert!(
        said.contains("Transfer failed"),
        "the names of all zones are nobody's business: {said}"
    );

    withdraw(&world.primary.hosts, &world.request.name, &world.request.mark)
        .await
        .unwrap();
    let began = Instant::now();
    for bench in &world.others {
        while bench.host().find(&world.request.name).await.unwrap().is_some() {
            assert!(began.elapsed() < PATIENCE, "the catalog no longer names it");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn what_a_person_sets_up_by_the_pairing_works() {
    let world = World::start().await;
    let wanted = world.without_api();
    let before = pairings(world.primary.host(), &wanted.secondaries).await.unwrap();
    assert!(before.iter().all(|pairing| pairing.key.is_none()));
    world.supply(&wanted).await.unwrap();
    let findings = world.check(&wanted).await;
    assert_eq!(findings.len(), 2, "nobody has set them up: {findings:?}");

    let pairings = pairings(world.primary.host(), &wanted.secondaries).await.unwrap();
    let secrets: BTreeSet<&str> = pairings
        .iter()
        .map(|pairing| pairing.key.as_ref().unwrap().secret.expose_secret())
        .collect();
    assert_eq!(secrets.len(), 2, "each pair has a key of its own");
    for (bench, pairing) in world.others.iter().zip(&pairings) {
        by_hand(bench, pairing, &world.request).await;
        assert!(!format!("{pairing:?}").contains(pairing.key.as_ref().unwrap().secret.expose_secret()));
    }
    world.followed(&wanted).await;
}

/// What a person does on a secondary.
async fn by_hand(bench: &Bench, pairing: &Pairing, request: &ZoneRequest) {
    let host = bench.host();
    host.take_tsig_key(pairing.key.as_ref().unwrap()).await.unwrap();
    let takes = Distribution {
        role: Role::Secondary,
        keys: [pairing.key_name.clone()].into(),
        primaries: [pairing.primary].into(),
        ..Distribution::native()
    };
    host.create_bare(&request.name, &request.mark, &takes)
        .await
        .unwrap();
    host.retrieve(&request.name).await.unwrap();
}

#[tokio::test]
async fn a_secondary_that_lags_or_is_open_or_has_a_lost_key_is_found() {
    let world = World::start().await;
    let wanted = world.with_api(None);
    world.supplied(&wanted).await;
    let [lagging, open] = &world.others;
    let stale = Distribution::native();
    lagging
        .host()
        .distribute(&world.request.name, &world.request.mark, &stale)
        .await
        .unwrap();
    let moved = world.move_address("198.51.100.10").await;
    world.primary.host().notify(&moved.name).await.unwrap();
    let stuck = lagging.server.dns_addr.to_string();
    let began = Instant::now();
    loop {
        let findings = check_secondaries(world.primary.host(), &moved, &world.published, &wanted);
        let findings = findings.await.unwrap();
        let serial = |finding: &ZoneFinding| matches!(finding.problem, ZoneProblem::Serial { .. });
        if findings.iter().all(|finding| finding.server == stuck) && findings.iter().any(serial) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{findings:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // A zone may be opened to addresses, whatever the configuration says.
    let url = format!(
        "{}/api/v1/servers/localhost/zones/acme.example./metadata/ALLOW-AXFR-FROM",
        open.server.url
    );
    let opened = reqwest::Client::new()
        .put(url)
        .header("X-API-Key", &open.server.key)
        .json(&serde_json::json!({ "metadata": ["127.0.0.0/8"] }));
    opened.send().await.unwrap().error_for_status().unwrap();
    let findings = check_secondaries(world.primary.host(), &moved, &world.published, &wanted);
    let findings = findings.await.unwrap();
    let gives = |finding: &&ZoneFinding| finding.problem == ZoneProblem::Open;
    let servers: Vec<&str> = findings
        .iter()
        .filter(gives)
        .map(|finding| &*finding.server)
        .collect();
    assert_eq!(servers, [open.server.dns_addr.to_string()], "{findings:?}");

    // The primary was made again and has another key: the pair's key is replaced on the other side.
    let pair = &pairings(world.primary.host(), &wanted.secondaries).await.unwrap()[1];
    let mut key = pair.key.clone().unwrap();
    key.secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    open.host().take_tsig_key(&key).await.unwrap();
    world.supply(&wanted).await.unwrap();
    let taken = open.host().tsig_key(&key.name).await.unwrap().unwrap();
    assert_ne!(taken.secret.expose_secret(), key.secret.expose_secret());
}

#[tokio::test]
async fn a_strangers_zone_on_a_secondary_stays() {
    let world = World::start().await;
    let stranger = ZoneMark::of(&"other".parse().unwrap());
    let theirs = ZoneRequest {
        mark: stranger.clone(),
        ..world.request.clone()
    };
    publish(&world.others[0].hosts, &theirs).await.unwrap();
    let wanted = world.with_api(None);
    let error = world.supply(&wanted).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Taken);
    assert!(words(&error).contains("belongs to `sov:other`"), "{error}");
    let dismissed = dismiss(&wanted.secondaries, &world.request.name, &world.request.mark)
        .await
        .unwrap();
    assert_eq!(dismissed.len(), 1);
    assert!(world.others[0].host().find(&theirs.name).await.unwrap().is_some());
}

#[tokio::test]
async fn without_secondaries_nobody_gets_the_zone_any_more() {
    let world = World::start().await;
    let wanted = world.with_api(None);
    world.supplied(&wanted).await;
    let nobody = Supply::default();
    assert!(
        !is_supplied(world.primary.host(), &world.request.name, &nobody)
            .await
            .unwrap()
    );
    world.supply(&nobody).await.unwrap();
    let zone = world
        .primary
        .host()
        .find(&world.request.name)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(zone.distribution, Distribution::native());

    let name = &world.request.name;
    withdraw(&world.primary.hosts, name, &world.request.mark)
        .await
        .unwrap();
    for _ in 0..2 {
        let dismissed = dismiss(&wanted.secondaries, name, &world.request.mark)
            .await
            .unwrap();
        assert_eq!(dismissed.len(), 2);
        for host in dismissed {
            assert_eq!(still_answers(host, name).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_copy_that_somebody_changed_is_found() {
    let world = World::start().await;
    let wanted = world.with_api(None);
    world.supplied(&wanted).await;
    let stray = RecordSet {
        name: world.request.name.child("api").unwrap(),
        ttl: 300,
        records: Records::A(["203.0.113.66".parse().unwrap()].into()),
    };
    // PowerDNS lets its API change a copy, with the signature of what stood there before.
    let host = world.others[0].host();
    host.change(&world.request.name, &[Change::Replace(stray)])
        .await
        .unwrap();
    let findings = world.check(&wanted).await;
    let differs = |finding: &ZoneFinding| matches!(finding.problem, ZoneProblem::Differs { .. });
    let api = world.request.name.child("api").unwrap();
    assert!(
        findings
            .iter()
            .any(|finding| finding.name == api && differs(finding)),
        "{findings:?}"
    );
}
