//! Delegations in a pool's zone on a real PowerDNS.

use std::sync::Arc;

use jiff::Timestamp;
use sovereign_dns::pool::delegation::{self, check, delegate, lingers, look};
use sovereign_dns::pool::survey::{PoolAnswer, survey};
use sovereign_dns::pool::testing::{MemoryBook, pool_name};
use sovereign_dns::pool::{ChildDelegation, DeedError, Fate, Fence, Lingers, OrphanKind, PoolName, orphans};
use sovereign_dns::{
    Mailbox, PowerDnsConfig, SovereignNames, ZoneFinding, ZoneHost, ZoneMark, ZoneRequest, connect_powerdns,
    publish, sovereign_zone,
};
use sovereign_lab::PowerDns;

/// A server with an unsigned pool, as somebody makes one by hand.
async fn start() -> (PowerDns, Vec<Arc<dyn ZoneHost>>) {
    let server = PowerDns::start([127, 0, 0, 1].into(), None).await.unwrap();
    let set = |kind: &str, content: &str| serde_json::json!({ "name": "sovereigns.example.", "type": kind, "ttl": 300, "records": [{ "content": content, "disabled": false }] });
    let body = serde_json::json!({
        "name": "sovereigns.example.",
        "kind": "Native",
        "soa_edit_api": "INCREASE",
        "nameservers": [],
        "rrsets": [set("SOA", "ns1.dns.example. hostmaster.dns.example. 1 10800 3600 1209600 60"), set("NS", "ns1.dns.example.")],
    });
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/servers/localhost/zones", server.url))
        .header("X-API-Key", &server.key)
        .json(&body);
    request.send().await.unwrap().error_for_status().unwrap();
    let host = connect_powerdns(PowerDnsConfig::new(&server.url, server.key.as_str().into())).unwrap();
    (server, vec![host])
}

fn wanted(label: &str) -> ChildDelegation {
    let name = pool_name(label);
    ChildDelegation {
        pool: name.pool.clone(),
        child: name.fqdn().unwrap(),
        mark: ZoneMark::of(&format!("sov-{label}").parse().unwrap()),
        generation: 2,
        nameservers: ["ns1.dns.example".parse().unwrap()].into(),
        ds: [format!("7 13 2 {}", "0a".repeat(32)).parse().unwrap()].into(),
    }
}

/// By somebody whom no book keeps from it.
async fn withdraw(hosts: &[Arc<dyn ZoneHost>], one: &ChildDelegation) -> Result<Vec<ZoneFinding>, DeedError> {
    let (book, name) = (MemoryBook::default(), PoolName::of(&one.child).unwrap());
    let mut fence = Fence::beside(&book, &name, &Timestamp::now).await?;
    delegation::withdraw(hosts, &one.pool, &one.child, &one.mark, &mut fence).await
}

#[tokio::test]
async fn a_name_comes_and_goes_beside_others() {
    let (_server, hosts) = start().await;
    let (acme, other) = (wanted("acme"), wanted("other"));
    for one in [&acme, &other] {
        assert!(!look(&hosts, one).await.unwrap());
        delegate(&hosts, one).await.unwrap();
        delegate(&hosts, one).await.unwrap();
        assert!(look(&hosts, one).await.unwrap());
        assert_eq!(check(&hosts, one).await.unwrap(), []);
    }
    let changed = ChildDelegation {
        ds: [format!("8 13 2 {}", "0b".repeat(32)).parse().unwrap()].into(),
        ..acme.clone()
    };
    assert!(!look(&hosts, &changed).await.unwrap());
    assert_ne!(check(&hosts, &changed).await.unwrap(), []);
    let left = |one: &ChildDelegation| {
        let (hosts, one) = (hosts.clone(), one.clone());
        async move { lingers(&hosts, &one.pool, &one.child, &one.mark).await.unwrap() }
    };
    let delegation = |seconds| Lingers {
        delegation: seconds,
        zone: 0,
    };
    assert_eq!(left(&acme).await, delegation(60), "as long as its absence");
    assert_eq!(withdraw(&hosts, &acme).await.unwrap(), []);
    assert_eq!(withdraw(&hosts, &acme).await.unwrap(), []);
    assert_eq!(
        (left(&acme).await, left(&other).await),
        (delegation(0), delegation(60))
    );
    assert!(look(&hosts, &other).await.unwrap());
}

/// The zone of a name, as its Sovereign has it made.
fn zone(one: &ChildDelegation) -> ZoneRequest {
    sovereign_zone(&SovereignNames {
        mark: one.mark.clone(),
        apex: one.child.clone(),
        nameservers: one.nameservers.iter().cloned().collect(),
        contact: Mailbox::hostmaster(&one.child),
        ipv4: ["192.0.2.1".parse().unwrap()].into(),
        ipv6: [].into(),
        caa: [].into(),
        rule: None,
    })
    .unwrap()
}

#[tokio::test]
async fn what_a_zone_said_lingers_as_long_as_its_longest_lived_records() {
    let (_server, hosts) = start().await;
    let acme = wanted("acme");
    publish(&hosts, &zone(&acme)).await.unwrap();
    delegate(&hosts, &acme).await.unwrap();
    let left = async |mark: &ZoneMark| lingers(&hosts, &acme.pool, &acme.child, mark).await.unwrap();
    let both = Lingers {
        delegation: 60,
        zone: 3_600,
    };
    assert_eq!(left(&acme.mark).await, both);
    let other = ZoneMark::of(&"other".parse().unwrap());
    assert_eq!(left(&other).await, Lingers::default(), "it is somebody else's");
    withdraw(&hosts, &acme).await.unwrap();
    assert_eq!(
        left(&acme.mark).await,
        Lingers {
            delegation: 0,
            ..both
        },
        "the zone is still there"
    );
}

#[tokio::test]
async fn marks_of_others_and_of_later_generations_are_respected() {
    let (_server, hosts) = start().await;
    let acme = wanted("acme");
    delegate(&hosts, &acme).await.unwrap();
    let other = ChildDelegation {
        mark: ZoneMark::of(&"other".parse().unwrap()),
        ..acme.clone()
    };
    let earlier = ChildDelegation {
        generation: 1,
        ..acme.clone()
    };
    for one in [&other, &earlier] {
        let refused = delegate(&hosts, one).await.unwrap_err();
        assert!(
            refused.to_string().contains("`sov:sov-acme` in generation 2"),
            "{refused}"
        );
    }
    assert_eq!(withdraw(&hosts, &other).await.unwrap(), []);
    assert!(look(&hosts, &acme).await.unwrap(), "it is still there");

    let seen = survey(&hosts, &other.pool, &other.child, &other.mark).await;
    let PoolAnswer::Pool { signed, foreign } = &seen[0].says else {
        panic!("{seen:?}")
    };
    assert!(
        !signed && foreign.as_ref().unwrap().contains("`sov:sov-acme`"),
        "{seen:?}"
    );

    let found = orphans(&MemoryBook::default(), &hosts, &acme.pool, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].fate),
        (OrphanKind::Dangling, Fate::Foreign)
    );
}
