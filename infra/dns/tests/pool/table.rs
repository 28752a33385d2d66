//! The table of transitions, word by word, and the book in memory.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sovereign_dns::ZoneMark;
use sovereign_dns::pool::act::{decide_expiry, decide_reclaim};
use sovereign_dns::pool::testing::{MemoryBook, book_contract, owner, pool_name};
use sovereign_dns::pool::{
    Act, Allocation, Lingers, Owner, PoolBook, Refusal, State, TAKE_OVER, Taker, Verdict, decide,
};

/// Everything happens at this second, unless it says otherwise.
const NOW: i64 = 1_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

const fn lingers(delegation: u32, zone: u32) -> Lingers {
    Lingers { delegation, zone }
}

fn acts() -> [Act; 6] {
    [
        Act::Hold { until: at(NOW + 60) },
        Act::Provision,
        Act::Activate,
        Act::Release {
            lingers: lingers(300, 900),
        },
        Act::Withdrawn,
        Act::Quarantine {
            length: Duration::from_secs(30),
        },
    ]
}

fn states() -> [State; 6] {
    [
        State::Held { until: at(NOW + 10) },
        State::Provisioning,
        State::Active,
        State::Releasing {
            lingers: lingers(300, 900),
            taker: Taker::Owner,
        },
        State::Quarantined { until: at(NOW + 10) },
        State::Gone,
    ]
}

fn allocation(by: &Owner, state: State) -> Allocation {
    Allocation {
        name: pool_name("acme"),
        sovereign: by.sovereign.clone(),
        claim: by.claim.clone(),
        generation: 3,
        revision: 7,
        state,
        clear_at: Some(at(NOW + 5)),
        since: at(0),
    }
}

fn outcome(present: &Allocation, by: &Owner, act: Act, now: i64) -> String {
    match decide(Some(present), &present.name, by, None, act, at(now)) {
        Ok(Verdict::Stays) => "=".to_owned(),
        Ok(Verdict::Becomes(next)) => {
            assert_eq!(next.revision, present.revision + 1);
            let new = if next.generation > present.generation {
                "+"
            } else {
                ""
            };
            format!("{}{new}", next.state.word())
        }
        Err(Refusal::OutOfTurn { .. }) => "no".to_owned(),
        Err(Refusal::Going { .. }) => "going".to_owned(),
        Err(Refusal::Taken { .. } | Refusal::Quarantined { .. }) => "taken".to_owned(),
        Err(Refusal::NotOwned { .. }) => "not owned".to_owned(),
        Err(Refusal::Unproven { .. }) => "unproven".to_owned(),
        Err(refusal) => panic!("{refusal}"),
    }
}

fn row(by: &Owner, state: State, caller: &Owner, now: i64) -> String {
    let present = allocation(by, state);
    let outcomes = acts().map(|act| outcome(&present, caller, act, now));
    format!("{}: {}", present.state.word(), outcomes.join(", "))
}

