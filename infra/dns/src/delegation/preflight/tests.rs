//! Facts made up, and what is said of them.

use super::*;
use crate::delegation::existing::ExistingRecord;
use crate::delegation::forecast::Forecast;
use crate::delegation::route::Stage;
use crate::delegation::view::{Says, ServerView};
use crate::registrar::{Cause, Delegation, Signer};

const OLD: [&str; 2] = ["ns1.old.example", "ns2.old.example"];

fn now() -> Timestamp {
    "2031-01-01T00:00:00Z".parse().unwrap()
}

/// A healthy domain on old servers, not signed, at a registrar that can do everything.
fn facts() -> Facts {
    let ns: BTreeSet<DomainName> = OLD.map(|host| host.parse().unwrap()).into();
    let says = Says::Delegates {
        ns: ns.clone(),
        ds: Some(BTreeSet::new()),
    };
    let server = "a.nic.example 192.0.2.1".to_owned();
    let parent = ParentView {
        parent: Some("example".parse().unwrap()),
        signed: true,
        servers: vec![ServerView { server, says }],
        ds_ttl: 0,
    };
    let able = Capabilities {
        ns: true,
        ds_digest: true,
        glue: true,
        ..Capabilities::default()
    };
    Facts {
        domain: "acme.example".parse().unwrap(),
        place: Place::Apex,
        ours: NsSet::read(["ns1.ours.example", "ns2.ours.example"]).unwrap(),
        host: Some((RegistrarKind::Porkbun, able)),
        access: None,
        snapshot: Some(Snapshot {
            taken: now(),
            registered: Some(Delegation {
                ns: NsSet::read(OLD).unwrap(),
                uses_provider_default: false,
                ds: Some(Vec::new()),
                glue: None,
                version: None,
                under_way: None,
            }),
            ns,
            ds: Vec::new(),
            vouched: BTreeSet::new(),
            parent_signed: true,
            forgotten_after: 172_800,
            ds_ttl: 0,
            signs: false,
        }),
        unsettled: None,
        parent,
        stuck: false,
        registration: Registered::Found(Registration {
            statuses: ["clienttransferprohibited".to_owned()].into(),
            expires: "2032-01-01T00:00:00Z".parse().ok(),
        }),
        existing: Existing::default(),
        now: now(),
    }
}

fn codes(facts: &Facts) -> Vec<String> {
    let page = include_str!("../../../../../docs/reference/delegation.md");
    let plain = |finding: Finding| {
        let Finding { code, .. } = finding;
        assert!(
            page.contains(&format!("`{code}`")),
            "{code} is not in docs/reference/delegation.md"
        );
        code.trim_start_matches("delegation.").to_owned()
    };
    judge(facts).into_iter().map(plain).collect()
}

fn record(kind: &str, data: &str) -> ExistingRecord {
    ExistingRecord {
        name: "acme.example".parse().unwrap(),
        kind: kind.to_owned(),
        data: data.to_owned(),
        ttl: 300,
    }
}

#[test]
fn nothing_is_said_of_a_domain_that_may_move() {
    assert_eq!(codes(&facts()), [""; 0]);
}

