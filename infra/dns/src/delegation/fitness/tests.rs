use super::*;
use crate::delegation::testing::{NAMES, healthy, name, set, stuck};
use crate::probe::{DelegationFinding, Outcome, ParentSays};

const SILENT: Failure = Failure::TimedOut { ignored: 0 };

fn fitness(report: &DelegationReport) -> Fitness {
    Fitness::of(report, &NAMES.map(name).into())
}

#[test]
fn servers_that_all_answer_are_proven() {
    assert!(fitness(&healthy()).is_proven());
}

#[test]
fn what_a_server_does_wrong_is_said_of_it() {
    let mut report = healthy();
    let [first, second] = &mut report.evidence.servers[..] else {
        panic!()
    };
    first.soa = Outcome::Failed(SILENT);
    second.ns = Outcome::Seen(set(&["ns9.ours.example"], 60));
    let Fitness { wrong, unknown } = fitness(&report);
    assert_eq!(
        wrong,
        [
            "ns1.ours.example 192.0.2.11: no answer",
            "ns2.ours.example 192.0.2.12: names other servers, ns9.ours.example"
        ]
    );
    assert_eq!(unknown, [] as [String; 0]);
}

#[test]
fn of_what_was_not_asked_nothing_is_known() {
    let mut report = healthy();
    let [first, second] = &mut report.evidence.servers[..] else {
        panic!()
    };
    first.soa = Outcome::Failed(Failure::NoRoute);
    second.ns = Outcome::Failed(Failure::Spent {
        why: "its time was up".to_owned(),
    });
    let Fitness { wrong, unknown } = fitness(&report);
    assert_eq!(wrong, [] as [String; 0]);
    assert_eq!(unknown.len(), 2, "{unknown:?}");
}

#[test]
fn a_host_without_an_address_is_wrong() {
    let mut report = healthy();
    report.evidence.servers.pop();
    report.evidence.hosts[1].addresses = Outcome::Failed(Failure::NoAddress);
    assert_eq!(fitness(&report).wrong, ["`ns2.ours.example`: no address"]);
}

/// A machine without a way out must not take our servers for dead.
#[test]
fn a_look_that_did_not_come_to_the_parent_knows_nothing() {
    let cut_off = stuck();
    let mut silent = healthy();
    for parent in &mut silent.evidence.parents {
        parent.says = ParentSays::Fails { failure: SILENT };
    }
    for server in &mut silent.evidence.servers {
        server.soa = Outcome::Failed(SILENT);
    }
    for report in [cut_off, silent] {
        let Fitness { wrong, unknown } = fitness(&report);
        assert_eq!(wrong, [] as [String; 0]);
        assert_eq!(unknown.len(), 2, "{unknown:?}");
    }
}

#[test]
fn a_fault_of_ours_is_told_and_another_ones_is_not() {
    let fault = |severity, place: &str| DelegationFinding {
        severity,
        code: "server.tcp",
        message: "no answer over TCP".to_owned(),
        places: vec![place.to_owned()],
        reason: String::new(),
        remedy: String::new(),
    };
    let mut report = healthy();
    report.findings = vec![
        fault(Severity::Error, "ns1.ours.example 192.0.2.11"),
        fault(Severity::Error, "ns1.old.example 192.0.2.21"),
        fault(Severity::Warning, "ns2.ours.example 192.0.2.12"),
    ];
    assert_eq!(
        faults(&report, &NAMES.map(name).into()),
        ["ns1.ours.example 192.0.2.11: no answer over TCP"]
    );
}
