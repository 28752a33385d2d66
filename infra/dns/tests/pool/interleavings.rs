//! Two Sovereigns and two sweepers after one name: they take turns at every call of a store or a server, die before or after any
//! call, and time goes by. There are never two owners, and nothing that somebody has is ever taken away.
//!
//! Whoever waits for a call may wait for ever, as a process that is stopped does, but a deletion that was sent comes to its effect
//! within [`DELETION`]: no name server can be told to delete only what is still the same.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sovereign_dns::pool::sweep::Removal;
use sovereign_dns::pool::testing::{owner, pool_name};
use sovereign_dns::pool::{
    Act, Deed, DeedError, Fate, Lingers, OrphanKind, Owner, PoolBook as _, PoolName, Refusal, State,
    TAKE_OVER, Taker, Withdrawal, expire, orphans, perform, reclaim,
};
use sovereign_dns::{
    DomainName, ErrorClass, Mailbox, SovereignNames, ZoneHost, ZoneMark, ZoneRequest, publish, sovereign_zone,
};

use crate::world::{Hands, Server, TTL, TurnBook, turn};

/// How long a name is kept from others.
const QUARANTINE: Duration = Duration::from_mins(10);

/// Every deletion takes less, in seconds.
const DELETION: i64 = TAKE_OVER.as_secs() / 2;

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
        let hands = Hands::default();
        let servers = ["one", "two"].map(|server| Arc::new(Server::new(server, &name.pool, &hands)));
        let hosts = servers.iter().map(|server| server.clone() as Arc<dyn ZoneHost>);
        Self {
            book: Arc::default(),
            hosts: Arc::new(hosts.collect()),
            servers: Arc::new(servers),
            hands,
            child: name.fqdn().unwrap(),
            name,
            caches: Arc::default(),
        }
    }

    /// The zone that the name of a Sovereign gets.
    fn zone_of(&self, by: &Owner) -> ZoneRequest {
        let mut request = sovereign_zone(&SovereignNames {
            mark: ZoneMark::of(&by.sovereign),
            apex: self.child.clone(),
            nameservers: vec!["ns1.dns.example".parse().unwrap()],
            contact: Mailbox::hostmaster(&self.child),
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
        request
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
                | Refusal::Going { .. }
                | Refusal::Overtaken { .. }
        ),
        DeedError::Book(error) => error.action == "note in time that a name is still being taken away",
        DeedError::Dns(error) => error.class == ErrorClass::Taken,
        DeedError::NotAName { .. } => false,
    }
}

/// What `up` does, as its steps do. A refusal is an end like any other.
async fn up(world: World, by: Owner) -> Result<(), DeedError> {
    let clock = || world.hands.now();
    let deed = deed(&world, &by, &clock);
    let held = deed.hold().await?;
    let request = world.zone_of(&by);
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
    deed.remove_zone().await?;
    deed.release(None, QUARANTINE).await.map(drop)
}

