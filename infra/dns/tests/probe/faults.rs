//! What is wrong is found, each fault by its own name.

use std::net::IpAddr;

use sovereign_dns::probe::{DelegationReport, LinkProblem, Security};

use crate::oracle::{delv, dig};
use crate::world::{Server, Set, World, codes, soa, texts};

const NAMES: [&str; 3] = ["ns1.acme.test.", "ns2.acme.test.", "ns3.acme.test."];

fn finds(report: &DelegationReport, code: &str) {
    let codes = codes(report);
    assert!(
        codes.contains(&code),
        "{code} is not among {codes:?}: {:#?}",
        report.findings
    );
}

async fn delegate(world: &World, names: &[&str], glue: &[(&str, IpAddr)]) {
    world
        .tld
        .change("test.", Set("acme.test.", "NS", 7200, texts(names)))
        .await;
    for (name, address) in glue {
        world
            .tld
            .change("test.", Set(name, "A", 7200, texts(&[address])))
            .await;
    }
}

#[tokio::test]
async fn a_ds_record_of_another_key_breaks_the_chain() {
    let world = World::start().await;
    let ds = world.child.ds("acme.test.").await.remove(0);
    let (rest, digest) = ds.rsplit_once(' ').unwrap();
    let (tag, kinds) = rest.split_once(' ').unwrap();
    let other_tag = tag.parse::<u16>().unwrap().wrapping_add(1);
    for (wrong, code) in [
        (format!("{other_tag} {kinds} {digest}"), "dnssec.ds-stale"),
        (format!("{rest} {}", "00".repeat(32)), "dnssec.digest"),
    ] {
        world
            .tld
            .change("test.", Set("acme.test.", "DS", 1800, vec![wrong.clone()]))
            .await;
        let report = world.probe("acme.test").await;
        finds(&report, code);
        assert_eq!(report.security, Security::Bogus, "{code}");
        assert!(!report.is_healthy());
        assert_eq!(report.findings[0].places.len(), 3, "one finding, three servers");

        // Beside the right one it is only left over.
        let both = vec![wrong, ds.clone()];
        world
            .tld
            .change("test.", Set("acme.test.", "DS", 1800, both))
            .await;
        let report = world.probe("acme.test").await;
        assert_eq!(codes(&report), ["dnssec.ds-left-over"], "{:#?}", report.findings);
        assert_eq!(report.security, Security::Secure);
    }
}

#[tokio::test]
async fn a_ds_record_above_an_unsigned_zone_breaks_it() {
    let world = World::with(false).await;
    let ds = format!("4711 13 2 {}", "ab".repeat(32));
    world
        .tld
        .change("test.", Set("acme.test.", "DS", 1800, vec![ds]))
        .await;
    let report = world.probe("acme.test").await;
    finds(&report, "dnssec.no-keys");
    assert_eq!(report.security, Security::Bogus);
    let ds = format!("4711 250 9 {}", "ab".repeat(32));
    world
        .tld
        .change("test.", Set("acme.test.", "DS", 1800, vec![ds]))
        .await;
    let report = world.probe("acme.test").await;
    finds(&report, "dnssec.unknown-algorithm");
    assert_eq!(report.security, Security::Insecure, "RFC 4035 section 5.2");
}

#[tokio::test]
async fn a_signed_zone_without_ds_is_an_island() {
    let world = World::start().await;
    world
        .tld
        .change("test.", Set("acme.test.", "DS", 1800, Vec::new()))
        .await;
    let report = world.probe("acme.test").await;
    assert_eq!(codes(&report), ["dnssec.island"], "{:#?}", report.findings);
    assert_eq!(report.security, Security::Insecure);
    let key = world.tld.dnskey("test.").await;
    let said = delv(
        world.block.at(1, 1),
        world.block.port,
        "test.",
        &key,
        "acme.test",
        "DS",
    );
    assert!(said.contains("negative response, fully validated"), "{said}");
}

