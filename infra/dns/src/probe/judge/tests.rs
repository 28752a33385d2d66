use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::prelude::*;
use sovereign_core::finding::Severity;

use super::*;
use crate::name::DomainName;
use crate::probe::chain::{Link, Security};
use crate::probe::expectation;
use crate::probe::failure::Outcome;
use crate::probe::report::StuckAt;
use crate::probe::seen::{
    DsSeen, KeysSeen, NameServer, NsSet, ParentSays, ParentServer, ServerAt, SoaSeen, ZoneServer,
};
use crate::probe::waits;
use crate::record::Ds;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn at(name: &str, last: u8) -> ServerAt {
    ServerAt {
        name: name.to_owned(),
        address: [192, 0, 2, last].into(),
    }
}

fn set(names: &[&str]) -> NsSet {
    NsSet {
        names: names.iter().map(|text| name(text)).collect(),
        ttl: 3_600,
        ..NsSet::default()
    }
}

fn parent(last: u8, says: ParentSays) -> ParentServer {
    ParentServer {
        server: at("a.nic.test", last),
        says,
        ds: DsSeen::Unknown,
        millis: 1,
        proof: Vec::new(),
    }
}

fn server(host: &str, last: u8, ns: &[&str]) -> ZoneServer {
    ZoneServer {
        server: at(host, last),
        soa: Outcome::Seen(SoaSeen {
            serial: 7,
            ttl: 3_600,
            negative_ttl: 300,
            edns: true,
            recursion: false,
        }),
        ns: Outcome::Seen(set(ns)),
        keys: Outcome::Seen(KeysSeen::default()),
        tcp: Outcome::Seen(()),
        only_without_edns: false,
        millis: 1,
        records: Vec::new(),
    }
}

fn host(text: &str, last: u8) -> NameServer {
    let address: IpAddr = [192, 0, 2, last].into();
    NameServer {
        name: name(text),
        in_zone: false,
        at_parent: true,
        glue: BTreeSet::new(),
        addresses: Outcome::Seen([address].into()),
        ttl: 600,
    }
}

const NAMES: [&str; 2] = ["ns1.dns.test", "ns2.dns.test"];

/// An unsigned zone below an unsigned one.
fn link(zone: &str) -> Link {
    Link {
        zone: name(zone),
        security: Security::Insecure,
        ds: Vec::new(),
        keys: Vec::new(),
        trusted: Vec::new(),
        denial: None,
        problems: Vec::new(),
        zone_keys: None,
    }
}

/// An unsigned zone that is in order.
fn healthy() -> Evidence {
    Evidence {
        name: name("acme.test"),
        standing: Standing::Zone,
        zone: Some(name("acme.test")),
        parent: Some(name("test")),
        path: vec![link("."), link("test"), link("acme.test")],
        path_servers: vec![1, 2, 2],
        parents: [1, 2]
            .map(|last| parent(last, ParentSays::Delegates(set(&NAMES))))
            .into(),
        parent_soa: None,
        hosts: vec![host(NAMES[0], 11), host(NAMES[1], 12)],
        servers: vec![server(NAMES[0], 11, &NAMES), server(NAMES[1], 12, &NAMES)],
        proofs: Vec::new(),
        resolvers: Vec::new(),
        incomplete: false,
    }
}

fn codes(evidence: &Evidence) -> Vec<&'static str> {
    let findings = judge(evidence, &Expectation::default(), None);
    findings.iter().map(|finding| finding.code).collect()
}

/// Codes once something was changed, without the one that the healthy zone has.
fn after(change: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let mut evidence = healthy();
    change(&mut evidence);
    let mut codes = codes(&evidence);
    codes.retain(|code| *code != "dnssec.unsigned");
    codes
}

#[test]
fn a_healthy_zone_has_nothing_wrong() {
    assert_eq!(codes(&healthy()), ["dnssec.unsigned"]);
}

#[test]
fn each_failure_of_a_server_has_its_code() {
    use Failure as F;
    let why = || "why".to_owned();
    for (failure, code) in [
        (F::TimedOut { ignored: 0 }, "server.silent"),
        (F::TimedOut { ignored: 3 }, "server.garbage"),
        (F::Unreachable { why: why() }, "server.unreachable"),
        (F::NoRoute, "server.no-route"),
        (F::SpecialAddress, "server.special-address"),
        (F::Garbage { why: why() }, "server.garbage"),
        (
            F::Code {
                code: "REFUSED".to_owned(),
            },
            "server.refuses",
        ),
        (F::NotAuthoritative, "server.not-authoritative"),
        (F::RefersElsewhere { to: why() }, "server.not-authoritative"),
        (F::Empty, "server.refuses"),
    ] {
        let codes = after(|evidence| {
            let server = &mut evidence.servers[1];
            server.soa = Outcome::Failed(failure.clone());
            server.ns = Outcome::Failed(failure.clone());
            server.keys = Outcome::Failed(failure.clone());
            server.tcp = Outcome::Failed(failure);
        });
        assert_eq!(codes, [code]);
    }
}

