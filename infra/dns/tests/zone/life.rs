//! The life of a zone on one server.

use sovereign_dns::check::{ZoneProblem, check_server, still_answers};
use sovereign_dns::host::Signing;
use sovereign_dns::record::{RecordKind, RecordSet, Records};
use sovereign_dns::shade::shades;
use sovereign_dns::zone::Change;
use sovereign_dns::{
    ErrorClass, PowerDnsConfig, SovereignNames, check_zone, connect_powerdns, look, publish, sovereign_zone,
    withdraw,
};

use crate::bench::{Bench, connect, names, words, zone};
use crate::oracle::{delv, dig};

#[tokio::test]
async fn a_zone_is_made_complete_and_signed_and_the_world_believes_it() {
    let bench = Bench::start().await;
    let request = zone("acme");
    assert_eq!(look(&bench.hosts, &request).await.unwrap(), None);
    let published = publish(&bench.hosts, &request).await.unwrap();
    assert_eq!(published.ds.len(), 1, "{published:?}");
    assert_eq!(bench.check(&request, &published).await, []);

    let server = bench.server.dns_addr;
    let keys = bench.host().keys(&request.name).await.unwrap();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    assert!(
        key.dnskey.starts_with("257 3 13 "),
        "one key for everything: {key:?}"
    );
    let cds = published.ds[0].to_string();
    let (fields, digest) = cds.rsplit_once(' ').unwrap();
    let cds = format!("{fields} {}", digest.to_ascii_uppercase());
    for (name, kind, wanted) in [
        ("acme.example", "SOA", "first\\.last.acme.example."),
        ("acme.example", "NS", "ns2.dns.example."),
        ("acme.example", "A", "192.0.2.2"),
        ("acme.example", "AAAA", "2001:db8::1"),
        ("acme.example", "CAA", "letsencrypt.org; validationmethods=dns-01"),
        ("console.acme.example", "A", "192.0.2.1"),
        ("harbor.acme.example", "AAAA", "2001:db8::1"),
        ("any.thing.acme.example", "A", "192.0.2.1"),
        ("gitea.acme.example", "MX", "negative response"),
        ("acme.example", "CDNSKEY", &*key.dnskey),
        ("acme.example", "CDS", &*cds),
    ] {
        let said = delv(server, &request.name, &key.dnskey, name, kind);
        // delv writes long data in groups.
        let plain = |text: &str| text.replace(' ', "");
        assert!(
            said.contains("fully validated") && plain(&said).contains(&plain(wanted)),
            "{name} {kind}: {said}"
        );
    }
    for transport in ["+notcp", "+tcp"] {
        let said = dig(server, "acme.example", "SOA", &[transport]);
        assert!(said.contains("status: NOERROR") && said.contains(" aa"), "{said}");
    }
}

/// A certificate issuer's challenge makes its name exist: names that are written out answer all the same.
#[tokio::test]
async fn a_challenge_below_a_name_of_the_kit_leaves_it_answering() {
    let bench = Bench::start().await;
    let request = zone("acme");
    publish(&bench.hosts, &request).await.unwrap();
    let server = bench.server.dns_addr;
    for name in ["console", "auth"] {
        let challenge = RecordSet {
            name: request.name.child(&format!("_acme-challenge.{name}")).unwrap(),
            ttl: 60,
            records: Records::read("TXT".into(), &["\"token\"".to_owned()].into()),
        };
        let changes = [Change::Replace(challenge)];
        bench.host().change(&request.name, &changes).await.unwrap();
        let said = dig(server, &format!("{name}.acme.example"), "A", &[]);
        assert!(said.contains("192.0.2.1"), "{name}: {said}");
    }
    let copy = bench.host().find(&request.name).await.unwrap().unwrap();
    assert_eq!(shades(&copy), []);
}

