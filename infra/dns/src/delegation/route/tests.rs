//! A world of one second a step: a registrar, servers of the parent that follow it when they like, and caches that forget late.

use proptest::prelude::*;

use super::*;
use crate::delegation::view::{Says, ServerView};

const SERVERS: usize = 3;
const DS_TTL: u32 = 7;
const NS_TTL: u32 = 11;
/// Steps after which a journey has to be over once nothing disturbs it.
const ENOUGH: usize = 400;

fn names(side: &str) -> BTreeSet<DomainName> {
    ["a", "b"]
        .map(|host| format!("{host}.{side}.example").parse().unwrap())
        .into()
}

fn key(tag: u16) -> Signer {
    Signer::digest(format!("{tag} 13 2 00ff").parse().unwrap())
}

fn end(side: &str, keys: &[u16]) -> End {
    let ns = NsSet::read(names(side).iter().map(DomainName::as_str)).unwrap();
    End::own(ns, keys.iter().copied().map(key).collect())
}

fn moment(second: u32) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + i64::from(second)).unwrap()
}

/// What stands in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    ns: BTreeSet<DomainName>,
    ds: BTreeSet<Ds>,
}

/// The world, and when each thing was last to be seen at the parent.
struct World {
    now: u32,
    registrar: Record,
    /// What stood there before, oldest first.
    earlier: Vec<Record>,
    servers: Vec<Record>,
    last_ns: Vec<(BTreeSet<DomainName>, u32)>,
    last_ds: Vec<(Ds, u32)>,
    has_api: bool,
}

impl World {
    fn at(end: &End, has_api: bool) -> Self {
        let record = Record {
            ns: end.shown.clone(),
            ds: end.vouched.clone(),
        };
        let mut world = Self {
            now: 0,
            servers: vec![record.clone(); SERVERS],
            registrar: record,
            earlier: Vec::new(),
            last_ns: Vec::new(),
            last_ds: Vec::new(),
            has_api,
        };
        world.remember();
        world
    }

    /// A second passes; some servers catch up with the registrar.
    fn tick(&mut self, who: u8) {
        self.now += 1;
        for (index, server) in self.servers.iter_mut().enumerate() {
            if who & (1 << index) != 0 {
                *server = self.registrar.clone();
            }
        }
        self.remember();
    }

    fn remember(&mut self) {
        for server in &self.servers {
            self.last_ns.retain(|(ns, _)| *ns != server.ns);
            self.last_ns.push((server.ns.clone(), self.now));
            for ds in &server.ds {
                self.last_ds.retain(|(known, _)| known != ds);
                self.last_ds.push((ds.clone(), self.now));
            }
        }
    }

    /// What is seen of the parent, where the servers of `silent` do not answer.
    fn view(&self, silent: u8) -> ParentView {
        let shows = |(index, server): (usize, &Record)| ServerView {
            server: index.to_string(),
            says: if silent & (1 << index) == 0 {
                Says::Delegates {
                    ns: server.ns.clone(),
                    ds: Some(server.ds.clone()),
                }
            } else {
                let why = "timed out".to_owned();
                Says::Silent { why }
            },
        };
        let answers = (0..SERVERS).filter(|index| silent & (1 << index) == 0);
        let signed = answers
            .into_iter()
            .any(|index| !self.servers[index].ds.is_empty());
        ParentView {
            parent: Some("example".parse().unwrap()),
            signed: true,
            servers: self.servers.iter().enumerate().map(shows).collect(),
            ds_ttl: if signed { DS_TTL } else { 0 },
        }
    }

    fn registered(&self) -> Option<Delegation> {
        self.has_api.then(|| Delegation {
            ns: NsSet::read(self.registrar.ns.iter().map(DomainName::as_str)).unwrap(),
            uses_provider_default: false,
            ds: Some(self.registrar.ds.iter().cloned().map(Signer::digest).collect()),
            glue: None,
            version: None,
            under_way: None,
        })
    }

    /// The registrar does what it is asked for, or of new name servers only the first.
    fn submit(&mut self, target: &Target, partly: bool) {
        self.earlier.push(self.registrar.clone());
        if let TargetNs::Own(ns) = &target.ns {
            let wanted: BTreeSet<DomainName> = ns.hosts().iter().cloned().collect();
            if partly && wanted != self.registrar.ns {
                self.registrar.ns = wanted.into_iter().take(1).collect();
                return;
            }
            self.registrar.ns = wanted;
        }
        if let Some(ds) = &target.ds {
            self.registrar.ds = ds.iter().map(|signer| signer.ds.clone()).collect();
        }
    }