#[test]
fn what_a_server_cannot_do_is_told() {
    let seen = |change: fn(&mut SoaSeen)| {
        after(|evidence| {
            if let Outcome::Seen(soa) = &mut evidence.servers[0].soa {
                change(soa);
            }
        })
    };
    assert_eq!(seen(|soa| soa.edns = false), ["server.edns"]);
    assert_eq!(seen(|soa| soa.recursion = true), ["server.recursive"]);
    assert_eq!(seen(|soa| soa.serial = 8), ["soa.serial"]);
    let no_tcp = after(|evidence| {
        evidence.servers[0].tcp = Outcome::Failed(Failure::TimedOut { ignored: 0 });
    });
    assert_eq!(no_tcp, ["server.tcp"]);
}

#[test]
fn sets_of_name_servers_are_compared() {
    assert_eq!(
        after(|e| e.servers[0].ns = Outcome::Seen(set(&NAMES[..1]))),
        ["ns.disagree"]
    );
    let both = after(|e| {
        for server in &mut e.servers {
            server.ns = Outcome::Seen(set(&NAMES[..1]));
        }
    });
    assert_eq!(both, ["ns.differs"]);
    let disjoint = after(|e| {
        for server in &mut e.servers {
            server.ns = Outcome::Seen(set(&["x.test", "y.test"]));
        }
    });
    assert_eq!(disjoint, ["ns.disjoint"]);
}

#[test]
fn parents_are_compared() {
    assert_eq!(
        after(|e| e.parents[0].says = ParentSays::NoSuchName),
        ["delegation.mixed"]
    );
    let lame = ParentSays::Fails {
        failure: Failure::TimedOut { ignored: 0 },
    };
    assert_eq!(after(|e| e.parents[0].says = lame), ["parent.lame"]);
    let holds = ParentSays::HoldsIt(set(&NAMES));
    assert_eq!(after(|e| e.parents[0].says = holds), ["delegation.hidden"]);
    let ds = Ds {
        key_tag: 1,
        algorithm: 13,
        digest_kind: 2,
        digest: "00".to_owned(),
    };
    let mixed = after(|e| {
        e.parents[0].ds = DsSeen::Absent;
        e.parents[1].ds = DsSeen::Present {
            ds: vec![ds],
            ttl: 60,
        };
    });
    assert_eq!(mixed, ["dnssec.ds-mixed"]);
}

#[test]
fn glue_is_needed_in_the_zone_only() {
    let in_zone = |glue: &[u8]| {
        let glue = glue.iter().map(|last| IpAddr::from([192, 0, 2, *last])).collect();
        after(|evidence| {
            evidence.hosts[0].in_zone = true;
            evidence.hosts[0].glue = glue;
        })
    };
    assert_eq!(in_zone(&[]), ["glue.missing"]);
    assert_eq!(in_zone(&[11]), [] as [&str; 0]);
    assert_eq!(in_zone(&[99]), ["glue.differs"]);
    assert_eq!(in_zone(&[11, 99]), ["glue.partial"]);
}

#[test]
fn too_few_servers_are_told() {
    let one = after(|e| {
        e.hosts.truncate(1);
        e.servers.truncate(1);
        for parent in &mut e.parents {
            parent.says = ParentSays::Delegates(set(&NAMES[..1]));
        }
        e.servers[0].ns = Outcome::Seen(set(&NAMES[..1]));
    });
    assert_eq!(one, ["delegation.few"]);
    assert_eq!(
        after(|e| e.servers[1].server.address = [192, 0, 2, 11].into()),
        ["delegation.few"]
    );
}

#[test]
fn an_unfinished_check_is_never_healthy() {
    let findings = judge(
        &Evidence {
            incomplete: true,
            ..healthy()
        },
        &Expectation::default(),
        None,
    );
    assert_eq!(
        (findings[0].code, findings[0].severity),
        ("walk.limit", Severity::Error)
    );
}