#[tokio::test]
async fn applied_twice_nothing_changes_and_a_stranger_record_stays() {
    let bench = Bench::start().await;
    let request = zone("acme");
    let first = publish(&bench.hosts, &request).await.unwrap();
    let challenge = RecordSet {
        name: request.name.child("_acme-challenge").unwrap(),
        ttl: 60,
        records: Records::read("TXT".into(), &["\"token\"".to_owned()].into()),
    };
    let changes = [Change::Replace(challenge.clone())];
    bench.host().change(&request.name, &changes).await.unwrap();
    let before = bench.host().find(&request.name).await.unwrap().unwrap();
    assert_eq!(publish(&bench.hosts, &request).await.unwrap(), first);
    assert_eq!(look(&bench.hosts, &request).await.unwrap(), Some(first));
    let after = bench.host().find(&request.name).await.unwrap().unwrap();
    assert_eq!(after, before);
    assert!(after.sets.contains(&challenge));
}

#[tokio::test]
async fn moved_addresses_arrive_with_a_higher_serial() {
    let bench = Bench::start().await;
    let request = zone("acme");
    publish(&bench.hosts, &request).await.unwrap();
    let before = bench.host().find(&request.name).await.unwrap().unwrap();
    let moved = SovereignNames {
        ipv4: ["198.51.100.7".parse().unwrap()].into(),
        ipv6: [].into(),
        ..names("acme")
    };
    let moved = sovereign_zone(&moved).unwrap();
    assert_eq!(look(&bench.hosts, &moved).await.unwrap(), None);
    let published = publish(&bench.hosts, &moved).await.unwrap();
    assert_eq!(bench.check(&moved, &published).await, []);
    let after = bench.host().find(&request.name).await.unwrap().unwrap();
    assert!(
        after.serial > before.serial,
        "{} > {}",
        after.serial,
        before.serial
    );
    let ipv6 = after
        .sets
        .iter()
        .filter(|set| set.records.kind() == RecordKind::Aaaa);
    assert_eq!(ipv6.count(), 0);
    let findings = bench.check(&request, &published).await;
    assert!(
        findings
            .iter()
            .any(|finding| matches!(finding.problem, ZoneProblem::Differs { .. }))
    );
}

#[tokio::test]
async fn a_zone_of_somebody_else_is_neither_used_nor_removed() {
    let bench = Bench::start().await;
    let theirs = zone("acme");
    publish(&bench.hosts, &theirs).await.unwrap();
    let ours = sovereign_zone(&SovereignNames {
        mark: names("other").mark,
        ..names("acme")
    });
    let ours = ours.unwrap();
    for error in [
        look(&bench.hosts, &ours).await.unwrap_err(),
        publish(&bench.hosts, &ours).await.unwrap_err(),
    ] {
        assert_eq!(error.class, ErrorClass::Taken);
        assert!(words(&error).contains("belongs to `sov:acme`"), "{error}");
    }
    withdraw(&bench.hosts, &ours.name, &ours.mark).await.unwrap();
    assert!(look(&bench.hosts, &theirs).await.unwrap().is_some());
}

#[tokio::test]
async fn a_removed_zone_is_gone_and_removing_it_again_is_fine() {
    let bench = Bench::start().await;
    let request = zone("acme");
    publish(&bench.hosts, &request).await.unwrap();
    publish(&bench.hosts, &zone("acme-two")).await.unwrap();
    assert_eq!(
        bench.host().zones_of(&request.mark).await.unwrap(),
        std::slice::from_ref(&request.name)
    );
    let lingers = still_answers(bench.host(), &request.name).await.unwrap();
    assert_eq!(lingers.map(|finding| finding.problem), Some(ZoneProblem::Lingers));
    for _ in 0..2 {
        withdraw(&bench.hosts, &request.name, &request.mark)
            .await
            .unwrap();
        bench.host().delete(&request.name).await.unwrap();
        assert_eq!(bench.host().find(&request.name).await.unwrap(), None);
        assert_eq!(still_answers(bench.host(), &request.name).await.unwrap(), None);
        assert!(bench.host().zones_of(&request.mark).await.unwrap().is_empty());
    }
    assert!(dig(bench.server.dns_addr, "acme.example", "SOA", &[]).contains("status: REFUSED"));
}