    /// The registrar and every server of the parent lead there.
    fn shows(&self, ns: &BTreeSet<DomainName>) -> bool {
        let mut all = self.servers.iter().chain([&self.registrar]);
        all.all(|record| record.ns == *ns)
    }

    /// A person who turns back takes back what was entered and no server shows yet: nobody else can know of it.
    fn take_back_what_is_not_shown(&mut self) {
        while !self.servers.contains(&self.registrar)
            && let Some(before) = self.earlier.pop()
        {
            self.registrar = before;
        }
    }

    /// A resolver with a cache: a DS record that it may hold must fit every set of name servers that it may hold.
    fn assert_unbroken(&self, ends: [&End; 2]) {
        let held_ds = self.last_ds.iter().filter(|(_, at)| at + DS_TTL > self.now);
        let held_ds: Vec<&Ds> = held_ds.map(|(ds, _)| ds).collect();
        for (ns, at) in &self.last_ns {
            if at + NS_TTL <= self.now {
                continue;
            }
            let keys = ends.iter().find(|end| ns.is_subset(&end.shown)).unwrap().keys();
            for ds in &held_ds {
                assert!(
                    keys.contains(*ds),
                    "second {}: a cache may hold {ds} and {ns:?}",
                    self.now
                );
            }
        }
    }
}