#[test]
fn everything_that_speaks_against_it_is_said_at_once_the_heaviest_first() {
    let mut facts = facts();
    facts.ours = NsSet::read(["ns1.acme.example"]).unwrap();
    facts.existing.records = vec![record("MX", "10 mx.acme.example."), record("A", "192.0.2.80")];
    facts.registration = Registered::Found(Registration {
        statuses: [
            "clientupdateprohibited",
            "serverupdateprohibited",
            "pendingtransfer",
            "clienthold",
        ]
        .map(str::to_owned)
        .into(),
        expires: "2031-01-20T00:00:00Z".parse().ok(),
    });
    facts.snapshot.as_mut().unwrap().vouched = ["1 13 2 00ff".parse().unwrap()].into();
    let findings = judge(&facts);
    let mut said = codes(&facts);
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    assert_eq!(errors, 7);
    assert!(findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
    said.sort();
    assert_eq!(
        said,
        [
            "expires",
            "glue",
            "hold",
            "locked",
            "locked",
            "mail",
            "nameservers",
            "signed",
            "transfer",
            "web"
        ]
    );
    assert!(findings.iter().all(|finding| !finding.remedy.is_empty()));
    let mail = findings
        .iter()
        .find(|finding| finding.code == "delegation.mail")
        .unwrap();
    assert!(
        mail.remedy
            .contains("mode: childZone, name: platform.acme.example"),
        "{mail}"
    );
}

#[test]
fn what_could_not_be_learned_is_said_and_not_taken_for_fine() {
    let mut facts = facts();
    let why = "timed out".to_owned();
    facts.registration = Registered::Unknown { why };
    facts.existing.unknown = true;
    assert_eq!(codes(&facts), ["existing-unknown", "registry-unknown"]);
    facts.registration = Registered::NotFound;
    assert_eq!(codes(&facts), ["unregistered", "existing-unknown"]);
}

#[test]
fn an_expired_registration_and_one_without_an_end_are_told_apart() {
    let mut facts = facts();
    for (expires, said) in [
        (Some("2030-12-31T00:00:00Z"), &["expired"][..]),
        (Some("2031-02-15T00:00:00Z"), &[]),
        (None, &[]),
    ] {
        facts.registration = Registered::Found(Registration {
            statuses: BTreeSet::new(),
            expires: expires.map(|text| text.parse().unwrap()),
        });
        assert_eq!(codes(&facts), said, "{expires:?}");
    }
}

#[test]
fn a_registrar_and_a_parent_that_do_not_agree_are_not_touched() {
    let mut facts = facts();
    let other = NsSet::read(["ns1.other.example", "ns2.other.example"]).unwrap();
    let snapshot = facts.snapshot.as_mut().unwrap();
    snapshot.registered.as_mut().unwrap().ns = other;
    assert_eq!(codes(&facts), ["differs"]);
    facts.snapshot = None;
    facts.unsettled = Some("a: NS x; b: NS y".to_owned());
    assert_eq!(codes(&facts), ["unsettled"]);
    facts.unsettled = None;
    facts.access = Some(RegistrarError {
        cause: Cause::Unauthorized,
        action: "read the delegation of `acme.example` at porkbun".to_owned(),
        message: "invalid key".to_owned(),
        remedy: "make a new key".to_owned(),
        unsettled: false,
    });
    assert_eq!(codes(&facts), ["access"]);
}

#[test]
fn a_domain_that_is_ours_already_is_only_asked_for_access() {
    let mut facts = facts();
    let ours = facts.ours.clone();
    let snapshot = facts.snapshot.as_mut().unwrap();
    snapshot.ns = ours.hosts().iter().cloned().collect();
    snapshot.registered.as_mut().unwrap().ns = ours;
    facts.existing.records = vec![record("MX", "10 mx.acme.example.")];
    assert_eq!(codes(&facts), [""; 0]);
    assert_eq!(Forecast::of(&facts).phases, []);
}

#[test]
fn a_child_stands_alone_and_is_nobodys() {
    let mut facts = facts();
    facts.place = Place::Child;
    facts.existing.records = vec![record("A", "192.0.2.80")];
    assert_eq!(codes(&facts), ["taken", "taken"]);
    facts.existing.records.clear();
    facts.snapshot.as_mut().unwrap().ns.clear();
    let registered = facts.snapshot.as_mut().unwrap().registered.as_mut().unwrap();
    registered.ns = NsSet::default();
    registered.uses_provider_default = true;
    facts.host.as_mut().unwrap().1.revert_to_default = true;
    assert_eq!(codes(&facts), [""; 0]);
}

#[test]
fn a_name_that_nobody_has_delegated_yet_stands_alone_too() {
    let mut facts = facts();
    facts.host = None;
    let snapshot = facts.snapshot.as_mut().unwrap();
    snapshot.registered = None;
    snapshot.ns.clear();
    assert_eq!(codes(&facts), [""; 0]);
    facts.existing.records = vec![record("A", "192.0.2.80")];
    assert_eq!(codes(&facts), ["taken"]);
}

#[test]
fn a_key_that_was_taken_off_a_signed_zone_is_waited_for_and_nobody_has_to_act() {
    let mut facts = facts();
    facts.host.as_mut().unwrap().1.ds_digest = false;
    let snapshot = facts.snapshot.as_mut().unwrap();
    snapshot.signs = true;
    assert_eq!(codes(&facts), ["keys-by-hand", "signed"]);
    let forecast = Forecast::of(&facts);
    let keys_off = &forecast.phases[0];
    assert_eq!((keys_off.stage, keys_off.by_hand), (Stage::KeysOff, false));
    assert!(keys_off.seconds >= 172_800);
    // Nobody vouches for a key below a parent that is not signed.
    facts.snapshot.as_mut().unwrap().parent_signed = false;
    assert_eq!(codes(&facts), [""; 0]);
    assert_eq!(Forecast::of(&facts).phases[0].stage, Stage::Pointed);
}

#[test]
fn the_forecast_says_what_waits_for_what_and_who_has_to_act() {
    let mut facts = facts();
    let snapshot = facts.snapshot.as_mut().unwrap();
    snapshot.vouched = ["1 13 2 00ff".parse().unwrap()].into();
    snapshot.ds = snapshot.vouched.iter().cloned().map(Signer::digest).collect();
    snapshot.ds_ttl = 86_400;
    let forecast = Forecast::of(&facts);
    assert!(forecast.is_clear() && forecast.by_hand.is_none());
    let stages: Vec<(Stage, bool)> = forecast.phases.iter().map(|it| (it.stage, it.by_hand)).collect();
    let all = [Stage::KeysOff, Stage::Pointed, Stage::Forgotten, Stage::KeysOn].map(|stage| (stage, false));
    assert_eq!(stages, all);
    assert!(forecast.phases[0].seconds >= 86_400);
    assert_eq!(forecast.phases[2].seconds, 172_800);
    assert_eq!(forecast.worst_cache, 172_800);

    facts.host = None;
    let forecast = Forecast::of(&facts);
    let by_hand = forecast.by_hand.unwrap().to_string();
    assert!(by_hand.contains("ns1.ours.example"), "{by_hand}");
    let hands = forecast.phases.iter().filter(|phase| phase.by_hand).count();
    assert_eq!(hands, 3, "all but the drain");
}
