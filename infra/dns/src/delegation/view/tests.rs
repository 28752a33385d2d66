use super::*;
use crate::delegation::testing::{NAMES, healthy, name, set, soa};
use crate::probe::KeySeen;

fn ours() -> BTreeSet<DomainName> {
    NAMES.map(name).into()
}

#[test]
fn caches_keep_the_longest_lived_of_what_was_said() {
    let mut report = healthy();
    assert_eq!(forgotten_after(&report, &ours()), 86_400, "the parent's word");
    for parent in &mut report.evidence.parents {
        parent.says = ParentSays::Delegates(set(&NAMES, 60));
    }
    assert_eq!(forgotten_after(&report, &ours()), 3_600, "the zone's own");
    assert_eq!(
        forgotten_after(&report, &BTreeSet::new()),
        60,
        "of servers that are not asked about"
    );
}

/// Who asked for a name that was not delegated yet remembers that there was none, as long as the parent says.
#[test]
fn that_there_was_no_such_name_is_remembered_too() {
    for standing in [Standing::NoSuchName, Standing::Inside] {
        let mut report = healthy();
        let evidence = &mut report.evidence;
        evidence.standing = standing;
        evidence.parents[0].says = ParentSays::NoSuchName;
        evidence.parent_soa = Some(soa(7_200));
        assert_eq!(forgotten_after(&report, &BTreeSet::new()), 7_200);
    }
    let mut delegated = healthy();
    delegated.evidence.parent_soa = Some(soa(700_000));
    assert_eq!(forgotten_after(&delegated, &ours()), 86_400);
}

#[test]
fn a_server_that_lacks_a_key_or_will_not_say_is_keyless() {
    let key = |tag| KeySeen {
        tag,
        algorithm: 13,
        entry_point: true,
    };
    let wanted: BTreeSet<Ds> = ["1 13 2 00ff".parse().unwrap()].into();
    let mut report = healthy();
    let [first, second] = &mut report.evidence.servers[..] else {
        panic!()
    };
    let keys = |keys| Outcome::Seen(KeysSeen { keys, ttl: 60 });
    first.keys = keys(vec![key(1), key(2)]);
    second.keys = keys(vec![key(2)]);
    assert_eq!(
        keyless(&report, &ours(), &wanted),
        ["ns2.ours.example 192.0.2.12: lacks key 1"]
    );
    let refused = Failure::Code {
        code: "REFUSED".to_owned(),
    };
    report.evidence.servers[1].keys = Outcome::Failed(refused);
    assert_eq!(
        keyless(&report, &ours(), &wanted),
        ["ns2.ours.example 192.0.2.12: no answer about its keys: REFUSED"]
    );
    assert_eq!(keyless(&report, &ours(), &BTreeSet::new()), [] as [String; 0]);
    // Of one that is silent altogether there is more to say than this.
    report.evidence.servers[1].soa = Outcome::Failed(Failure::TimedOut { ignored: 0 });
    assert_eq!(keyless(&report, &ours(), &wanted), [] as [String; 0]);
}
