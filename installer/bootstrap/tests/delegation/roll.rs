//! A key that is rolled through whoever can change the parent: killed at each phase, beside others who change keys, and where a
//! person has to help; somebody behind a resolver that validates and remembers asks all the while.

use std::sync::Arc;
use std::time::Duration;

use sovereign_bootstrap::plan_roll;
use sovereign_bootstrap::steps::RolledZone;
use sovereign_core::event::RunOutcome;
use sovereign_dns::record::Ds;
use sovereign_engine::clock::ManualClock;
use sovereign_engine::plan::Plan;
use sovereign_engine::testing::{CrashPoint, CrashingJournal};
use sovereign_lab::{DsData, Fate, Memory, RegistrarVendor, Resolver, Watch as Asking};

use crate::bench::{Bench, everywhere};
use crate::by_hand::{person, said_ds};
use crate::crash::{LEASE, bench, killed_at};
use crate::watch::Watch;
use crate::world::{Before, OLD, OURS};

/// Number of a record type (RFC 1035 section 3.2.2).
const A: u16 = 1;
/// Processes after which a roll is over, however each of them dies.
const ENOUGH: usize = 60;

/// A Sovereign whose domain is delegated, and the keys that it has before.
struct Delegated {
    bench: Bench,
    clock: Arc<ManualClock>,
    old: Vec<Ds>,
}

impl Delegated {
    async fn at(vendor: RegistrarVendor) -> Self {
        let (bench, clock) = bench(vendor, Before::Plain).await;
        let plan = bench.plan();
        let hands = async {
            // A registrar without keys in its API.
            if vendor == RegistrarVendor::Namecheap {
                let ds = said_ds(&bench).await;
                let mut entry = bench.world.entry();
                entry.ds = vec![ds];
                person(&bench, "IN DS", &entry).await;
            }
        };
        let (report, ()) = tokio::join!(bench.run(&plan), hands);
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        let (_, old) = bench.keys().await;
        assert_eq!(old.len(), 1);
        Self { bench, clock, old }
    }

    fn roll(&self) -> Plan {
        let name = self.bench.name();
        let zone = RolledZone {
            sovereign: name.sovereign,
            zone: name.domain,
            nameservers: name.nameservers,
            pool: None,
            secondaries: Vec::new(),
            retiring: self.old.clone(),
        };
        plan_roll(&zone, None).unwrap()
    }

    async fn ours(&self) -> Vec<Ds> {
        self.bench.keys().await.1
    }

