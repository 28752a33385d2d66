//! A roll of a zone's key below a root and a top level of its own, judged by a validator that starts at the root.

use std::net::{IpAddr, Ipv4Addr};

use sovereign_dns::delegation::ParentView;
use sovereign_dns::host::Signing;
use sovereign_dns::mailbox::Mailbox;
use sovereign_dns::probe::{Expectation, ProbeConfig, Prober, TrustAnchor};
use sovereign_dns::record::{Ds, RecordSet, Records, Soa};
use sovereign_dns::roll::{Vouching, add_key, apex, keys_are, longest_ttl, retire_keys, vouching};
use sovereign_dns::transfer::{Secondary, Supply, check_secondaries, supply};
use sovereign_dns::zone::Change;
use sovereign_dns::{DomainName, ErrorClass, Published, ZoneMark, ZoneRequest, check_zone, publish};

use crate::bench::{Bench, words};
use crate::oracle::delv;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn set(name_: &str, ttl: u32, kind: &str, texts: &[String]) -> RecordSet {
    RecordSet {
        name: name(name_),
        ttl,
        records: Records::read(kind.into(), &texts.iter().cloned().collect()),
    }
}

fn request(zone: &str, sets: Vec<RecordSet>) -> ZoneRequest {
    let apex = name(zone);
    ZoneRequest {
        mark: ZoneMark::of(&"acme".parse().unwrap()),
        soa: Soa {
            primary: name("ns.test"),
            contact: Mailbox::hostmaster(&name("test")),
            serial: 0,
            refresh: 10_800,
            retry: 3_600,
            expire: 1_209_600,
            negative_ttl: 30,
        },
        soa_ttl: 60,
        sets: [vec![set(zone, 600, "NS", &["ns.test.".to_owned()])], sets].concat(),
        name: apex,
    }
}

/// Root, `test` and `acme.test` on one server, so that a validator finds everything there.
struct World {
    bench: Bench,
    zone: ZoneRequest,
    anchor: String,
}

impl World {
    async fn start() -> Self {
        let bench = Bench::start().await;
        let here = [HERE.to_string()];
        let zone = request(
            "acme.test",
            vec![set("www.acme.test", 120, "A", &["192.0.2.7".to_owned()])],
        );
        let published = publish(&bench.hosts, &zone).await.unwrap();
        let delegation = vec![
            set("ns.test", 600, "A", &here),
            set("acme.test", 600, "NS", &["ns.test.".to_owned()]),
            set("acme.test", 900, "DS", &[published.ds[0].to_string()]),
        ];
        let tld = publish(&bench.hosts, &request("test", delegation)).await.unwrap();
        let delegation = vec![
            set("ns.test", 600, "A", &here),
            set("test", 600, "NS", &["ns.test.".to_owned()]),
            set("test", 900, "DS", &[tld.ds[0].to_string()]),
        ];
        let root = request(".", delegation);
        bench.host().create(&root, 1, Signing::OwnKey).await.unwrap();
        let key = bench.host().keys(&root.name).await.unwrap();
        Self {
            anchor: key[0].dnskey.clone(),
            bench,
            zone,
        }
    }

    /// What a validator that starts at the root says.
    fn is_validated(&self) {
        let server = self.bench.server.dns_addr;
        for (name, kind) in [
            ("www.acme.test", "A"),
            ("acme.test", "CDS"),
            ("nobody.acme.test", "A"),
        ] {
            let said = delv(server, &DomainName::root(), &self.anchor, name, kind);
            assert!(said.contains("fully validated"), "{name} {kind}: {said}");
        }
    }

    /// The parent vouches for these keys from now on.
    async fn parent_says(&self, ds: &[Ds]) {
        let texts: Vec<String> = ds.iter().map(ToString::to_string).collect();
        let host = self.bench.host();
        let change = Change::Replace(set("acme.test", 900, "DS", &texts));
        host.change(&name("test"), &[change]).await.unwrap();
        host.forget_answers(&name("acme.test")).await.unwrap();
    }

    async fn vouching(&self, new: &[Ds]) -> Vouching {
        let config = ProbeConfig {
            port: self.bench.server.dns_addr.port(),
            ..ProbeConfig::private(
                vec![IpAddr::from(HERE)],
                Some(TrustAnchor::parse(&format!(". IN DNSKEY {}\n", self.anchor)).unwrap()),
            )
        };
        let report = Prober::new(config)
            .probe(&self.zone.name, &Expectation::default())
            .await;
        vouching(&ParentView::of(&report), new)
    }