fn any_failure() -> impl Strategy<Value = Failure> {
    use Failure as F;
    let text = || "[ -~]{0,12}";
    prop_oneof![
        any::<u32>().prop_map(|ignored| F::TimedOut { ignored }),
        text().prop_map(|why| F::Unreachable { why }),
        Just(F::NoRoute),
        Just(F::SpecialAddress),
        text().prop_map(|why| F::Garbage { why }),
        text().prop_map(|code| F::Code { code }),
        Just(F::NotAuthoritative),
        text().prop_map(|to| F::RefersElsewhere { to }),
        Just(F::Empty),
        text().prop_map(|to| F::Alias { to }),
        Just(F::NoAddress),
        Just(F::Circular),
        text().prop_map(|why| F::Spent { why }),
    ]
}

fn any_set() -> impl Strategy<Value = NsSet> {
    let names = prop::collection::btree_set("ns[1-4]\\.(acme|dns)\\.test", 0..4);
    (names, any::<u32>()).prop_map(|(names, ttl)| NsSet {
        names: names.iter().map(|text| name(text)).collect(),
        ttl,
        glue: BTreeMap::new(),
        ..NsSet::default()
    })
}

fn any_says() -> impl Strategy<Value = ParentSays> {
    prop_oneof![
        any_set().prop_map(ParentSays::Delegates),
        any_set().prop_map(ParentSays::HoldsIt),
        Just(ParentSays::NotDelegated),
        Just(ParentSays::NoSuchName),
        any_failure().prop_map(|failure| ParentSays::Fails { failure }),
    ]
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let parents = prop::collection::vec(any_says(), 0..4);
    let servers = prop::collection::vec((any_set(), prop::option::of(any_failure()), any::<u32>()), 0..4);
    let stuck = prop::option::of(any_failure());
    (parents, servers, stuck).prop_map(|(parents, servers, stuck)| {
        let mut evidence = healthy();
        evidence.parents = parents.into_iter().map(|says| parent(1, says)).collect();
        evidence.servers = servers
            .into_iter()
            .map(|(set, failure, serial)| {
                let mut server = server(NAMES[0], 11, &[]);
                server.ns = Outcome::Seen(set);
                match failure {
                    Some(failure) => server.soa = Outcome::Failed(failure),
                    None => {
                        if let Outcome::Seen(soa) = &mut server.soa {
                            soa.serial = serial;
                        }
                    }
                }
                server
            })
            .collect();
        if let Some(failure) = stuck {
            let server = at(NAMES[0], 1);
            evidence.standing = Standing::Stuck {
                failures: vec![StuckAt { server, failure }],
            };
        }
        evidence
    })
}

proptest! {
    #[test]
    fn findings_are_complete_sorted_and_bounded(evidence in any_evidence(), new in any_set(), old in any_set()) {
        let expectation = Expectation { new: new.names, old: old.names };
        let progress = (!expectation.is_empty()).then(|| expectation::measure(&expectation, &evidence.parents));
        let findings = judge(&evidence, &expectation, progress.as_ref());
        prop_assert!(findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
        prop_assert!(findings.len() <= 60);
        for finding in &findings {
            prop_assert!(codes::ALL.iter().any(|code| code.name == finding.code));
            prop_assert!(!finding.message.is_empty() && !finding.remedy.is_empty() && !finding.reason.is_empty());
        }
        // A server that does not answer for the zone is never passed over in silence.
        let told = |failure: &Failure| !failure.is_ours()
            && !matches!(failure, Failure::Alias { .. } | Failure::NoAddress | Failure::Circular);
        if evidence.servers.iter().filter_map(|server| server.soa.failure()).any(told) {
            prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
        }
        if let Some(progress) = progress
            && progress.overall != expectation::Side::New {
            prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error), "{progress:?}");
        }
    }

    #[test]
    fn waits_cover_what_was_seen_and_never_exceed_a_week(evidence in any_evidence()) {
        let waits = waits::waits(&evidence);
        prop_assert!(waits.until_forgotten <= 604_800 && waits.until_negatives_forgotten <= 604_800);
        prop_assert!(waits.until_forgotten >= waits.delegation.max(waits.name_servers).max(waits.addresses));
    }
}

#[test]
fn every_code_is_documented() {
    let page = include_str!("../../../../../docs/reference/dns-findings.md");
    for code in codes::ALL {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let row = format!(
            "| `{}` | {severity} | {} | {} |",
            code.name, code.reason, code.remedy
        );
        assert!(
            page.contains(&row),
            "not in docs/reference/dns-findings.md: {row}"
        );
    }
}
