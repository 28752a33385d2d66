//! What is in order is told to be, in agreement with other people's tools.

use serde_json::json;
use sovereign_dns::probe::{Denial, DsSeen, ParentSays, Security, Side, Standing};

use crate::oracle::{delv, dig};
use crate::world::{Set, World, codes, texts};

#[tokio::test]
async fn a_signed_zone_on_three_servers_is_healthy() {
    let world = World::start().await;
    let report = world.probe("acme.test").await;
    assert_eq!(codes(&report), [] as [&str; 0], "{:#?}", report.findings);
    assert!(report.is_healthy());
    assert_eq!(report.security, Security::Secure);
    let evidence = &report.evidence;
    assert_eq!(evidence.standing, Standing::Zone);
    let zones: Vec<&str> = evidence.path.iter().map(|link| link.zone.as_str()).collect();
    assert_eq!(zones, ["", "test", "acme.test"]);
    assert_eq!((evidence.parents.len(), evidence.servers.len()), (2, 3));
    for parent in &evidence.parents {
        let ParentSays::Delegates(set) = &parent.says else {
            panic!("{parent:?}")
        };
        assert_eq!((set.names.len(), set.ttl, set.glue.len()), (3, 7200, 3));
        assert!(matches!(&parent.ds, DsSeen::Present { ds, ttl: 1800 } if ds.len() == 1));
    }
    let waits = report.waits;
    assert_eq!(
        (waits.delegation, waits.name_servers, waits.ds),
        (7200, 3600, 1800)
    );
    assert_eq!((waits.negative_parent, waits.negative_zone), (300, 300));
    assert_eq!(
        (waits.until_forgotten, waits.until_negatives_forgotten),
        (7200, 300)
    );

    let (address, port) = (world.block.at(2, 2), world.block.port);
    let said = dig(address, port, "acme.test.", "SOA");
    let serial = evidence.servers[1].soa.seen().unwrap().serial;
    assert!(said[0].contains(&format!(" {serial} 10800 ")), "{said:?}");
    let key = world.child.dnskey("acme.test.").await;
    let said = delv(address, port, "acme.test.", &key, "acme.test", "SOA");
    assert!(said.contains("fully validated"), "{said}");
    let key = world.tld.dnskey("test.").await;
    let said = delv(world.block.at(1, 1), port, "test.", &key, "acme.test", "DS");
    assert!(said.contains("fully validated"), "{said}");
}

#[tokio::test]
async fn the_top_level_and_the_root_can_be_checked_too() {
    let world = World::start().await;
    for (name, servers) in [("test", 2), (".", 1)] {
        let report = world.probe(name).await;
        assert!(report.is_healthy(), "{name}: {:#?}", report.findings);
        assert_eq!(report.security, Security::Secure, "{name}");
        assert_eq!(report.evidence.servers.len(), servers, "{name}");
    }
}

#[tokio::test]
async fn an_unsigned_zone_is_told_to_be_and_that_is_proven() {
    let world = World::with(false).await;
    let proof = |report: &sovereign_dns::probe::DelegationReport| {
        report.evidence.path.last().and_then(|link| link.denial.clone())
    };
    for (parameters, by) in [
        (None, "NSEC"),
        (Some("1 0 0 -"), "NSEC3"),
        (Some("1 0 3 ab"), "NSEC3"),
    ] {
        if let Some(parameters) = parameters {
            world.tld.set("test.", json!({ "nsec3param": parameters })).await;
        }
        let report = world.probe("acme.test").await;
        assert_eq!(
            codes(&report),
            ["dnssec.unsigned"],
            "{parameters:?}: {:#?}",
            report.findings
        );
        assert!(report.is_healthy());
        assert_eq!(report.security, Security::Insecure);
        assert_eq!(proof(&report), Some(Denial::Proven { by }), "{parameters:?}");
    }
}

