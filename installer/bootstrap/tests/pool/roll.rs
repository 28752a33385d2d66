//! A key that is rolled in a pool's zone, by processes that die all the time, while somebody behind a resolver asks.

use std::sync::Arc;
use std::time::Duration;

use sovereign_bootstrap::plan_roll;
use sovereign_bootstrap::steps::RolledZone;
use sovereign_bootstrap::teardown::{PoolTeardown, plan_release};
use sovereign_core::event::RunOutcome;
use sovereign_dns::probe::{Expectation, ProbeConfig, Prober, Security, TrustAnchor};
use sovereign_dns::record::{Ds, Records};
use sovereign_dns::{DomainName, ZoneHost};
use sovereign_engine::clock::ManualClock;
use sovereign_engine::executor::{Executor, ExecutorConfig, ExecutorError, Report, RetryPolicy};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::Plan;
use sovereign_engine::testing::{CrashPoint, CrashingJournal, StepBench as _};
use sovereign_lab::{Fate, Memory, PrivateDns, PrivateDnsConfig, Watch};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, child, name, pool, up_from_the_root};

/// Number of a record type (RFC 1035 section 3.2.2).
const A: u16 = 1;
const LEASE: Duration = Duration::from_mins(1);
/// Processes after which a roll is over, however each of them dies.
const ENOUGH: usize = 60;

/// A name out of a pool, delegated and proven, with TTLs that are short enough to be waited for.
struct World {
    dns: PrivateDns,
    bench: Bench,
    old: Vec<Ds>,
}

impl World {
    async fn start() -> Self {
        let dns = PrivateDns::start(PrivateDnsConfig::default()).await.unwrap();
        dns.add_pool(pool().as_str()).await.unwrap();
        let apis = dns
            .operator
            .iter()
            .map(|server| (server.dns.url.clone(), server.dns.key.clone()));
        let probe = ProbeConfig {
            roots: vec![dns.root()],
            port: dns.port(),
            anchor: Some(TrustAnchor::read(&dns.anchor_file()).unwrap()),
            ..ProbeConfig::default()
        };
        let bench = Bench::on(apis.collect(), probe);
        let report = bench
            .run(&up_from_the_root("acme", &nameservers(), 60), Direction::Up)
            .await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        dns.shorten(&child().absolute(), 1).await.unwrap();
        let old = bench.hosts()[0].keys(&child()).await.unwrap().remove(0).ds;
        Self { dns, bench, old }
    }

    fn roll(&self) -> Plan {
        let zone = RolledZone {
            sovereign: "acme".parse().unwrap(),
            zone: child(),
            nameservers: nameservers().into_iter().collect(),
            pool: Some(name()),
            secondaries: Vec::new(),
            retiring: self.old.clone(),
        };
        plan_roll(&zone, None).unwrap()
    }

    /// Runs a plan as a new process.
    async fn process(
        &self,
        journal: Arc<dyn Journal>,
        plan: &Plan,
        number: usize,
    ) -> Result<Report, ExecutorError> {
        let config = ExecutorConfig {
            retry: RetryPolicy {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(500),
            },
            lease_ttl: LEASE,
            ..ExecutorConfig::default()
        };
        let services = Arc::new(self.bench.new_services());
        let executor = Executor::new(
            journal,
            Arc::new(sovereign_bootstrap::registry()),
            services,
            config,
        );
        let worker = WorkerId::new(format!("worker-{number}"));
        executor
            .run(worker, plan, Direction::Up, CancellationToken::new())
            .await
    }

    /// What each server of the pool vouches for.
    async fn vouched(&self) -> Vec<Vec<Ds>> {
        let mut all = Vec::new();
        for host in self.bench.hosts() {
            let sets = host.sets(&pool(), Some(&child())).await.unwrap().unwrap();
            let ds = sets.into_iter().find_map(|marked| match marked.set.records {
                Records::Ds(ds) => Some(ds.into_iter().collect()),
                _ => None,
            });
            all.push(ds.unwrap_or_default());
        }
        all
    }

    async fn assert_secure(&self) {
        let report = Prober::new(self.bench.probe.clone())
            .probe(&child(), &Expectation::default())
            .await;
        assert_eq!(report.security, Security::Secure, "{:?}", report.findings);
    }
}

fn nameservers() -> Vec<DomainName> {
    PrivateDns::OPERATOR.map(|host| host.parse().unwrap()).into()
}

async fn keys(host: &dyn ZoneHost) -> Vec<Ds> {
    let keys = host.keys(&child()).await.unwrap();
    keys.into_iter().flat_map(|key| key.ds).collect()
}

#[tokio::test]
async fn a_roll_whose_processes_die_all_the_time_ends_and_nobody_notices() {
    let world = World::start().await;
    let plan = world.roll();
    let resolver = world.dns.resolver(Memory::Lasting).await.unwrap();
    let harbor = format!("harbor.{}", child());
    let asking = Watch::start(&[resolver.address], &[(&harbor, A)]);
    let clock = Arc::new(ManualClock::default());
    let journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
    let mut deaths = 0;
    loop {
        let point = if deaths % 2 == 0 {
            CrashPoint::AfterWrite
        } else {
            CrashPoint::BeforeWrite
        };
        let append = 2 + deaths % 4 + deaths / 20;
        let process = Arc::new(CrashingJournal::at(journal.clone(), append, point));
        let ended = world.process(process, &plan, deaths).await;
        clock.advance(LEASE + Duration::from_secs(1));
        for vouched in world.vouched().await {
            assert_eq!(vouched.len(), 1, "after {deaths}");
        }
        world.assert_secure().await;
        if let Ok(report) = ended {
            assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
            break;
        }
        deaths += 1;
        assert!(deaths < ENOUGH, "it does not come to an end");
    }
    assert!(deaths > 4, "{deaths}");

    let hosts = world.bench.hosts();
    let new = keys(&*hosts[0]).await;
    assert_eq!(new.len(), 1);
    assert_ne!(new, world.old);
    assert_eq!(keys(&*hosts[1]).await, new);
    assert_eq!(world.vouched().await, [new.clone(), new.clone()]);
    let seen = asking.end().await;
    // A machine that is busy may leave a question unanswered; what counts is that no answer was wrong.
    let wrong: Vec<_> = seen
        .failures
        .iter()
        .filter(|it| it.fate != Fate::Silent)
        .collect();
    assert!(wrong.is_empty() && seen.answered > 0, "{wrong:?}");
    assert_eq!(seen.secure, seen.answered);

    // What comes after it finds the new key, and gives the name back.
    let report = world
        .bench
        .run(&up_from_the_root("acme", &nameservers(), 60), Direction::Up)
        .await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(world.vouched().await, [new.clone(), new]);
    let teardown = PoolTeardown {
        name: name(),
        generation: Some(1),
    };
    let down = plan_release(&"acme".parse().unwrap(), &child(), &teardown).unwrap();
    let report = world.bench.run(&down, Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert!(world.bench.world().await.is_empty());
}

#[tokio::test]
async fn records_of_somebody_else_stop_it_and_both_keys_go_on_signing() {
    let world = World::start().await;
    world.bench.squat(Some("sov:other")).await;
    let journal = Arc::new(MemoryJournal::default());
    let report = world.process(journal, &world.roll(), 0).await.unwrap();
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(said.contains("belongs to `sov:other`"), "{said}");
    assert_eq!(world.vouched().await, [world.old.clone(), world.old.clone()]);
    assert_eq!(keys(&*world.bench.hosts()[0]).await.len(), 2);
}