/// What `pool sweep` does, without a grace.
async fn sweep(world: World) -> Result<(), DeedError> {
    expire(&*world.book, &world.name, world.hands.now()).await?;
    let clock = || world.hands.now();
    for orphan in orphans(&*world.book, &world.hosts, &world.name.pool, clock()).await? {
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
            clock: &clock,
        };
        if let (Withdrawal::Gone { clear_at }, fence) = removal.begin().await? {
            world.wait_until(clear_at).await;
            removal.finish(fence, QUARANTINE).await?;
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

type Turns<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Work = Turns<'static, Result<(), DeedError>>;

/// Lets somebody work until the next call.
fn one_turn<T>(work: &mut Turns<'_, T>) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

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
        1 => Just(Event::Time(DELETION.try_into().unwrap())),
        2 => Just(Event::Time(TAKE_OVER.as_secs().try_into().unwrap())),
    ]
}

struct Play {
    world: World,
    workers: Vec<(Worker, Work)>,
    /// When a worker sent the deletion that it waits for.
    deletions: BTreeMap<usize, Timestamp>,
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
            deletions: BTreeMap::new(),
            world,
            ups: 0,
        }
    }

    /// One turn. A worker at its end begins anew.
    fn turn(&mut self, index: usize) {
        let (worker, work) = &mut self.workers[index];
        self.deletions.remove(&index);
        if let Poll::Ready(outcome) = one_turn(work) {
            match &outcome {
                Ok(()) => self.ups += usize::from(matches!(worker, Worker::Sovereign(_, Aim::Up))),
                Err(error) => assert!(is_refusal(error), "{error:?}"),
            }
            worker.go_on();
            *work = worker.begin(&self.world);
        }
        if self.world.hands.deletion_sent() {
            self.deletions.insert(index, self.world.hands.now());
        }
        self.world.check();
    }

    /// A worker is dead, or does something else now.
    fn begins_anew(&mut self, index: usize) {
        let (worker, work) = &mut self.workers[index];
        *work = worker.begin(&self.world);
        self.deletions.remove(&index);
    }

    /// Seconds go by, and no deletion takes too many of them.
    fn time(&mut self, seconds: u32) {
        let end = self.world.hands.now() + SignedDuration::from_secs(seconds.into());
        let until = |play: &Self, moment: Timestamp| {
            let left = moment.duration_since(play.world.hands.now()).as_secs();
            play.world.hands.advance(u32::try_from(left).unwrap_or_default());
        };
        let last = |sent: Timestamp| sent + SignedDuration::from_secs(DELETION - 1);
        while let Some((index, sent)) = self.deletions.iter().min_by_key(|(_, sent)| **sent)
            && last(*sent) <= end
        {
            let (index, sent) = (*index, *sent);
            until(self, last(sent));
            self.turn(index);
        }
        until(self, end);
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Turns(index, turns) => (0..turns).for_each(|_| self.turn(index)),
            Event::Time(seconds) => self.time(seconds),
            Event::Dies(index) => self.begins_anew(index),
            Event::GivesUp(index) => {
                if let Worker::Sovereign(_, aim) = &mut self.workers[index].0 {
                    *aim = Aim::Down;
                    self.begins_anew(index);
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
                self.time(1);
            }
        }
        self.time(100_000);
        self.is_swept();
        self.time(100_000);
        self.workers[0] = {
            let worker = Worker::Sovereign(owner("third"), Aim::Up);
            let work = worker.begin(&self.world);
            (worker, work)
        };
        let before = self.ups;
        while self.ups == before {
            self.turn(0);
            self.time(1);
            assert!(
                matches!(self.workers[0].0, Worker::Sovereign(_, Aim::Up)) || self.ups > before,
                "the name is free"
            );
        }
    }

    /// What somebody who died had begun to take away is finished by the next sweep.
    fn is_swept(&mut self) {
        let mut sweep = Worker::Sweeper.begin(&self.world);
        let swept = loop {
            match one_turn(&mut sweep) {
                Poll::Ready(outcome) => break outcome,
                Poll::Pending => self.time(1),
            }
            // It is the only one at work, and undisturbed.
            self.world.hands.deletion_sent();
            self.world.check();
        };
        assert!(swept.is_ok(), "{swept:?}");
        let state = poll_now(self.world.book.0.find(&self.world.name)).unwrap();
        let state = state.map(|one| one.state);
        assert!(!matches!(state, Some(State::Releasing { .. })), "{state:?}");
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

/// A sweeper that was stopped between finding a zone and deleting it finds itself overtaken, and the zone is the next owner's.
#[test]
fn a_sweep_that_was_overtaken_deletes_nothing_more() {
    let (world, by) = (World::new(), owner("acme"));
    let undisturbed = |mut work: Work| loop {
        match one_turn(&mut work) {
            Poll::Ready(outcome) => break outcome,
            Poll::Pending => world.hands.advance(1),
        }
    };
    undisturbed(Box::pin(up(world.clone(), by.clone()))).unwrap();
    undisturbed(Box::pin(down(world.clone(), by.clone()))).unwrap();
    // Something puts the zone back, such as a server that was restored.
    let zone = world.zone_of(&by);
    undisturbed(Box::pin({
        let world = world.clone();
        async move { Ok(publish(&world.hosts, &zone).await.map(drop)?) }
    }))
    .unwrap();

    let (book, mark, clock) = (world.book.clone(), ZoneMark::of(&by.sovereign), || {
        world.hands.now()
    });
    let removal = Removal {
        book: &*book,
        hosts: &world.hosts,
        name: &world.name,
        child: &world.child,
        mark: &mark,
        clock: &clock,
    };
    let mut stopped: Turns<'_, _> = Box::pin(async {
        let (_, fence) = removal.begin().await?;
        removal.finish(fence, QUARANTINE).await
    });
    // It looks at the zone to learn its TTLs, and again before it deletes it.
    let before = world.servers[0].finds();
    while world.servers[0].finds() < before + 2 {
        assert!(
            one_turn(&mut stopped).is_pending(),
            "it was stopped before it deleted"
        );
    }

    undisturbed(Box::pin(sweep(world.clone()))).unwrap();
    let state = || poll_now(world.book.0.find(&world.name)).unwrap().unwrap().state;
    assert!(
        matches!(state(), State::Releasing { .. }),
        "it is left to the other: {:?}",
        state()
    );
    world.hands.advance(TAKE_OVER.as_secs().try_into().unwrap());
    undisturbed(Box::pin(sweep(world.clone()))).unwrap();
    assert!(matches!(state(), State::Quarantined { .. }), "{:?}", state());
    undisturbed(Box::pin(up(world.clone(), by))).unwrap();

    let outcome = loop {
        if let Poll::Ready(outcome) = one_turn(&mut stopped) {
            break outcome;
        }
    };
    let refused = outcome.unwrap_err();
    assert!(
        matches!(refused, DeedError::Refused(Refusal::Overtaken { .. })),
        "{refused}"
    );
    assert!(
        refused
            .remedy()
            .unwrap()
            .contains("sovereign pool show acme.sovereigns.example")
    );
    world.check();
    assert_eq!(state(), State::Active);
}