/// One look and one move; what follows from the look is kept before. True once the goal is reached.
fn step(
    (world, silent, partly): (&mut World, u8, bool),
    route: &Route,
    goal: Stage,
    memory: &mut Memory,
) -> bool {
    let (view, registered) = (world.view(silent), world.registered());
    let seen = Seen {
        registered: registered.as_ref(),
        parent: &view,
    };
    memory.note(route, seen, |_| NS_TTL, moment(world.now));
    match next(route, goal, seen, memory, moment(world.now)) {
        Move::Arrived => return true,
        Move::Submit(target) => world.submit(&target, partly),
        Move::Wait { .. } | Move::Watch(_) => {}
        Move::Strange(what) => panic!("nobody else was here: {what}"),
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the servers of the parent do, wherever the process is killed and whenever it has to go back: no cache ever holds
    /// keys and name servers that do not fit, and in the end the name is at one end, whole.
    #[test]
    fn nothing_breaks_on_the_way_there_nor_back(
        old_keys in prop::sample::subsequence(vec![1_u16, 2], 0..=2),
        ours in prop::sample::subsequence(vec![3_u16], 0..=1),
        has_api: bool,
        life in prop::collection::vec((0_u8..8, 0_u8..40, prop_oneof![3 => Just(0_u8), 1 => 0_u8..8]), 0..120),
        turns_back: bool,
    ) {
        let (from, to) = (end("old", &old_keys), end("ours", &ours));
        let mut world = World::at(&from, has_api);
        let mut route = Route::there(from.clone(), to.clone());
        let mut memory = Memory::default();
        let mut arrived = false;
        for (who, fate, silent) in life {
            match fate {
                // Another plan: what caches may hold is known from the one before.
                0 | 1 => memory = memory.of_earlier(),
                2 if turns_back && route.to == to => {
                    route = route.back();
                    if !has_api {
                        world.take_back_what_is_not_shown();
                    }
                    arrived = false;
                }
                // All that is known is lost, once the name is where it was to go.
                4 if world.shows(&route.to.shown) => memory = Memory::default(),
                _ => {}
            }
            if !arrived {
                arrived = step((&mut world, silent, fate == 3), &route, Stage::KeysOn, &mut memory);
            }
            world.assert_unbroken([&from, &to]);
            world.tick(who);
            world.assert_unbroken([&from, &to]);
        }
        for _ in 0..ENOUGH {
            if arrived {
                break;
            }
            arrived = step((&mut world, 0, false), &route, Stage::KeysOn, &mut memory);
            world.tick(7);
            world.assert_unbroken([&from, &to]);
        }
        prop_assert!(arrived, "it never ends");
        let whole = Record { ns: route.to.shown.clone(), ds: route.to.vouched.clone() };
        prop_assert_eq!(&world.registrar, &whole);
    }

    /// Servers that a name was taken away from may go once that stage is reached, also where all that was known is lost on the way.
    #[test]
    fn no_cache_leads_to_what_was_given_back(
        old_keys in prop::sample::subsequence(vec![1_u16, 2], 0..=2),
        ours in prop::sample::subsequence(vec![3_u16], 0..=1),
        has_api: bool,
        life in prop::collection::vec((0_u8..8, 0_u8..20, prop_oneof![3 => Just(0_u8), 1 => 0_u8..8]), 0..60),
    ) {
        let (from, to) = (end("ours", &ours), end("old", &old_keys));
        let mut world = World::at(&from, has_api);
        let route = Route::there(to.clone(), from.clone()).back();
        let mut memory = Memory::default();
        let calm = std::iter::repeat_n((7, 0, 0), ENOUGH);
        for (who, fate, silent) in life.into_iter().chain(calm) {
            match fate {
                1 => memory = memory.of_earlier(),
                2 if world.shows(&to.shown) => memory = Memory::default(),
                _ => {}
            }
            if step((&mut world, silent, fate == 3), &route, Stage::Forgotten, &mut memory) {
                break;
            }
            world.tick(who);
            world.assert_unbroken([&from, &to]);
        }
        for (ns, at) in &world.last_ns {
            let is_forgotten = at + NS_TTL <= world.now;
            prop_assert!(*ns == to.shown || is_forgotten, "second {}: a cache may hold {ns:?}", world.now);
        }
        prop_assert!(world.shows(&to.shown), "it never ends");
    }

    /// Once there, nothing is asked for.
    #[test]
    fn a_journey_that_is_over_changes_nothing(keys in prop::sample::subsequence(vec![3_u16, 4], 0..=2), has_api: bool) {
        let (from, to) = (end("old", &[1]), end("ours", &keys));
        let mut world = World::at(&to, has_api);
        let before = world.registrar.clone();
        let route = Route::there(from, to);
        for goal in [Stage::KeysOff, Stage::Pointed, Stage::KeysOn] {
            let mut memory = Memory::default();
            prop_assert!(step((&mut world, 0, false), &route, goal, &mut memory));
            prop_assert_eq!(&world.registrar, &before);
        }
    }
}

#[test]
fn what_somebody_else_changed_is_left_alone() {
    let route = Route::there(end("old", &[1]), end("ours", &[2]));
    for has_api in [true, false] {
        let world = World::at(&end("other", &[9]), has_api);
        let (view, registered) = (world.view(0), world.registered());
        let seen = Seen {
            registered: registered.as_ref(),
            parent: &view,
        };
        let step = next(&route, Stage::KeysOn, seen, &Memory::default(), moment(0));
        assert!(matches!(step, Move::Strange(_)), "{step:?}");
    }
}

#[test]
fn a_part_of_a_change_is_gone_on_with() {
    let there = Route::there(end("old", &[]), end("ours", &[]));
    let part = |side: &str| names(side).into_iter().take(1).collect::<BTreeSet<_>>();
    let is_strange = |route: &Route, ns: &BTreeSet<DomainName>| {
        let mut world = World::at(&route.from, true);
        world.registrar.ns.clone_from(ns);
        let (view, registered) = (world.view(0), world.registered());
        let seen = Seen {
            registered: registered.as_ref(),
            parent: &view,
        };
        let step = next(route, Stage::Pointed, seen, &Memory::default(), moment(0));
        matches!(step, Move::Strange(_))
    };
    let mixed = part("old").union(&part("ours")).cloned().collect();
    assert!(!is_strange(&there, &part("ours")));
    assert!(!is_strange(&there, &mixed));
    assert!(is_strange(&there, &part("old")), "its owner took one away");
    let back = there.back();
    for ns in [part("ours"), mixed, part("old")] {
        assert!(!is_strange(&back, &ns), "{ns:?}");
    }
}

/// The keys of an end may have been changed on record just before they were looked at, and not at the parent yet.
#[test]
fn keys_that_were_about_to_change_do_not_keep_the_way_home_from_ending() {
    let was = |asked: &[u16], vouched: &[u16]| End {
        ds: asked.iter().copied().map(key).collect(),
        ..end("old", vouched)
    };
    for (old, now) in [
        (was(&[], &[1]), &[1][..]),
        (was(&[], &[1]), &[]),
        (was(&[1], &[]), &[]),
        (was(&[1], &[]), &[1]),
        (was(&[2], &[1]), &[2]),
    ] {
        let mut world = World::at(&end("old", now), true);
        world.registrar.ds = old.ds.iter().map(|signer| signer.ds.clone()).collect();
        let home = Route::there(old, end("ours", &[])).back();
        let (view, registered) = (world.view(0), world.registered());
        let seen = Seen {
            registered: registered.as_ref(),
            parent: &view,
        };
        let step = next(&home, Stage::KeysOn, seen, &Memory::default(), moment(0));
        assert_eq!(step, Move::Arrived, "{:?}, at the parent {now:?}", home.to);
    }
}
