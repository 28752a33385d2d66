//! Two Sovereigns and two sweepers after one name: they take turns at every call of a store or a server, die before or after any
//! call, and time goes by. There are never two owners, and nothing that somebody has is ever taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use sovereign_dns::pool::sweep::Removal;
use sovereign_dns::pool::testing::{owner, pool_name};
use sovereign_dns::pool::{
    Deed, DeedError, Fate, Owner, PoolBook as _, PoolName, Refusal, State, Withdrawal, expire, orphans,
};
use sovereign_dns::{
    DomainName, ErrorClass, Mailbox, SovereignNames, ZoneHost, ZoneMark, publish, sovereign_zone, withdraw,
};

use crate::world::{Hands, Server, TTL, TurnBook, turn};

/// How long a name is kept from others.
const QUARANTINE: Duration = Duration::from_mins(10);

/// For how long a resolver has what a zone of [`up`] said, in seconds: longer than a delegation.
const REMEMBERED: u32 = 2 * TTL;

/// What everybody works on.
#[derive(Clone)]
struct World {
    book: Arc<TurnBook>,
    servers: Arc<[Arc<Server>; 2]>,
    hosts: Arc<Vec<Arc<dyn ZoneHost>>>,
    hands: Hands,
    name: PoolName,
    child: DomainName,
    /// Resolvers: when they last had an answer of the zone, by the generation whose it was.
    caches: Arc<Mutex<BTreeMap<u64, Timestamp>>>,
}

impl World {
    fn new() -> Self {
        let name = pool_name("acme");
        let servers = ["one", "two"].map(|server| Arc::new(Server::new(server, &name.pool)));
        let hosts = servers.iter().map(|server| server.clone() as Arc<dyn ZoneHost>);
        Self {
            book: Arc::default(),
            hosts: Arc::new(hosts.collect()),
            servers: Arc::new(servers),
            hands: Hands::default(),
            child: name.fqdn().unwrap(),
            name,
            caches: Arc::default(),
        }
    }

    async fn wait_until(&self, moment: Option<Timestamp>) {
        while moment.is_some_and(|moment| moment > self.hands.now()) {
            turn().await;
        }
    }

    /// What must be so at every moment.
    fn check(&self) {
        let now = poll_now(self.book.0.find(&self.name)).unwrap();
        let present = now
            .as_ref()
            .map(|one| (format!("sov:{}", one.sovereign), &one.state));
        let (mut owners, mut delegated) = (BTreeSet::new(), false);
        for server in &*self.servers {
            let (zone, sets) = server.owners(&self.child);
            assert!(
                sets.len() != 1,
                "name servers and keys come and go together: {sets:?}"
            );
            match &present {
                Some((by, State::Active)) => {
                    assert_eq!(zone.as_ref(), Some(by), "an active name has its zone");
                    assert!(
                        sets.len() == 2 && sets.iter().all(|owner| owner == by),
                        "{sets:?}"
                    );
                }
                Some((_, State::Held { .. } | State::Quarantined { .. } | State::Gone)) | None => {
                    assert!(
                        zone.is_none() && sets.is_empty(),
                        "{present:?}: {zone:?} {sets:?}"
                    );
                }
                Some((_, State::Provisioning | State::Releasing { .. })) => {
                    assert!(
                        sets.is_empty() || zone.is_some(),
                        "no delegation leads to nowhere"
                    );
                }
            }
            delegated |= !sets.is_empty();
            owners.extend(sets.into_iter().chain(zone));
        }
        if let Some(present) = now.as_ref().filter(|_| !owners.is_empty()) {
            self.remember(present.generation, delegated);
        }
        assert!(owners.len() <= 1, "{owners:?}");
        if let (Some((by, _)), Some(owner)) = (present, owners.first()) {
            assert_eq!(*owner, by, "what is in DNS is the owner's");
        }
    }
}

impl World {
    /// Resolvers come to a zone that is delegated, and go on asking it as long as it is there. None of them may still have keys of
    /// an earlier one when another is delegated: it would take that for a forgery.
    fn remember(&self, generation: u64, delegated: bool) {
        let (now, mut caches) = (self.hands.now(), self.caches.lock().unwrap());
        if delegated || caches.contains_key(&generation) {
            caches.insert(generation, now);
        }
        for (earlier, seen) in caches.range(..generation).filter(|_| delegated) {
            let kept = now.duration_since(*seen).as_secs();
            assert!(
                kept >= i64::from(REMEMBERED),
                "generation {generation} is delegated {kept} s after the zone of {earlier}"
            );
        }
    }
}

