//! One zone on two servers with one database: what one of them is told, the other one has.

use sovereign_dns::check::still_answers;
use sovereign_dns::roll::{add_key, keys_are, retire_keys};
use sovereign_dns::{
    Published, SovereignNames, ZoneHost, ZoneRequest, check_zone, look, publish, sovereign_zone, withdraw,
};
use sovereign_lab::PowerDns;

use crate::bench::{Bench, connect, names, zone};
use crate::oracle::{delv, dig};

/// Two servers with one database, both under `dns.servers`.
struct Pair {
    first: Bench,
    /// Ends with this value, before the database goes.
    replica: PowerDns,
}

impl Pair {
    async fn start() -> Self {
        let mut first = Bench::start().await;
        let replica = first.server.replica().await.unwrap();
        first.hosts.push(connect(&replica.url, &replica.key));
        Self { first, replica }
    }

    /// As everybody sees it: the zone as wanted, signed by these keys and no others.
    async fn check(&self, request: &ZoneRequest, published: &Published) {
        let hosts = &self.first.hosts;
        assert_eq!(look(hosts, request).await.unwrap().as_ref(), Some(published));
        assert_eq!(check_zone(hosts, request, published).await.unwrap(), []);
        let keys = keys(&*hosts[0], request).await;
        assert_eq!(keys.len(), published.ds.len(), "no key is there twice: {keys:?}");
        let anchor = keys.last().unwrap();
        for server in [self.first.server.dns_addr, self.replica.dns_addr] {
            let said = delv(server, &request.name, anchor, "new.acme.example", "A");
            assert!(said.contains("fully validated"), "{said}");
        }
    }
}

async fn keys(host: &dyn ZoneHost, request: &ZoneRequest) -> Vec<String> {
    let keys = host.keys(&request.name).await.unwrap();
    keys.into_iter().map(|key| key.dnskey).collect()
}

#[tokio::test]
async fn a_zone_is_made_changed_and_removed_once() {
    let pair = Pair::start().await;
    let (hosts, request) = (&pair.first.hosts, zone("acme"));
    let published = publish(hosts, &request).await.unwrap();
    assert_eq!(published.ds.len(), 1, "{published:?}");
    pair.check(&request, &published).await;
    let serial = async || hosts[1].find(&request.name).await.unwrap().unwrap().serial;
    let before = serial().await;
    assert_eq!(publish(hosts, &request).await.unwrap(), published);
    assert_eq!(serial().await, before, "nothing changed");

    let moved = SovereignNames {
        ipv4: ["198.51.100.7".parse().unwrap()].into(),
        ipv6: [].into(),
        ..names("acme")
    };
    let moved = sovereign_zone(&moved).unwrap();
    assert_eq!(publish(hosts, &moved).await.unwrap(), published);
    pair.check(&moved, &published).await;
    assert!(serial().await > before);

    for _ in 0..2 {
        withdraw(hosts, &request.name, &request.mark).await.unwrap();
        for host in hosts {
            assert_eq!(host.find(&request.name).await.unwrap(), None);
            assert_eq!(still_answers(&**host, &request.name).await.unwrap(), None);
        }
    }
    let said = dig(pair.replica.dns_addr, "acme.example", "SOA", &[]);
    assert!(said.contains("status: REFUSED"), "{said}");
}

#[tokio::test]
async fn a_key_is_rolled_once() {
    let pair = Pair::start().await;
    let (hosts, request) = (&pair.first.hosts, zone("acme"));
    let ZoneRequest { name, mark, .. } = &request;
    let old = publish(hosts, &request).await.unwrap().ds;
    assert_eq!(keys_are(hosts, name, mark, &old, true).await.unwrap(), None);
    let both = add_key(hosts, name, mark, &old).await.unwrap();
    assert_eq!(both.ds.len(), 2, "{both:?}");
    pair.check(&request, &both).await;
    assert_eq!(
        add_key(hosts, name, mark, &old).await.unwrap(),
        both,
        "once is enough"
    );
    assert_eq!(
        keys_are(hosts, name, mark, &old, true).await.unwrap().as_ref(),
        Some(&both)
    );

    let left = retire_keys(hosts, name, mark, &old).await.unwrap();
    assert_eq!(left.ds.len(), 1, "{left:?}");
    assert!(!old.contains(&left.ds[0]));
    pair.check(&request, &left).await;
    assert_eq!(
        keys_are(hosts, name, mark, &old, false).await.unwrap().as_ref(),
        Some(&left)
    );
}

/// A roll that gave the second server the new key although it had it.
#[tokio::test]
async fn a_key_that_is_there_twice_is_one_key() {
    let pair = Pair::start().await;
    let (hosts, request) = (&pair.first.hosts, zone("acme"));
    let ZoneRequest { name, mark, .. } = &request;
    let old = publish(hosts, &request).await.unwrap().ds;
    let key = hosts[0].keys(name).await.unwrap().remove(0);
    let private = hosts[0].export_key(name, key.id).await.unwrap();
    hosts[1].import_key(name, &private).await.unwrap();
    assert_eq!(hosts[0].keys(name).await.unwrap().len(), 2);

    let once = look(hosts, &request).await.unwrap();
    assert_eq!(once.unwrap().ds, old, "a parent is told once");
    let alone = retire_keys(hosts, name, mark, &old).await.unwrap_err();
    assert!(alone.to_string().contains("no other key signs"), "{alone}");
    let both = add_key(hosts, name, mark, &old).await.unwrap();
    assert_eq!(both.ds.len(), 2, "{both:?}");
    let left = retire_keys(hosts, name, mark, &old).await.unwrap();
    pair.check(&request, &left).await;
}