#[tokio::test]
async fn a_name_in_a_zone_leads_to_the_zone() {
    let world = World::start().await;
    for (name, standing) in [
        ("www.acme.test", Standing::Inside),
        (
            "alias.acme.test",
            Standing::Alias {
                to: "www.acme.test.".to_owned(),
            },
        ),
    ] {
        let report = world.probe(name).await;
        assert_eq!(report.evidence.standing, standing);
        assert_eq!(codes(&report), ["delegation.inside"], "{:#?}", report.findings);
        assert_eq!(
            report
                .evidence
                .zone
                .as_ref()
                .map(sovereign_dns::DomainName::as_str),
            Some("acme.test")
        );
        assert_eq!(report.evidence.servers.len(), 3);
    }
}

#[tokio::test]
async fn a_change_is_followed_from_old_to_new() {
    let world = World::start().await;
    let old = ["ns1.acme.test", "ns2.acme.test", "ns3.acme.test"];
    let new = ["ns1.acme.test", "ns2.acme.test"];
    let before = world.expect("acme.test", &new, &old).await;
    let progress = before.progress.as_ref().unwrap();
    assert_eq!((progress.overall, progress.is_complete()), (Side::Old, false));
    assert!(codes(&before).contains(&"delegation.unexpected"));

    let contents = texts(&["ns1.acme.test.", "ns2.acme.test."]);
    world
        .tld
        .change("test.", Set("acme.test.", "NS", 7200, contents.clone()))
        .await;
    world
        .child
        .change("acme.test.", Set("acme.test.", "NS", 3600, contents))
        .await;
    let after = world.expect("acme.test", &new, &old).await;
    let progress = after.progress.as_ref().unwrap();
    assert_eq!((progress.overall, progress.is_complete()), (Side::New, true));
    assert_eq!(codes(&after), [] as [&str; 0], "{:#?}", after.findings);
}

#[tokio::test]
async fn a_delegation_that_is_still_to_come_is_absent_and_its_servers_are_looked_at() {
    let world = World::start().await;
    for (name, kind) in [("fresh.test", "no such name"), ("www.acme.test", "no delegation")] {
        let report = world.expect(name, &["ns1.acme.test"], &[]).await;
        assert_eq!(report.progress.as_ref().unwrap().overall, Side::Absent, "{kind}");
        let codes = codes(&report);
        assert!(codes.contains(&"delegation.absent"), "{kind}: {codes:?}");
        // The server is there, and does not have such a zone.
        assert_eq!(report.evidence.servers.len(), 1, "{kind}");
        assert!(
            codes.iter().any(|code| code.starts_with("server.")),
            "{kind}: {codes:?}"
        );
        assert_eq!(report.waits.until_negatives_forgotten, 300, "{kind}");
    }
}

#[tokio::test]
async fn a_trace_has_every_question() {
    let world = World::start().await;
    let config = sovereign_dns::probe::ProbeConfig {
        trace: true,
        ..world.config()
    };
    let prober = sovereign_dns::probe::Prober::new(config);
    let report = prober
        .probe(
            &crate::world::named("acme.test"),
            &crate::world::expectation(&[], &[]),
        )
        .await;
    assert_eq!(report.trace.len(), report.cost.questions as usize);
    assert!(report.trace.iter().any(|exchange| exchange.over == "tcp"));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["security"], "secure");
    assert_eq!(json["parents"][0]["says"]["kind"], "delegates");
    let serial = report.evidence.servers[0].soa.seen().unwrap().serial;
    assert_eq!(json["servers"][0]["soa"]["seen"]["serial"], serial);
    assert!(
        json["trace"][0]["answer"]
            .as_str()
            .unwrap()
            .starts_with("NOERROR")
    );
}

#[tokio::test]
async fn what_resolvers_say_decides_nothing() {
    let world = World::start().await;
    // Whoever answers about the name may stand in for a resolver that remembers it.
    let (knows, dead) = (world.block.at(2, 1), world.block.at(9, 9));
    let config = sovereign_dns::probe::ProbeConfig {
        resolvers: vec![knows, dead],
        ..world.config()
    };
    let report = sovereign_dns::probe::Prober::new(config)
        .probe(
            &crate::world::named("acme.test"),
            &crate::world::expectation(&[], &[]),
        )
        .await;
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let views = &report.evidence.resolvers;
    assert_eq!(views[0].ns.seen().map(|set| set.names.len()), Some(3));
    assert!(views[1].ns.failure().is_some());
}