#[tokio::test]
async fn a_wrong_anchor_breaks_everything_and_none_leaves_it_open() {
    let world = World::start().await;
    let mut config = world.config();
    config.anchor = Some(sovereign_dns::probe::TrustAnchor::iana());
    let nothing = crate::world::expectation(&[], &[]);
    let name = crate::world::named("acme.test");
    let report = sovereign_dns::probe::Prober::new(config.clone())
        .probe(&name, &nothing)
        .await;
    assert_eq!(
        codes(&report),
        ["dnssec.above"; 2],
        "one for each key of it: {:#?}",
        report.findings
    );
    assert_eq!(report.security, Security::Bogus);
    config.anchor = None;
    let report = sovereign_dns::probe::Prober::new(config)
        .probe(&name, &nothing)
        .await;
    assert_eq!(codes(&report), ["dnssec.no-anchor"], "{:#?}", report.findings);
    assert_eq!(report.security, Security::Indeterminate);
    assert!(report.evidence.path[2].problems.is_empty());
    assert!(report.evidence.path[0].problems.contains(&LinkProblem::NoAnchor));
}

#[tokio::test]
async fn servers_that_are_dead_or_do_not_have_the_zone_are_lame() {
    let world = World::start().await;
    let nobody = world.block.at(2, 9);
    // The top level's own server does not hold this zone.
    let stranger = world.block.at(0, 1);
    let glue = [("ns2.acme.test.", nobody), ("ns3.acme.test.", stranger)];
    delegate(&world, &NAMES, &glue).await;
    for (name, address) in glue {
        world
            .child
            .change("acme.test.", Set(name, "A", 600, texts(&[address])))
            .await;
    }
    let report = world.probe("acme.test").await;
    finds(&report, "server.unreachable");
    let lame = report
        .findings
        .iter()
        .find(|finding| finding.code == "server.not-authoritative");
    assert_eq!(
        lame.unwrap().places,
        [format!("ns3.acme.test {stranger}")],
        "it refers to `test`"
    );
    assert_eq!(
        report.security,
        Security::Secure,
        "those that answer are in order"
    );
}

#[tokio::test]
async fn servers_of_the_parent_that_differ_are_mixed() {
    let world = World::start().await;
    let other = Server::start(&[world.block.at(1, 3)], world.block.port).await;
    let sets = [
        Set("test.", "SOA", 3600, soa(1)),
        Set("test.", "NS", 3600, texts(&["a.nic.test.", "c.nic.test."])),
        Set("a.nic.test.", "A", 600, texts(&[world.block.at(1, 1)])),
        Set("c.nic.test.", "A", 600, texts(&[world.block.at(1, 3)])),
        Set("acme.test.", "NS", 7200, texts(&["ns9.acme.test."])),
        Set("ns9.acme.test.", "A", 7200, texts(&[world.block.at(2, 1)])),
    ];
    other.zone("test.", &sets, false).await;
    world
        .root
        .change(
            ".",
            Set("test.", "NS", 3600, texts(&["a.nic.test.", "c.nic.test."])),
        )
        .await;
    world
        .root
        .change(".", Set("c.nic.test.", "A", 3600, texts(&[world.block.at(1, 3)])))
        .await;
    let new = ["ns1.acme.test", "ns2.acme.test", "ns3.acme.test"];
    let report = world.expect("acme.test", &new, &["ns9.acme.test"]).await;
    finds(&report, "delegation.mixed");
    let progress = report.progress.unwrap();
    assert_eq!(progress.overall.as_str(), "mixed");
    assert_eq!(
        progress
            .servers
            .iter()
            .filter(|shown| shown.side.as_str() == "old")
            .count(),
        1
    );
}

#[tokio::test]
async fn addresses_that_only_one_side_knows_are_told() {
    let world = World::start().await;
    let moved = ("ns3.acme.test.", world.block.at(2, 1));
    delegate(&world, &NAMES, &[moved]).await;
    let report = world.probe("acme.test").await;
    assert_eq!(codes(&report), ["glue.differs"], "{:#?}", report.findings);
    let (old, new) = (world.block.at(2, 1), world.block.at(2, 3));
    let wanted = format!("the parent gives {old} along for `ns3.acme.test`, which has {new}");
    assert_eq!(report.findings[0].message, wanted);

    world
        .tld
        .change("test.", Set("ns3.acme.test.", "A", 7200, texts(&[old, new])))
        .await;
    assert_eq!(codes(&world.probe("acme.test").await), ["glue.partial"]);

    world
        .tld
        .change("test.", Set("ns3.acme.test.", "A", 7200, Vec::new()))
        .await;
    assert_eq!(codes(&world.probe("acme.test").await), ["glue.missing"]);
    assert_eq!(dig(new, world.block.port, "ns3.acme.test", "A"), texts(&[new]));
}