    async fn check(&self, published: &Published) {
        let ZoneRequest { name, mark, .. } = &self.zone;
        let apex = apex(&self.bench.hosts, name, mark).await.unwrap();
        assert_eq!(check_zone(&self.bench.hosts, &apex, published).await.unwrap(), []);
    }
}

#[tokio::test]
async fn at_every_moment_of_a_roll_the_zone_validates_from_the_root() {
    let world = World::start().await;
    let ZoneRequest { name, mark, .. } = &world.zone;
    let hosts = &world.bench.hosts;
    let old = world.bench.host().keys(name).await.unwrap()[0].ds.clone();
    world.is_validated();
    assert_eq!(longest_ttl(hosts, name, mark).await.unwrap(), 600);

    let refused = retire_keys(hosts, name, mark, &old).await.unwrap_err();
    assert_eq!(
        refused.class,
        ErrorClass::Stop,
        "the only key stays: {}",
        words(&refused)
    );
    world.is_validated();

    assert_eq!(keys_are(hosts, name, mark, &old, true).await.unwrap(), None);
    let serial = world.bench.host().find(name).await.unwrap().unwrap().serial;
    let both = add_key(hosts, name, mark, &old).await.unwrap();
    assert_eq!(both.ds.len(), 2);
    assert!(world.bench.host().find(name).await.unwrap().unwrap().serial > serial);
    assert_eq!(
        add_key(hosts, name, mark, &old).await.unwrap(),
        both,
        "once is enough"
    );
    assert_eq!(
        keys_are(hosts, name, mark, &old, true).await.unwrap().as_ref(),
        Some(&both)
    );
    world.check(&both).await;
    world.is_validated();

    let new: Vec<Ds> = both.ds.iter().filter(|ds| !old.contains(ds)).cloned().collect();
    assert!(matches!(world.vouching(&new).await, Vouching::NotYet { .. }));
    world.parent_says(&both.ds).await;
    world.is_validated();
    assert_eq!(
        world.vouching(&new).await,
        Vouching::New { ttl: 900 },
        "whether the old key is still vouched for is no matter"
    );
    world.parent_says(&new).await;
    world.is_validated();
    assert_eq!(world.vouching(&new).await, Vouching::New { ttl: 900 });

    let left = retire_keys(hosts, name, mark, &old).await.unwrap();
    assert_eq!(left.ds, new);
    assert_eq!(
        retire_keys(hosts, name, mark, &old).await.unwrap(),
        left,
        "once is enough"
    );
    assert_eq!(
        keys_are(hosts, name, mark, &old, false).await.unwrap().as_ref(),
        Some(&left)
    );
    world.bench.host().forget_answers(name).await.unwrap();
    world.check(&left).await;
    world.is_validated();
}

#[tokio::test]
async fn several_servers_and_a_secondary_roll_together() {
    let (one, two, three) = (Bench::start().await, Bench::start().await, Bench::start().await);
    let hosts = [one.hosts[0].clone(), two.hosts[0].clone()];
    let zone = crate::bench::zone("acme");
    let first = publish(&hosts, &zone).await.unwrap();
    let wanted = Supply {
        secondaries: vec![Secondary {
            address: three.server.dns_addr,
            host: Some(three.hosts[0].clone()),
        }],
        catalog: None,
    };
    let ZoneRequest { name, mark, .. } = &zone;
    // Killed after the first server had made its key: the next attempt shares that one.
    two.host().make_key(name).await.unwrap();
    let both = add_key(&hosts, name, mark, &first.ds).await.unwrap();
    assert_eq!(both.ds.len(), 2);
    let fresh = two.host().keys(name).await.unwrap();
    assert!(
        fresh.iter().all(|key| both.ds.contains(&key.ds[0])),
        "the key that was there"
    );

    supply(&*hosts[0], name, mark, &wanted).await.unwrap();
    let secondary_has = async |published: &Published| {
        let began = std::time::Instant::now();
        loop {
            let findings = check_secondaries(&*hosts[0], &zone, published, &wanted)
                .await
                .unwrap();
            if findings.is_empty() {
                break;
            }
            assert!(began.elapsed().as_secs() < 30, "{findings:?}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    secondary_has(&both).await;
    let left = retire_keys(&hosts, name, mark, &first.ds).await.unwrap();
    assert_eq!(check_zone(&hosts, &zone, &left).await.unwrap(), []);
    hosts[0].notify(name).await.unwrap();
    secondary_has(&left).await;
}

#[test]
fn silence_vouches_for_nothing() {
    assert!(matches!(
        vouching(&ParentView::default(), &[]),
        Vouching::NotYet { .. }
    ));
}
