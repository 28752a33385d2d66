//! A world in which a registrar, servers of the parent that follow it when they like, a person and strangers change keys.

use proptest::prelude::*;

use super::*;
use crate::delegation::view::{ParentView, Says, ServerView};
use crate::name::DomainName;
use crate::registrar::NsSet;

const SERVERS: usize = 3;
const OLD: u16 = 1;
const NEW: u16 = 2;
const FOREIGN: u16 = 9;
/// Moves after which a roll has to be over once nothing disturbs it.
const ENOUGH: usize = 40;

fn key(tag: u16) -> Signer {
    Signer::digest(format!("{tag} 13 2 00ff").parse().unwrap())
}

fn ds(tags: &[u16]) -> BTreeSet<Ds> {
    tags.iter().map(|tag| key(*tag).ds).collect()
}

fn ns() -> NsSet {
    NsSet::read(["a.ours.example", "b.ours.example"]).unwrap()
}

fn route() -> Route {
    Route::rekey(ns(), vec![key(OLD)], vec![key(NEW)])
}

struct World {
    /// Whether keys go through an API, or by a person.
    has_api: bool,
    registrar: Vec<Signer>,
    servers: Vec<BTreeSet<Ds>>,
}

impl World {
    fn new(has_api: bool) -> Self {
        Self {
            has_api,
            registrar: vec![key(OLD)],
            servers: vec![ds(&[OLD]); SERVERS],
        }
    }

    fn view(&self, silent: u8) -> ParentView {
        let shown: BTreeSet<DomainName> = ns().hosts().iter().cloned().collect();
        let says = |(index, ds): (usize, &BTreeSet<Ds>)| ServerView {
            server: index.to_string(),
            says: if silent & (1 << index) == 0 {
                Says::Delegates {
                    ns: shown.clone(),
                    ds: Some(ds.clone()),
                }
            } else {
                Says::Silent {
                    why: "timed out".to_owned(),
                }
            },
        };
        ParentView {
            signed: true,
            ds_ttl: 1,
            servers: self.servers.iter().enumerate().map(says).collect(),
            ..ParentView::default()
        }
    }

    fn next(&self, goal: Stage, silent: u8) -> Move {
        let registered = self.has_api.then(|| Delegation {
            ns: ns(),
            uses_provider_default: false,
            ds: Some(self.registrar.clone()),
            glue: None,
            version: None,
            under_way: None,
        });
        let parent = self.view(silent);
        let seen = Seen {
            registered: registered.as_ref(),
            parent: &parent,
        };
        next(&route(), goal, seen)
    }

    /// Some servers catch up with the registrar.
    fn follow(&mut self, who: u8) {
        let now: BTreeSet<Ds> = self.registrar.iter().map(|signer| signer.ds.clone()).collect();
        for (index, server) in self.servers.iter_mut().enumerate() {
            if who & (1 << index) != 0 {
                server.clone_from(&now);
            }
        }
    }

    fn assert_vouched(&self) {
        let fits = |set: &BTreeSet<Ds>| !set.is_empty() && set.is_subset(&ds(&[OLD, NEW]));
        assert!(self.servers.iter().all(fits), "{:?}", self.servers);
        assert!(!self.registrar.is_empty());
    }
}

proptest! {
    #[test]
    fn a_key_always_stands_and_the_new_one_in_the_end(
        has_api: bool,
        moves in proptest::collection::vec((0_u8..8, 0_u8..8, any::<bool>()), 0..40),
    ) {
        let mut world = World::new(has_api);
        // Some are lost, some followed in part.
        for (who, silent, lost) in moves {
            if let (Move::Submit(target), false) = (world.next(Stage::KeysOff, silent), lost) {
                let wanted = target.ds.unwrap();
                let gone: Vec<&Signer> = world.registrar.iter().filter(|there| !wanted.contains(there)).collect();
                if world.has_api && !gone.is_empty() {
                    let new_everywhere = world.servers.iter().all(|server| ds(&[NEW]).is_subset(server));
                    prop_assert!(new_everywhere, "{:?} went too early", gone);
                }
                world.registrar = wanted;
            }
            world.follow(who);
            world.assert_vouched();
        }
        for _ in 0..ENOUGH {
            match world.next(Stage::KeysOff, 0) {
                Move::Submit(target) => world.registrar = target.ds.unwrap(),
                Move::Arrived => break,
                other => prop_assert!(matches!(other, Move::Watch(_)), "{other:?}"),
            }
            world.follow(7);
            world.assert_vouched();
        }
        prop_assert_eq!(world.next(Stage::KeysOff, 0), Move::Arrived);
        prop_assert_eq!(&world.servers, &vec![ds(&[NEW]); SERVERS]);
    }

    #[test]
    fn what_somebody_else_put_there_is_never_written_over(
        tags in proptest::collection::btree_set(prop_oneof![Just(OLD), Just(NEW), Just(FOREIGN)], 0..4),
        who in 0_u8..8,
        silent in 0_u8..8,
    ) {
        let mut world = World::new(true);
        world.registrar = tags.iter().copied().map(key).collect();
        world.follow(who);
        let step = world.next(Stage::KeysOff, silent);
        if tags.contains(&FOREIGN) {
            prop_assert!(matches!(step, Move::Strange(_)), "{step:?}");
        }
        if tags.is_empty() {
            prop_assert!(matches!(step, Move::Watch(_) | Move::Arrived), "{step:?}");
        }
    }
}

#[test]
fn a_parent_that_reads_cds_keeps_the_old_key_until_it_is_retired() {
    let mut world = World::new(false);
    assert!(matches!(world.next(Stage::KeysOn, 0), Move::Submit(_)));
    world.servers[0] = ds(&[OLD, NEW]);
    assert_eq!(world.next(Stage::KeysOn, 0), Move::Watch(Stage::KeysOn));
    world.servers = vec![ds(&[OLD, NEW]); SERVERS];
    assert_eq!(world.next(Stage::KeysOn, 0), Move::Arrived);
    assert!(matches!(world.next(Stage::KeysOff, 0), Move::Submit(_)));
    world.servers = vec![ds(&[NEW]); SERVERS];
    assert_eq!(world.next(Stage::KeysOff, 0), Move::Arrived);
}

#[test]
fn other_name_servers_are_somebody_elses_doing() {
    let parent = World::new(true).view(0);
    let registered = Delegation {
        ns: NsSet::read(["a.ours.example", "b.theirs.example"]).unwrap(),
        uses_provider_default: false,
        ds: Some(vec![key(OLD)]),
        glue: None,
        version: None,
        under_way: None,
    };
    let seen = Seen {
        registered: Some(&registered),
        parent: &parent,
    };
    assert!(matches!(next(&route(), Stage::KeysOn, seen), Move::Strange(_)));
}