/// The output of a future that never waits for others.
fn poll_now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// What a Sovereign is at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Aim {
    Up,
    Down,
}

/// Whether a name was to be had.
fn is_refusal(error: &DeedError) -> bool {
    match error {
        DeedError::Refused(refusal) => matches!(
            refusal,
            Refusal::Taken { .. }
                | Refusal::Quarantined { .. }
                | Refusal::OutOfTurn { .. }
                // Its hold was over before it could bind it, and somebody else came by it.
                | Refusal::NotOwned { .. }
                | Refusal::Superseded { .. }
        ),
        DeedError::Dns(error) => error.class == ErrorClass::Taken,
        _ => false,
    }
}

/// What `up` does, as its steps do. A refusal is an end like any other.
async fn up(world: World, by: Owner) -> Result<(), DeedError> {
    let clock = || world.hands.now();
    let deed = deed(&world, &by, &clock);
    let held = deed.hold().await?;
    let mut request = sovereign_zone(&SovereignNames {
        mark: ZoneMark::of(&by.sovereign),
        apex: world.child.clone(),
        nameservers: vec!["ns1.dns.example".parse().unwrap()],
        contact: Mailbox::hostmaster(&world.child),
        ipv4: ["192.0.2.1".parse().unwrap()].into(),
        ipv6: BTreeSet::new(),
        caa: BTreeSet::new(),
        rule: None,
    })
    .unwrap();
    (request.soa_ttl, request.soa.negative_ttl) = (REMEMBERED, REMEMBERED);
    for set in &mut request.sets {
        set.ttl = REMEMBERED;
    }
    let published = publish(&world.hosts, &request).await?;
    world.wait_until(held.clear_at).await;
    let nameservers = ["ns1.dns.example".parse().unwrap()].into();
    let wanted = deed.delegation(held.generation, nameservers, published.ds.into_iter().collect())?;
    deed.delegate(&wanted).await?;
    deed.activate(held.generation).await.map(drop)
}

/// What `destroy` does.
async fn down(world: World, by: Owner) -> Result<(), DeedError> {
    let clock = || world.hands.now();
    let deed = deed(&world, &by, &clock);
    let Withdrawal::Gone { clear_at } = deed.withdraw(None).await? else {
        panic!("nobody was asked")
    };
    world.wait_until(clear_at).await;
    withdraw(&world.hosts, &world.child, &ZoneMark::of(&by.sovereign)).await?;
    deed.release(None, QUARANTINE).await.map(drop)
}

/// What `pool sweep` does, without a grace.
async fn sweep(world: World) -> Result<(), DeedError> {
    expire(&*world.book, &world.name, world.hands.now()).await?;
    for orphan in orphans(&*world.book, &world.hosts, &world.name.pool).await? {
        if orphan.fate != Fate::Removable {
            continue;
        }
        let sovereign = orphan.owner.strip_prefix("sov:").unwrap().parse().unwrap();
        let removal = Removal {
            book: &*world.book,
            hosts: &world.hosts,
            name: &world.name,
            child: &world.child,
            mark: &ZoneMark::of(&sovereign),
        };
        if let Withdrawal::Gone { clear_at } = removal.begin(world.hands.now()).await? {
            world.wait_until(clear_at).await;
            removal.finish(QUARANTINE, world.hands.now()).await?;
        }
    }
    Ok(())
}

fn deed<'a>(world: &'a World, by: &Owner, clock: &'a (dyn Fn() -> Timestamp + Send + Sync)) -> Deed<'a> {
    Deed {
        book: &*world.book,
        hosts: &world.hosts,
        name: &world.name,
        by: by.clone(),
        clock,
    }
}

type Work = Pin<Box<dyn Future<Output = Result<(), DeedError>>>>;

/// Somebody with a purpose; dead and alive again, it begins anew.
enum Worker {
    Sovereign(Owner, Aim),
    Sweeper,
}

impl Worker {
    fn begin(&self, world: &World) -> Work {
        match self {
            Self::Sovereign(by, Aim::Up) => Box::pin(up(world.clone(), by.clone())),
            Self::Sovereign(by, Aim::Down) => Box::pin(down(world.clone(), by.clone())),
            Self::Sweeper => Box::pin(sweep(world.clone())),
        }
    }