#[tokio::test]
async fn name_servers_that_only_one_side_names_are_told() {
    let world = World::start().await;
    delegate(&world, &NAMES[..2], &[]).await;
    let report = world.probe("acme.test").await;
    assert_eq!(codes(&report), ["ns.differs"], "{:#?}", report.findings);
    assert_eq!(
        report.evidence.servers.len(),
        3,
        "the third one is asked all the same"
    );
    world
        .child
        .change("acme.test.", Set("acme.test.", "NS", 3600, texts(&NAMES[2..])))
        .await;
    finds(&world.probe("acme.test").await, "ns.disjoint");
}

#[tokio::test]
async fn another_version_or_other_keys_at_one_server_are_told() {
    let world = World::start().await;
    let other = Server::start(&[world.block.at(2, 4)], world.block.port).await;
    let mut sets = vec![
        Set("acme.test.", "SOA", 3600, soa(8)),
        Set("acme.test.", "NS", 3600, texts(&NAMES)),
    ];
    let addresses = [world.block.at(2, 1), world.block.at(2, 2), world.block.at(2, 4)];
    for (name, address) in NAMES.iter().zip(addresses) {
        sets.push(Set(name, "A", 600, texts(&[address])));
    }
    other.zone("acme.test.", &sets, true).await;
    delegate(&world, &NAMES, &[("ns3.acme.test.", addresses[2])]).await;
    world
        .child
        .change(
            "acme.test.",
            Set("ns3.acme.test.", "A", 600, texts(&[addresses[2]])),
        )
        .await;
    let report = world.probe("acme.test").await;
    for code in ["soa.serial", "dnssec.keys-disagree", "dnssec.ds-stale"] {
        finds(&report, code);
    }
    assert_eq!(report.security, Security::Bogus, "at one server of three");
    let stale = report
        .findings
        .iter()
        .find(|finding| finding.code == "dnssec.ds-stale");
    assert_eq!(stale.unwrap().places, [format!("ns3.acme.test {}", addresses[2])]);
}

#[tokio::test]
async fn name_servers_whose_names_lead_to_each_other_lead_nowhere() {
    let world = World::start().await;
    world
        .tld
        .change("test.", Set("one.test.", "NS", 3600, texts(&["ns.two.test."])))
        .await;
    world
        .tld
        .change("test.", Set("two.test.", "NS", 3600, texts(&["ns.one.test."])))
        .await;
    let report = world.probe("one.test").await;
    finds(&report, "host.unknown");
    assert!(!report.is_healthy());
    assert!(report.cost.questions < 30, "{}", report.cost.questions);
    let inside = world.probe("www.one.test").await;
    finds(&inside, "walk.stuck");
}

#[tokio::test]
async fn a_name_server_must_not_be_an_alias_nor_missing() {
    let world = World::start().await;
    world
        .tld
        .change(
            "test.",
            Set(
                "one.test.",
                "NS",
                3600,
                texts(&["alias.acme.test.", "none.acme.test."]),
            ),
        )
        .await;
    let report = world.probe("one.test").await;
    finds(&report, "host.alias");
    finds(&report, "host.no-address");
}

#[tokio::test]
async fn nothing_is_there() {
    let world = World::start().await;
    for name in ["nothing.test", "deep.down.nothing.test", "nothing"] {
        let report = world.probe(name).await;
        assert_eq!(
            codes(&report),
            ["delegation.absent"],
            "{name}: {:#?}",
            report.findings
        );
        assert_eq!(report.evidence.zone, None);
    }
}