#[tokio::test]
async fn a_zone_that_a_dying_server_left_unsigned_is_signed() {
    let bench = Bench::start().await;
    let request = zone("acme");
    bench
        .host()
        .create(&request, 1, Signing::SharedKey)
        .await
        .unwrap();
    assert_eq!(look(&bench.hosts, &request).await.unwrap(), None);
    let published = publish(&bench.hosts, &request).await.unwrap();
    assert_eq!(bench.check(&request, &published).await, []);
    assert_eq!(look(&bench.hosts, &request).await.unwrap(), Some(published));
}

#[tokio::test]
async fn what_is_wrong_with_answers_is_found() {
    let bench = Bench::start().await;
    let request = zone("acme");
    let nobody = check_server(&[bench.server.dns_addr], &request, &[]).await;
    assert!(
        matches!(&nobody[..], [only] if matches!(only.problem, ZoneProblem::Refused(_))),
        "{nobody:?}"
    );
    // The server remembers that it refused this, too.
    assert!(dig(bench.server.dns_addr, "console.acme.example", "A", &[]).contains("status: REFUSED"));

    let mut published = publish(&bench.hosts, &request).await.unwrap();
    assert_eq!(bench.check(&request, &published).await, []);
    published.ds[0].digest.replace_range(..2, "00");
    let wrong_key = bench.check(&request, &published).await;
    assert!(
        matches!(&wrong_key[..], [key, cds, cdnskey] if matches!(key.problem, ZoneProblem::NoKeyForDs(_))
            && matches!(cds.problem, ZoneProblem::KeysTold { .. })
            && matches!(cdnskey.problem, ZoneProblem::KeysTold { .. })),
        "{wrong_key:?}"
    );

    let api = request.name.child("api").unwrap();
    let shorter = RecordSet {
        name: api.clone(),
        ttl: 60,
        records: Records::A(names("acme").ipv4),
    };
    bench
        .host()
        .change(&request.name, &[Change::Replace(shorter)])
        .await
        .unwrap();
    let findings = check_server(&[bench.server.dns_addr], &request, &[]).await;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let wanted = format!(
        "`api.acme.example` A at {}: the answer may be cached for 60 s instead of 300 s",
        bench.server.dns_addr
    );
    assert_eq!(lines, [wanted]);
}

#[tokio::test]
async fn a_wrong_key_is_said_and_no_key_is_shown() {
    let bench = Bench::start().await;
    let secret = "not-the-key-of-this-server";
    let host = connect(&bench.server.url, secret);
    let error = host.facts().await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Stop);
    assert!(error.remedy.contains("check the API key"), "{}", words(&error));
    let shown = format!("{} {host:?} {:?}", words(&error), bench.server);
    assert!(
        !shown.contains(secret) && !shown.contains(&bench.server.key),
        "{shown}"
    );
}

#[tokio::test]
async fn silence_is_no_answer() {
    let bench = Bench::start().await;
    let request = zone("acme");
    let published = publish(&bench.hosts, &request).await.unwrap();
    let config = PowerDnsConfig {
        // The port of the discard service, which nobody runs.
        answers_at: Some(([127, 0, 0, 1], 9).into()),
        ..PowerDnsConfig::new(&bench.server.url, bench.server.key.as_str().into())
    };
    let hosts = [connect_powerdns(config).unwrap()];
    let findings = check_zone(&hosts, &request, &published).await.unwrap();
    assert!(
        matches!(&findings[..], [only] if matches!(only.problem, ZoneProblem::Unanswered(_))),
        "{findings:?}"
    );
    withdraw(&hosts, &request.name, &request.mark).await.unwrap();
    let gone = still_answers(&*hosts[0], &request.name).await.unwrap();
    assert!(matches!(gone.unwrap().problem, ZoneProblem::Unanswered(_)));
}