    /// The new key, once there is one.
    async fn new_key(&self) -> Ds {
        loop {
            let ours = self.ours().await;
            if let Some(new) = ours.iter().find(|ds| !self.old.contains(ds)) {
                return new.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn registered(&self) -> Vec<String> {
        self.bench.world.entry().ds.iter().map(DsData::rdata).collect()
    }

    /// One key signs, and the registrar and every server of the parent have that one.
    async fn assert_rolled(&self, what: &str) -> Ds {
        let ours = self.ours().await;
        assert_eq!(ours.len(), 1, "{what}: {ours:?}");
        assert!(!self.old.contains(&ours[0]), "{what}");
        let wanted = data(&ours[0]).rdata();
        assert_eq!(self.registered(), [wanted], "{what}");
        ours[0].clone()
    }

    /// `up` finds everything as it is wanted, and the domain goes back to where it was.
    async fn assert_it_goes_on(&self) {
        let registry = self.bench.world.sim.registry();
        registry.take_seen();
        let report = self.bench.run(&self.bench.plan()).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        assert_eq!(self.bench.validated().await.security, "secure");
        let wrote: Vec<_> = registry.take_seen().into_iter().filter(|it| it.writes).collect();
        assert!(wrote.is_empty(), "{wrote:?}");
    }
}

fn data(ds: &Ds) -> DsData {
    DsData {
        key_tag: ds.key_tag,
        algorithm: ds.algorithm,
        digest_type: ds.digest_kind,
        digest: ds.digest.clone(),
        key: None,
    }
}

/// Somebody behind a resolver.
struct Asker {
    /// It ends with this value.
    _resolver: Resolver,
    asking: Asking,
}

impl Asker {
    async fn start(bench: &Bench) -> Self {
        let resolver = bench.world.dns.resolver(Memory::Lasting).await.unwrap();
        Self {
            asking: Asking::start(&[resolver.address], &[("www.acme.example", A)]),
            _resolver: resolver,
        }
    }

    /// Each answer was there, and proven.
    async fn assert_served(self) {
        let seen = self.asking.end().await;
        // A machine that is busy may leave a question unanswered; what counts is that no answer was wrong.
        let wrong: Vec<_> = seen
            .failures
            .iter()
            .filter(|it| it.fate != Fate::Silent)
            .collect();
        assert!(wrong.is_empty() && seen.answered > 0, "{wrong:?}");
        assert_eq!(seen.secure, seen.answered);
    }
}

#[tokio::test]
async fn a_roll_whose_processes_die_all_the_time_ends_and_nobody_notices() {
    for vendor in [RegistrarVendor::Porkbun, RegistrarVendor::Gandi] {
        let mut world = Delegated::at(vendor).await;
        // Nothing but what happened is written.
        world.bench.heartbeat = Duration::from_secs(5);
        let bench = &world.bench;
        let before = bench.snapshot().await;
        let plan = world.roll();
        let watch = Watch::start(&bench.world.domain, bench.world.probe());
        let asker = Asker::start(bench).await;
        let mut deaths = 0;
        loop {
            // Each gets a little farther, or dies after the effect and before the word.
            let point = if deaths % 2 == 0 {
                CrashPoint::AfterWrite
            } else {
                CrashPoint::BeforeWrite
            };
            let append = 2 + deaths % 2 + deaths / 20;
            let process = Arc::new(CrashingJournal::at(bench.journal.clone(), append, point));
            let ended = bench.run_on(process.clone(), &plan).await;
            world.clock.advance(LEASE);
            if let Ok(report) = ended {
                assert_eq!(report.outcome, RunOutcome::Completed, "{vendor:?}: {report:#?}");
                break;
            }
            deaths += 1;
            assert!(deaths < ENOUGH, "{vendor:?}: it does not come to an end");
        }
        assert!(deaths > 4, "{vendor:?}: {deaths}");
        let new = world.assert_rolled(&format!("{vendor:?}")).await;
        world.assert_it_goes_on().await;
        let keys = [world.old.clone(), vec![new]].concat();
        watch.assert_unbroken(&[], &keys).await;
        asker.assert_served().await;

        let report = bench.run(&bench.restore(before)).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{vendor:?}: {report:#?}");
        assert_eq!(bench.world.entry().ns, OLD, "{vendor:?}");
        assert_eq!(bench.world.entry().ds.len(), 0, "{vendor:?}");
    }
}

#[tokio::test]
async fn killed_at_any_call_to_the_registrar() {
    let calls = everywhere(async |call| {
        let mut world = Delegated::at(RegistrarVendor::Porkbun).await;
        let watch = Watch::start(&world.bench.world.domain, world.bench.world.probe());
        let plan = world.roll();
        let died = killed_at(&mut world.bench, &world.clock, &plan, call).await;
        if died {
            let report = world.bench.run(&plan).await;
            assert_eq!(report.outcome, RunOutcome::Completed, "call {call}: {report:#?}");
        }
        let new = world.assert_rolled(&format!("call {call}")).await;
        let keys = [world.old.clone(), vec![new]].concat();
        watch.assert_unbroken(&[], &keys).await;
        died
    })
    .await;
    assert!(calls > 4, "{calls}");
}

#[tokio::test]
async fn keys_that_somebody_else_put_there_meanwhile_are_left_alone() {
    let world = Delegated::at(RegistrarVendor::Porkbun).await;
    let bench = &world.bench;
    let theirs = DsData {
        key_tag: 4711,
        digest: "ab".repeat(32),
        ..data(&world.old[0])
    };
    let plan = world.roll();
    let meddles = async {
        world.new_key().await;
        let mut entry = bench.world.entry();
        entry.ds.push(theirs.clone());
        bench.world.sim.registry().put("acme.example", entry);
    };
    let (report, ()) = tokio::join!(bench.run(&plan), meddles);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(said.contains("somebody else has changed"), "{said}");
    assert!(said.contains("4711"), "{said}");
    assert!(said.contains("roll-key acme"), "{said}");
    let registered = [data(&world.old[0]).rdata(), theirs.rdata()];
    assert_eq!(world.registered(), registered);
    assert_eq!(world.ours().await.len(), 2, "both keys sign");

    let mut entry = bench.world.entry();
    entry.ds.pop();
    bench.world.sim.registry().put("acme.example", entry);
    let report = bench.run(&plan).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    world.assert_rolled("gone on with").await;
}

/// The parent's servers follow one after the other: the old key stays until the last has the new one.
#[tokio::test]
async fn a_server_of_the_parent_that_lags_behind_is_waited_for() {
    let world = Delegated::at(RegistrarVendor::Porkbun).await;
    let bench = &world.bench;
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    bench.world.dns.top_level.hold(1);
    let plan = world.roll();
    let lags = async {
        bench.until(|entry| entry.ds.len() == 2).await;
        // Long enough for another look or two, which must not make it go on.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(bench.world.entry().ds.len(), 2, "nothing is taken out");
        bench.world.dns.top_level.release(1).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), lags);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let new = world.assert_rolled("released").await;
    watch
        .assert_unbroken(&[], &[world.old.clone(), vec![new]].concat())
        .await;
}

/// Somebody puts the old key back on record while caches are waited for: its zone's key is not removed until that is settled.
#[tokio::test]
async fn an_old_key_that_is_put_back_in_the_last_moment_stays() {
    let world = Delegated::at(RegistrarVendor::Porkbun).await;
    let bench = &world.bench;
    let plan = world.roll();
    let meddles = async {
        while bench.output("key/vouch").await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let wanted = bench.world.entry();
        let mut entry = wanted.clone();
        entry.ds = vec![data(&world.old[0])];
        bench.world.sim.registry().put("acme.example", entry);
        while !bench
            .retries()
            .await
            .iter()
            .any(|why| why.contains("still needed"))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(world.ours().await.len(), 2, "both keys sign");
        bench.world.sim.registry().put("acme.example", wanted);
    };
    let (report, ()) = tokio::join!(bench.run(&plan), meddles);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let waits = bench.waits().await;
    assert!(
        waits.iter().any(|wait| wait.contains("forget the old DS")),
        "{waits:?}"
    );
    world.assert_rolled("settled").await;
}

/// As a person does who adds a key beside the old one, or a parent that reads CDS.
#[tokio::test]
async fn a_registrar_without_keys_in_its_api_has_them_entered() {
    let world = Delegated::at(RegistrarVendor::Namecheap).await;
    let bench = &world.bench;
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    let asker = Asker::start(bench).await;
    let plan = world.roll();
    let hands = async {
        let new = world.new_key().await;
        let mut entry = bench.world.entry();
        entry.ds = vec![data(&world.old[0]), data(&new)];
        person(bench, &format!("IN DS {new}"), &entry).await;
        while world.ours().await.len() > 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        entry.ds = vec![data(&new)];
        person(bench, &format!("IN DS {new}"), &entry).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let new = world.assert_rolled("by hand").await;
    let waits = bench.waits().await;
    assert!(waits.iter().any(|wait| wait.contains("(CDS)")), "{waits:?}");
    watch
        .assert_unbroken(&[], &[world.old.clone(), vec![new]].concat())
        .await;
    asker.assert_served().await;
}

/// Dynadot's API takes out all keys or none: the new one is put beside the old one, and a person takes that out.
#[tokio::test]
async fn a_registrar_that_takes_out_all_keys_at_once_is_not_asked_to() {
    let world = Delegated::at(RegistrarVendor::Dynadot).await;
    let bench = &world.bench;
    let watch = Watch::start(&bench.world.domain, bench.world.probe());
    let plan = world.roll();
    let hands = async {
        let new = world.new_key().await;
        bench.until(|entry| entry.ds.len() == 2).await;
        let mut entry = bench.world.entry();
        entry.ds = vec![data(&new)];
        person(bench, &format!("IN DS {new}"), &entry).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let new = world.assert_rolled("dynadot").await;
    assert_eq!(bench.world.entry().ns, OURS);
    watch
        .assert_unbroken(&[], &[world.old.clone(), vec![new]].concat())
        .await;
}

/// Another shell can go on with it, until it is over.
#[test]
fn a_credential_is_kept_from_the_first_step_to_the_last() {
    let zone = RolledZone {
        sovereign: "acme".parse().unwrap(),
        zone: "acme.example".parse().unwrap(),
        nameservers: OURS.map(|host| host.parse().unwrap()).into_iter().collect(),
        pool: None,
        secondaries: Vec::new(),
        retiring: Vec::new(),
    };
    let document = RegistrarVendor::Porkbun.credential_document();
    let credential = serde_json::from_value(document).unwrap();
    let plan = plan_roll(&zone, Some(&credential)).unwrap();
    let kinds: Vec<&str> = plan.steps.iter().map(|step| step.kind.as_str()).collect();
    let wanted = [
        "delegation.keep_credential",
        "zone.key.add",
        "zone.key.settle",
        "zone.key.vouch",
        "zone.key.retire",
        "zone.key.forsake",
        "delegation.forget_credential",
    ];
    assert_eq!(kinds, wanted);
}

/// A domain that its parent vouches for no key of stands in no chain of trust: nobody is asked, and none is put there.
#[tokio::test]
async fn where_no_key_stands_none_is_put() {
    let world = Delegated::at(RegistrarVendor::Porkbun).await;
    let mut entry = world.bench.world.entry();
    entry.ds.clear();
    world
        .bench
        .world
        .sim
        .registry()
        .put("acme.example", entry.clone());
    world.bench.world.publish(&entry).await;
    let report = world.bench.run(&world.roll()).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(world.registered(), [""; 0]);
    assert_eq!(world.ours().await.len(), 1);
}
