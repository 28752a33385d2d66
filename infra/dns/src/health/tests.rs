use proptest::prelude::*;

use super::*;

fn regions(texts: &[&str]) -> Vec<Region> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

fn thresholds(rise: u32, fall: u32) -> Thresholds {
    Thresholds {
        rise: rise.try_into().unwrap(),
        fall: fall.try_into().unwrap(),
    }
}

fn fails() -> Seen {
    Seen::Fails { why: String::new() }
}

fn no_way() -> Seen {
    Seen::NoWay { why: String::new() }
}

fn round(seen: &[(&str, Seen)]) -> BTreeMap<IpAddr, Seen> {
    seen.iter()
        .map(|(address, seen)| (address.parse().unwrap(), seen.clone()))
        .collect()
}

const ONE: &str = "192.0.2.1";
const TWO: &str = "198.51.100.1";

fn two() -> Health {
    Health::new(regions(&["one=192.0.2.1", "two=198.51.100.1"]), thresholds(2, 3))
}

#[test]
fn a_region_is_a_name_and_addresses() {
    let region: Region = "fsn-1=192.0.2.1,2001:DB8::1".parse().unwrap();
    assert_eq!(region.to_string(), "fsn-1=192.0.2.1,2001:db8::1");
    for bad in [
        "",
        "fsn",
        "=192.0.2.1",
        "fsn=",
        "fsn=192.0.2.1,",
        "f n=192.0.2.1",
        "fsn=acme.example",
    ] {
        let error = bad.parse::<Region>().unwrap_err().to_string();
        assert!(error.contains("NAME=ADDRESS"), "{error}");
    }
}

#[test]
fn an_address_goes_after_so_many_failures_and_comes_back_after_so_many_answers() {
    let mut health = two();
    let both = set(&[ONE, TWO]);
    let down = round(&[(ONE, Seen::Answers), (TWO, fails())]);
    assert_eq!(health.observe(&both, &down).addresses, both);
    assert_eq!(health.observe(&both, &down).addresses, both);
    assert!(!health.is_settled());
    let one = set(&[ONE]);
    assert_eq!(health.observe(&both, &down).addresses, one);
    let up = round(&[(ONE, Seen::Answers), (TWO, Seen::Answers)]);
    assert_eq!(health.observe(&one, &up).addresses, one);
    assert_eq!(health.observe(&one, &up).addresses, both);
    assert_eq!(health.observe(&both, &up).addresses, both);
    assert!(health.is_settled());
}

#[test]
fn where_nothing_answers_what_stands_stays_and_that_is_said() {
    let mut health = two();
    let both = set(&[ONE, TWO]);
    let down = round(&[(ONE, fails()), (TWO, fails())]);
    for _ in 0..2 {
        assert_eq!(health.observe(&both, &down).kept, BTreeSet::new());
    }
    let wanted = health.observe(&both, &down);
    assert_eq!((wanted.addresses, wanted.kept), (both.clone(), both.clone()));
    // The first to answer is well at once; the other was only kept.
    let one = round(&[(ONE, Seen::Answers), (TWO, fails())]);
    assert_eq!(health.observe(&both, &one).addresses, set(&[ONE]));
}

#[test]
fn where_the_names_lead_elsewhere_they_are_led_here_once_something_answers() {
    let mut health = two();
    let elsewhere = set(&["203.0.113.9", "2001:db8::9"]);
    let up = round(&[(ONE, Seen::Answers), (TWO, fails())]);
    assert_eq!(health.observe(&elsewhere, &up).addresses, elsewhere);
    let wanted = health.observe(&elsewhere, &up);
    assert_eq!(wanted.addresses, set(&[ONE, "2001:db8::9"]));
}

#[test]
fn an_address_without_a_way_is_as_well_as_its_region() {
    let regions = regions(&["one=192.0.2.1,2001:db8::1", "two=198.51.100.1,2001:db8::2"]);
    let mut health = Health::new(regions, thresholds(1, 1));
    let all = set(&[ONE, "2001:db8::1", TWO, "2001:db8::2"]);
    let seen = round(&[
        (ONE, Seen::Answers),
        ("2001:db8::1", no_way()),
        (TWO, fails()),
        ("2001:db8::2", no_way()),
    ]);
    assert_eq!(health.observe(&all, &seen).addresses, set(&[ONE, "2001:db8::1"]));
    let blind = round(&[(ONE, no_way()), ("2001:db8::1", no_way()), (TWO, no_way())]);
    let mut health = two();
    assert_eq!(health.observe(&set(&[ONE]), &blind).addresses, set(&[ONE]));
    assert!(health.is_settled());
}

