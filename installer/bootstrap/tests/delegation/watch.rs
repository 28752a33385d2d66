//! Watches a domain through every change, as resolvers with caches do: what the parent said within a TTL must fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign_dns::DomainName;
use sovereign_dns::delegation::{ParentView, Says};
use sovereign_dns::probe::{Expectation, Failure, Pace, ProbeConfig, Prober, Security};
use sovereign_dns::record::Ds;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use sovereign_lab::RegistrarVendor;

use crate::world::{Before, OLD, OURS, World};

const EVERY: Duration = Duration::from_millis(100);
/// For so long a resolver may remember, where every TTL of the world is a second.
const REMEMBERED: Duration = Duration::from_secs(1);

/// What one server of the parent said, some time between two moments.
#[derive(Debug, Clone)]
struct Sample {
    asked: Instant,
    answered: Instant,
    ns: BTreeSet<DomainName>,
    ds: BTreeSet<Ds>,
}

/// Asks every 100 ms until it is told to stop.
pub(crate) struct Watch {
    stop: CancellationToken,
    task: JoinHandle<Seen>,
}

#[derive(Debug)]
pub(crate) struct Seen {
    /// For so long a resolver may remember.
    remembered: Duration,
    samples: Vec<Sample>,
    /// What a resolver would have answered `SERVFAIL` or `NXDOMAIN` to.
    wrong: Vec<String>,
}

impl Watch {
    pub(crate) fn start(domain: &DomainName, probe: ProbeConfig) -> Self {
        Self::remembering(domain, probe, REMEMBERED)
    }

    /// The same where a resolver may remember for so long.
    pub(crate) fn remembering(domain: &DomainName, probe: ProbeConfig, remembered: Duration) -> Self {
        let stop = CancellationToken::new();
        let probe = ProbeConfig {
            pace: Pace {
                burst: 1_000,
                gap: Duration::ZERO,
            },
            ..probe
        };
        let task = tokio::spawn(watch(domain.clone(), probe, remembered, stop.clone()));
        Self { stop, task }
    }

    /// `keys`: what the old zone, and ours, sign with.
    pub(crate) async fn assert_unbroken(self, old: &[Ds], ours: &[Ds]) {
        self.end().await.assert_unbroken(old, ours);
    }

    pub(crate) async fn end(self) -> Seen {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

impl Seen {
    /// The last moment at which the parent is known to have led there, if it ever did.
    pub(crate) fn last_led_to(&self, host: &str) -> Option<Instant> {
        let led = |sample: &&Sample| sample.ns.iter().any(|ns| ns.as_str() == host);
        self.samples.iter().filter(led).map(|sample| sample.asked).max()
    }

    pub(crate) fn assert_unbroken(&self, old: &[Ds], ours: &[Ds]) {
        let seen = self;
        assert!(seen.samples.len() > 5, "{seen:?}");
        assert_eq!(seen.wrong, [] as [String; 0]);
        let keys: BTreeMap<&str, &[Ds]> = OLD
            .iter()
            .map(|host| (*host, old))
            .chain(OURS.iter().map(|host| (*host, ours)))
            .collect();
        // A resolver that holds a DS record of one moment and name servers of another.
        for one in &seen.samples {
            for other in &seen.samples {
                // At most: what was surely said within a TTL counts, also on a machine that is slow.
                let apart = one.answered.max(other.answered) - one.asked.min(other.asked);
                if apart > seen.remembered || one.ds.is_empty() {
                    continue;
                }
                for host in &other.ns {
                    let known = keys.get(host.as_str()).copied().unwrap_or(old);
                    let fits = one.ds.iter().any(|ds| known.contains(ds));
                    assert!(fits, "{apart:?} apart, {one:?} is bogus with {other:?}");
                }
            }
        }
    }
}

async fn watch(
    domain: DomainName,
    probe: ProbeConfig,
    remembered: Duration,
    stop: CancellationToken,
) -> Seen {
    let mut seen = Seen {
        remembered,
        samples: Vec::new(),
        wrong: Vec::new(),
    };
    let mut ticks = tokio::time::interval(EVERY);
    let prober = Arc::new(probe);
    let timed_out = Failure::TimedOut { ignored: 0 }.to_string();
    while !stop.is_cancelled() {
        ticks.tick().await;
        let asked = Instant::now();
        let report = Prober::new((*prober).clone())
            .probe(&domain, &Expectation::default())
            .await;
        let answered = Instant::now();
        let view = ParentView::of(&report);
        for server in &view.servers {
            match &server.says {
                Says::Delegates { ns, ds } => seen.samples.push(Sample {
                    asked,
                    answered,
                    ns: ns.clone(),
                    ds: ds.clone().unwrap_or_default(),
                }),
                // Too busy is not wrong.
                Says::Silent { why } if *why == timed_out => {}
                other => seen.wrong.push(format!("{}: {other}", server.server)),
            }
        }
        // Asked within a TTL, as a resolver sees it that has to ask for everything.
        if report.security == Security::Bogus && answered - asked < remembered {
            seen.wrong.push(format!("bogus: {:?}", report.findings));
        }
        for server in &report.evidence.servers {
            if let Some(failure) = server.soa.failure()
                && !matches!(failure, Failure::TimedOut { .. })
            {
                seen.wrong.push(format!("{}: {failure}", server.server));
            }
        }
    }
    seen
}

/// A watch that cannot fail would watch nothing.
#[tokio::test]
#[should_panic(expected = "is bogus with")]
async fn an_unguarded_flip_of_a_signed_domain_is_noticed() {
    let world = World::start(RegistrarVendor::Porkbun, Before::Signed).await;
    let old: Vec<Ds> = world.old_host().keys(&world.domain).await.unwrap().remove(0).ds;
    let watch = Watch::start(&world.domain, world.probe());
    tokio::time::sleep(3 * EVERY).await;
    let mut entry = world.entry();
    entry.ns = OURS.map(str::to_owned).into();
    world.publish(&entry).await;
    tokio::time::sleep(5 * EVERY).await;
    // Whether our servers answer is not the question here.
    let mut seen = watch.end().await;
    seen.wrong.clear();
    seen.assert_unbroken(&old, &[]);
}