    /// A Sovereign that is up goes down next, and one that got nothing goes down, too: it may have got half.
    fn go_on(&mut self) {
        if let Self::Sovereign(_, aim) = self {
            *aim = if *aim == Aim::Up { Aim::Down } else { Aim::Up };
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A worker has some turns.
    Turns(usize, u8),
    /// A worker dies: what it had asked for last was done, and it never heard.
    Dies(usize),
    /// A Sovereign's operator thinks better of it, and destroys.
    GivesUp(usize),
    /// Seconds go by.
    Time(u32),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (0..4_usize, 1..12_u8).prop_map(|(worker, turns)| Event::Turns(worker, turns)),
        2 => (0..4_usize).prop_map(Event::Dies),
        1 => (0..2_usize).prop_map(Event::GivesUp),
        1 => Just(Event::Time(1)),
        1 => Just(Event::Time(TTL)),
        1 => Just(Event::Time(900)),
        1 => Just(Event::Time(REMEMBERED)),
    ]
}

struct Play {
    world: World,
    workers: Vec<(Worker, Work)>,
    /// How often each Sovereign got the name.
    ups: usize,
}

impl Play {
    fn new() -> Self {
        let world = World::new();
        let workers = [
            Worker::Sovereign(owner("acme"), Aim::Up),
            Worker::Sovereign(owner("other"), Aim::Up),
            Worker::Sweeper,
            Worker::Sweeper,
        ];
        let begun = workers.map(|worker| {
            let work = worker.begin(&world);
            (worker, work)
        });
        Self {
            workers: begun.into(),
            world,
            ups: 0,
        }
    }

    /// One turn. A worker at its end begins anew.
    fn turn(&mut self, index: usize) {
        let (worker, work) = &mut self.workers[index];
        if let Poll::Ready(outcome) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            match &outcome {
                Ok(()) => self.ups += usize::from(matches!(worker, Worker::Sovereign(_, Aim::Up))),
                Err(error) => assert!(is_refusal(error), "{error:?}"),
            }
            worker.go_on();
            *work = worker.begin(&self.world);
        }
        self.world.check();
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Turns(index, turns) => (0..turns).for_each(|_| self.turn(index)),
            Event::Time(seconds) => self.world.hands.advance(seconds),
            Event::Dies(index) => {
                let (worker, work) = &mut self.workers[index];
                *work = worker.begin(&self.world);
            }
            Event::GivesUp(index) => {
                let (worker, work) = &mut self.workers[index];
                if let Worker::Sovereign(_, aim) = worker {
                    *aim = Aim::Down;
                    *work = worker.begin(&self.world);
                }
            }
        }
        self.world.check();
    }

    /// Everybody goes down and comes to an end, undisturbed; then nothing is left, and anybody may have the name.
    fn ends(mut self) {
        for index in 0..2 {
            self.happens(Event::GivesUp(index));
            while matches!(self.workers[index].0, Worker::Sovereign(_, Aim::Down)) {
                self.turn(index);
                self.world.hands.advance(1);
            }
        }
        self.world.hands.advance(100_000);
        // What a sweeper that died had taken up is finished by the next: the name is nobody's, and it knows.
        let left = self.world.book.clone();
        let state = poll_now(left.0.find(&self.world.name))
            .unwrap()
            .map(|one| one.state);
        if !matches!(state, Some(State::Releasing { .. })) {
            self.workers[0] = {
                let worker = Worker::Sovereign(owner("third"), Aim::Up);
                let work = worker.begin(&self.world);
                (worker, work)
            };
            let before = self.ups;
            while self.ups == before {
                self.turn(0);
                self.world.hands.advance(1);
                assert!(
                    matches!(self.workers[0].0, Worker::Sovereign(_, Aim::Up)) || self.ups > before,
                    "the name is free"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn there_is_never_more_than_one_owner(events in prop::collection::vec(event(), 1..120)) {
        let mut play = Play::new();
        for event in events {
            play.happens(event);
        }
        play.ends();
    }
}

/// The property says something: undisturbed, both Sovereigns get the name, in turn.
#[test]
fn the_play_goes_on() {
    let mut play = Play::new();
    for index in [0, 1, 0, 1] {
        for aim in [Aim::Up, Aim::Down] {
            while matches!(play.workers[index].0, Worker::Sovereign(_, now) if now == aim) {
                play.turn(index);
                play.world.hands.advance(1);
            }
        }
        play.happens(Event::Time(900));
    }
    assert_eq!(play.ups, 4);
    assert_eq!(play.world.caches.lock().unwrap().len(), 4, "each was delegated");
    let history = poll_now(play.world.book.0.history(&play.world.name)).unwrap();
    let owners: Vec<&str> = history.iter().map(|one| one.sovereign.as_str()).collect();
    assert_eq!((owners[0], history.last().unwrap().generation), ("acme", 4));
    assert!(owners.contains(&"other"), "{owners:?}");
}