/// Six addresses in three regions, both families.
fn world() -> Vec<Region> {
    regions(&[
        "a=192.0.2.1,2001:db8::1",
        "b=192.0.2.2,2001:db8::2",
        "c=192.0.2.3,2001:db8::3",
    ])
}

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![4 => Just(Seen::Answers), 4 => Just(fails()), 1 => Just(no_way())]
}

fn any_round() -> impl Strategy<Value = BTreeMap<IpAddr, Seen>> {
    let ours = addresses(&world());
    let count = ours.len();
    proptest::collection::vec(any_seen(), count)
        .prop_map(move |seen| ours.iter().copied().zip(seen).collect())
}

fn any_published() -> impl Strategy<Value = BTreeSet<IpAddr>> {
    let mut all: Vec<IpAddr> = addresses(&world()).into_iter().collect();
    all.push("203.0.113.9".parse().unwrap());
    proptest::sample::subsequence(all, 1..=7).prop_map(|some| some.into_iter().collect())
}

fn family(addresses: &BTreeSet<IpAddr>, ipv4: bool) -> BTreeSet<IpAddr> {
    addresses
        .iter()
        .copied()
        .filter(|address| address.is_ipv4() == ipv4)
        .collect()
}

proptest! {
    #[test]
    fn no_family_is_emptied_and_no_address_moves_more_often_than_the_thresholds_allow(
        (rise, fall) in (1..5u32, 1..5u32),
        start in any_published(),
        rounds in proptest::collection::vec(any_round(), 1..60),
    ) {
        let mut health = Health::new(world(), thresholds(rise, fall));
        let mut published = start;
        let mut moved: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let ours = addresses(&world());
        for (number, round) in rounds.iter().enumerate() {
            let wanted = health.observe(&published, round).addresses;
            for ipv4 in [true, false] {
                prop_assert!(!family(&wanted, ipv4).is_empty() || family(&published, ipv4).is_empty());
            }
            for address in wanted.symmetric_difference(&published).filter(|address| ours.contains(address)) {
                let came = wanted.contains(address);
                if let Some(before) = moved.insert(*address, number) {
                    let least = if came { rise } else { fall };
                    prop_assert!(number - before >= least as usize, "{address} moved in {before} and {number}");
                } else {
                    let least = if came { rise } else { fall };
                    prop_assert!(number + 1 >= least as usize, "{address} moved in {number}");
                }
            }
            published = wanted;
        }
    }

    #[test]
    fn whatever_was_before_it_comes_to_what_answers(
        (rise, fall) in (1..5u32, 1..5u32),
        start in any_published(),
        before in proptest::collection::vec(any_round(), 0..20),
        truth in any_round(),
    ) {
        let mut health = Health::new(world(), thresholds(rise, fall));
        let mut published = start;
        for round in &before {
            published = health.observe(&published, round).addresses;
        }
        for _ in 0..rise.max(fall) {
            published = health.observe(&published, &truth).addresses;
        }
        let stands = published.clone();
        for address in addresses(&world()) {
            let answers = health.answers(address, &truth);
            if answers == Some(true) {
                prop_assert!(stands.contains(&address));
            } else if answers == Some(false) && stands.contains(&address) {
                let well = family(&stands, address.is_ipv4());
                prop_assert!(well.iter().all(|kept| health.answers(*kept, &truth) != Some(true)));
            }
        }
        // It stays there.
        prop_assert_eq!(health.observe(&published, &truth).addresses, stands);
    }

    #[test]
    fn who_sees_the_same_wants_the_same(
        start in any_published(),
        rounds in proptest::collection::vec(any_round(), 1..30),
    ) {
        let limits = thresholds(2, 3);
        let (mut one, mut other) = (Health::new(world(), limits), Health::new(world(), limits));
        let mut published = start;
        for round in &rounds {
            let wanted = one.observe(&published, round);
            prop_assert_eq!(&wanted, &other.observe(&published, round));
            published = wanted.addresses;
        }
    }
}