#[test]
fn the_owners_table() {
    let by = owner("acme");
    let rows = states().map(|state| row(&by, state, &by, NOW));
    // Hold, Provision, Activate, Release, Withdrawn, Quarantine.
    let wanted = [
        "held: held, provisioning, no, gone, no, no",
        "provisioning: =, =, active, releasing, no, no",
        "active: =, =, =, releasing, no, no",
        "releasing: no, no, no, =, =, quarantined",
        "quarantined: held+, no, no, =, =, =",
        "gone: held+, no, no, =, =, =",
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn the_table_of_others() {
    let (by, other) = (owner("acme"), owner("other"));
    for state in states() {
        let free = matches!(state, State::Gone);
        let ends = state.until().is_some();
        let hold = if free { "held+" } else { "taken" };
        let rest = ["not owned"; 5].join(", ");
        let word = state.word();
        assert_eq!(
            row(&by, state.clone(), &other, NOW),
            format!("{word}: {hold}, {rest}")
        );
        let hold = if free || ends { "held+" } else { "taken" };
        assert_eq!(
            row(&by, state, &other, NOW + 10),
            format!("{word}: {hold}, {rest}")
        );
    }
}

#[test]
fn a_namesake_without_the_claim_gets_nothing() {
    let (by, namesake) = (owner("acme"), owner("acme"));
    for state in states() {
        let said = row(&by, state.clone(), &namesake, NOW);
        if state == State::Gone {
            assert!(said.starts_with("gone: held+"), "{said}");
        } else {
            assert_eq!(said, format!("{}: {}", state.word(), ["unproven"; 6].join(", ")));
        }
    }
}

#[test]
fn an_earlier_generation_is_fenced_off() {
    let by = owner("acme");
    for state in states() {
        let present = allocation(&by, state);
        for act in &acts()[1..] {
            let decided = decide(Some(&present), &present.name, &by, Some(2), *act, at(NOW));
            assert!(
                matches!(decided, Err(Refusal::Superseded { then: 2, now: 3, .. })),
                "{decided:?}"
            );
        }
    }
}

#[test]
fn caches_are_remembered_until_they_forget() {
    let by = owner("acme");
    let becomes =
        |present: &Allocation, act, now| match decide(Some(present), &present.name, &by, None, act, at(now))
            .unwrap()
        {
            Verdict::Becomes(next) => *next,
            Verdict::Stays => present.clone(),
        };
    let active = allocation(&by, State::Active);
    let release = |delegation, zone| Act::Release {
        lingers: lingers(delegation, zone),
    };
    let releasing = becomes(&active, release(300, 600), NOW);
    assert_eq!(
        releasing.clear_at, None,
        "the wait is for this delegation, not for one before"
    );
    let refused = decide(Some(&releasing), &releasing.name, &by, None, acts()[5], at(NOW));
    assert!(
        matches!(refused, Err(Refusal::OutOfTurn { .. })),
        "not before it was seen to be gone"
    );
    let longer = becomes(&releasing, release(900, 0), NOW);
    let both = State::Releasing {
        lingers: lingers(900, 600),
        taker: Taker::Owner,
    };
    assert_eq!(longer.state, both);
    assert_eq!(
        becomes(&longer, release(0, 0), NOW),
        longer,
        "a longer wait is never cut"
    );
    let gone = becomes(&releasing, Act::Withdrawn, NOW + 1);
    assert_eq!(
        gone.clear_at,
        Some(at(NOW + 301)),
        "the zone may go when nobody has the delegation"
    );
    assert_eq!(
        becomes(&gone, Act::Withdrawn, NOW + 200),
        gone,
        "the first look counts"
    );
    let length = Duration::from_secs(30);
    let quarantined = becomes(&gone, Act::Quarantine { length }, NOW + 400);
    assert_eq!(
        quarantined.state,
        State::Quarantined {
            until: at(NOW + 1_000)
        },
        "no shorter than caches remember the zone, which answered until now"
    );
    let back = becomes(&quarantined, acts()[0], NOW + 450);
    assert_eq!((back.generation, back.clear_at), (4, Some(at(NOW + 1_000))));
    let later = becomes(&quarantined, acts()[0], NOW + 1_000);
    assert_eq!(later.clear_at, None);

    // It comes back, and is given up before it is anywhere in DNS: that does not make caches forget.
    let back = becomes(&back, Act::Provision, NOW + 460);
    let begun = becomes(&back, release(0, 0), NOW + 470);
    let gone = becomes(&begun, Act::Withdrawn, NOW + 471);
    let again = becomes(&gone, Act::Quarantine { length }, NOW + 480);
    assert!(again.clear_at >= Some(at(NOW + 1_000)), "{again:?}");
}

/// A name that is being taken away since the start of time, with caches that remember until a second of its own.
fn going(by: &Owner, taker: Taker) -> Allocation {
    let lingers = lingers(300, 900);
    allocation(by, State::Releasing { lingers, taker })
}

#[test]
fn what_a_sweep_takes_away_is_left_to_it_until_it_is_taken_over() {
    let by = owner("acme");
    let present = going(&by, Taker::Sweep);
    let free = present.taken_over_from().unwrap();
    assert_eq!(
        free,
        at(NOW + 5) + TAKE_OVER,
        "the wait for caches does not count"
    );
    let said = |now: Timestamp| {
        let outcomes = acts().map(|act| outcome(&present, &by, act, now.as_second()));
        outcomes.join(", ")
    };
    // Hold, Provision, Activate, Release, Withdrawn, Quarantine.
    let left = free - SignedDuration::from_secs(1);
    assert_eq!(said(left), "going, no, no, going, going, going");
    assert_eq!(said(free), "going, no, no, releasing, going, going");
    let release = acts()[3];
    let Ok(Verdict::Becomes(next)) = decide(Some(&present), &present.name, &by, None, release, free) else {
        panic!("it is free")
    };
    assert_eq!((&next.state, next.since), (&going(&by, Taker::Owner).state, free));
    assert_eq!(
        next.clear_at, present.clear_at,
        "what was seen to be gone stays seen"
    );
}

#[test]
fn a_sweep_joins_nobody_and_takes_over_what_lies_untouched() {
    let by = owner("acme");
    let mark = ZoneMark::of(&by.sovereign);
    for taker in [Taker::Owner, Taker::Sweep] {
        let present = going(&by, taker);
        let free = present.taken_over_from().unwrap();
        let left = free - SignedDuration::from_secs(1);
        let refusal = decide_reclaim(&present, &mark, lingers(0, 0), left).unwrap_err();
        let said = format!("{refusal}; {}", refusal.remedy());
        for wanted in [
            &taker.to_string(),
            "since 1970-01-01T00:00:00Z",
            "after 1970-01-01T00:26:45Z",
        ] {
            assert!(said.contains(wanted), "{wanted}: {said}");
        }
        let Ok(Verdict::Becomes(next)) = decide_reclaim(&present, &mark, lingers(0, 1_000), free) else {
            panic!("it is free")
        };
        let lingers = lingers(300, 1_000);
        let taken = State::Releasing {
            lingers,
            taker: Taker::Sweep,
        };
        assert_eq!((next.state, next.since), (taken, free));
        assert_eq!(
            next.revision,
            present.revision + 1,
            "whoever was at it notices, also if nothing else changed"
        );
        let other = ZoneMark::of(&owner("other").sovereign);
        let refused = decide_reclaim(&present, &other, Lingers::default(), free + TAKE_OVER);
        assert!(
            matches!(refused, Err(Refusal::Going { .. })),
            "the zone of acme would be left behind: {refused:?}"
        );
    }
}

/// A book that an earlier version wrote.
#[test]
fn a_name_that_was_on_its_way_out_goes_on() {
    let by = owner("acme");
    let state = State::Releasing {
        lingers: lingers(300, 900),
        taker: Taker::Owner,
    };
    let mut kept = serde_json::to_value(allocation(&by, state)).unwrap();
    let read = |kept: &serde_json::Value| serde_json::from_value::<Allocation>(kept.clone()).unwrap().state;
    let releasing = |lingers, taker| State::Releasing { lingers, taker };
    assert_eq!(read(&kept), releasing(lingers(300, 900), Taker::Owner));
    kept["taker"] = "sweep".into();
    assert_eq!(read(&kept), releasing(lingers(300, 900), Taker::Sweep));
    kept.as_object_mut().unwrap().remove("zoneLingers").unwrap();
    kept.as_object_mut().unwrap().remove("taker").unwrap();
    assert_eq!(read(&kept), releasing(lingers(300, 0), Taker::Owner));
}

#[test]
fn only_what_is_over_ends_and_only_what_is_free_is_taken_up() {
    let by = owner("acme");
    let mark = ZoneMark::of(&by.sovereign);
    for state in states() {
        let present = allocation(&by, state.clone());
        let ends = |now| decide_expiry(&present, at(now)) != Verdict::Stays;
        assert_eq!(
            (ends(NOW + 9), ends(NOW + 10)),
            (false, state.until().is_some()),
            "{state:?}"
        );
        let taken_up = decide_reclaim(&present, &mark, lingers(300, 900), at(NOW + 5) + TAKE_OVER);
        let free = matches!(
            state,
            State::Gone | State::Quarantined { .. } | State::Releasing { .. }
        );
        assert_eq!(taken_up.is_ok(), free, "{state:?}");
    }
}

#[tokio::test]
async fn the_book_in_memory_keeps_the_contract() {
    book_contract(async || {
        let book: Arc<dyn PoolBook> = Arc::new(MemoryBook::default());
        book
    })
    .await;
}