/// Whoever asks is told who is at it and since when; what was broken off, and is on no server any more, is found, too.
#[test]
fn a_sweep_tells_who_takes_a_name_away() {
    let (world, by) = (World::new(), owner("acme"));
    let mut work: Work = Box::pin(up(world.clone(), by.clone()));
    while one_turn(&mut work).is_pending() {
        world.hands.advance(1);
    }
    let begun = world.hands.now();
    let mut work: Work = Box::pin(down(world.clone(), by));
    let state = || poll_now(world.book.0.find(&world.name)).unwrap().unwrap().state;
    while !matches!(state(), State::Releasing { .. }) {
        assert!(one_turn(&mut work).is_pending());
    }
    let found = || {
        let mut look: Turns<'_, _> = Box::pin(orphans(
            &*world.book,
            &world.hosts,
            &world.name.pool,
            world.hands.now(),
        ));
        loop {
            if let Poll::Ready(found) = one_turn(&mut look) {
                break found.unwrap();
            }
        }
    };
    let seen = found();
    assert_eq!(seen.len(), 4, "a zone and a delegation on two servers: {seen:?}");
    for one in seen {
        let going = one.going.unwrap();
        assert_eq!(
            (one.fate, going.taker, going.since),
            (Fate::Going, Taker::Owner, begun)
        );
        assert_eq!(going.until, begun + TAKE_OVER);
    }
    while world.servers[1].owners(&world.child).0.is_some() {
        assert!(one_turn(&mut work).is_pending());
        world.hands.advance(1);
    }
    drop(work);
    assert_eq!(found(), []);
    world.hands.advance(TAKE_OVER.as_secs().try_into().unwrap());
    let seen = found();
    let seen: Vec<_> = seen.iter().map(|one| (one.kind, one.fate)).collect();
    assert_eq!(seen, [(OrphanKind::Name, Fate::Removable)]);
}

/// Neither an owner whose name a sweep takes away nor a namesake of one that is there removes a zone.
#[test]
fn an_owner_removes_only_a_zone_that_is_its_own_to_remove() {
    let (world, by) = (World::new(), owner("acme"));
    let undisturbed = |mut work: Work| loop {
        if let Poll::Ready(outcome) = one_turn(&mut work) {
            break outcome;
        }
        world.hands.advance(1);
    };
    let remove = |by: Owner| {
        let world = world.clone();
        let work = async move { deed(&world, &by, &|| world.hands.now()).remove_zone().await };
        undisturbed(Box::pin(work))
    };
    let zone_is_there = || world.servers[0].owners(&world.child).0.is_some();
    undisturbed(Box::pin(up(world.clone(), by.clone()))).unwrap();
    remove(owner("acme")).unwrap();
    assert!(zone_is_there(), "the mark is the same, the claim is not");

    let taken = Lingers::default();
    let taken = poll_now(perform(
        &world.book.0,
        &world.name,
        &by,
        None,
        Act::Release { lingers: taken },
        world.hands.now(),
    ));
    let taken = taken.unwrap();
    world.hands.advance(TAKE_OVER.as_secs().try_into().unwrap());
    let swept = poll_now(reclaim(
        &world.book.0,
        &world.name,
        &ZoneMark::of(&by.sovereign),
        Lingers::default(),
        world.hands.now(),
    ));
    assert_eq!(swept.unwrap().unwrap().revision, taken.revision + 1);
    let refused = remove(by.clone()).unwrap_err();
    assert!(
        matches!(
            refused,
            DeedError::Refused(Refusal::Going {
                taker: Taker::Sweep,
                ..
            })
        ),
        "{refused}"
    );
    assert!(zone_is_there());
    world.hands.advance(TAKE_OVER.as_secs().try_into().unwrap());
    remove(by).unwrap();
    assert!(!zone_is_there(), "the sweep is dead");
}

/// A schedule that once ended with a name in quarantine and its zone still there: a sweep that had seen the zone of `acme` came when
/// the name was on its way out for `other`, who had stopped.
#[test]
fn a_sweep_of_an_earlier_owner_does_not_end_what_a_later_one_began() {
    let before = [(0, 26, 600), (0, 2, 0), (3, 23, 60)];
    let after = [
        (1, 8, 0),
        (3, 6, 0),
        (1, 8, 900),
        (3, 1, 0),
        (1, 30, 600),
        (3, 12, 60),
        (3, 4, 0),
    ];
    let mut play = Play::new();
    let go = |play: &mut Play, (worker, turns, seconds)| {
        play.happens(Event::Turns(worker, turns));
        play.happens(Event::Time(seconds));
    };
    for part in before {
        go(&mut play, part);
    }
    play.happens(Event::GivesUp(1));
    for part in after {
        go(&mut play, part);
    }
    play.ends();
}
