//! Reports made up, for tests of what is read out of them.

use std::net::IpAddr;

use crate::name::DomainName;
use crate::probe::{
    Cost, DelegationReport, DsSeen, Evidence, Failure, KeysSeen, NameServer, NsSet, Outcome, ParentSays,
    ParentServer, Security, ServerAt, SoaSeen, Standing, StuckAt, Waits, ZoneServer,
};

pub(super) const NAMES: [&str; 2] = ["ns1.ours.example", "ns2.ours.example"];

pub(super) fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

pub(super) fn set(names: &[&str], ttl: u32) -> NsSet {
    NsSet {
        names: names.iter().map(|text| name(text)).collect(),
        ttl,
        ..NsSet::default()
    }
}

fn at(host: &str, last: u8) -> ServerAt {
    ServerAt {
        name: host.to_owned(),
        address: [192, 0, 2, last].into(),
    }
}

fn host(text: &str, last: u8) -> NameServer {
    let address: IpAddr = [192, 0, 2, last].into();
    NameServer {
        name: name(text),
        in_zone: false,
        at_parent: true,
        glue: [].into(),
        addresses: Outcome::Seen([address].into()),
        ttl: 600,
    }
}

fn server(host: &str, last: u8) -> ZoneServer {
    ZoneServer {
        server: at(host, last),
        soa: Outcome::Seen(soa(300)),
        ns: Outcome::Seen(set(&NAMES, 3_600)),
        keys: Outcome::Seen(KeysSeen::default()),
        tcp: Outcome::Seen(()),
        only_without_edns: false,
        millis: 1,
        records: Vec::new(),
    }
}

pub(super) fn soa(negative_ttl: u32) -> SoaSeen {
    SoaSeen {
        serial: 7,
        ttl: 3_600,
        negative_ttl,
        edns: true,
        recursion: false,
    }
}

/// A name on our servers, all of which answer.
pub(super) fn healthy() -> DelegationReport {
    let says = ParentSays::Delegates(set(&NAMES, 86_400));
    let parent = ParentServer {
        server: at("a.nic.example", 1),
        says,
        ds: DsSeen::Absent,
        millis: 1,
        proof: Vec::new(),
    };
    let evidence = Evidence {
        name: name("acme.example"),
        standing: Standing::Zone,
        zone: Some(name("acme.example")),
        parent: Some(name("example")),
        path: Vec::new(),
        path_servers: Vec::new(),
        parents: vec![parent],
        parent_soa: None,
        hosts: vec![host(NAMES[0], 11), host(NAMES[1], 12)],
        servers: vec![server(NAMES[0], 11), server(NAMES[1], 12)],
        proofs: Vec::new(),
        resolvers: Vec::new(),
        incomplete: false,
    };
    DelegationReport {
        evidence,
        security: Security::Insecure,
        progress: None,
        waits: Waits::default(),
        findings: Vec::new(),
        cost: Cost {
            questions: 0,
            millis: 0,
        },
        trace: Vec::new(),
    }
}

/// The way down ended at the root, which did not answer.
pub(super) fn stuck() -> DelegationReport {
    let mut report = healthy();
    let evidence = &mut report.evidence;
    let failures = vec![StuckAt {
        server: at("", 99),
        failure: Failure::TimedOut { ignored: 0 },
    }];
    evidence.standing = Standing::Stuck { failures };
    evidence.zone = Some(name("."));
    evidence.parent = None;
    evidence.parents.clear();
    evidence.hosts.clear();
    evidence.servers.clear();
    report
}
