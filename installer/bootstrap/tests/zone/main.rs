//! The steps of the zone on a real PowerDNS.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod caa;
mod roll;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_bootstrap::nodes::{Nodes, SecretStore, SecretStoreError};
use sovereign_bootstrap::services::NamePool;
use sovereign_bootstrap::steps::{CreateZone, RemoveZone};
use sovereign_bootstrap::{Services, registry};
use sovereign_core::event::RunOutcome;
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_dns::pool::testing::MemoryBook as PoolMemory;
use sovereign_dns::probe::ProbeConfig;
use sovereign_dns::{DomainName, Mailbox, PowerDnsConfig, ZoneHost, ZoneMark, connect_powerdns};
use sovereign_engine::executor::{Executor, ExecutorConfig, Report};
use sovereign_engine::journal::Direction;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_engine::registry::StepRegistry;
use sovereign_engine::testing::{StepBench, step_checks};
use sovereign_lab::PowerDns;
use sovereign_remote::Hub;
use sovereign_remote::testing::MemoryBook;
use tokio_util::sync::CancellationToken;

/// Keeps nothing: no step of a zone has a secret.
#[derive(Debug)]
struct NoSecrets;

#[async_trait]
impl SecretStore for NoSecrets {
    async fn get(&self, _: &str) -> Result<Option<SecretString>, SecretStoreError> {
        Ok(None)
    }

    async fn put(&self, _: &str, _: &SecretString) -> Result<(), SecretStoreError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), SecretStoreError> {
        Ok(())
    }

    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretStoreError> {
        Err(SecretStoreError(format!("{reference} is not needed here")))
    }
}

fn sovereign() -> SovereignName {
    "acme".parse().unwrap()
}

fn zone() -> DomainName {
    "acme.example".parse().unwrap()
}

fn create(addresses: &[&str]) -> CreateZone {
    CreateZone {
        sovereign: sovereign(),
        zone: zone(),
        nameservers: ["ns1.dns.example", "ns2.dns.example"]
            .map(|name| name.parse().unwrap())
            .into(),
        contact: Mailbox::hostmaster(&zone()),
        balancers: Vec::new(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        secondaries: Vec::new(),
        catalog: None,
        rule: None,
        caa: [].into(),
        proven_within: None,
    }
}

fn plan_of<S: sovereign_engine::step::Step>(step: &S) -> Plan {
    let mut plan = PlanBuilder::new(sovereign(), "");
    plan.step(StepName::new("zone"), "the zone", step, &[]).unwrap();
    plan.finish(serde_json::Value::Null)
}

/// A world of one name server.
#[derive(Clone)]
struct Bench {
    server: Arc<PowerDns>,
}

impl Bench {
    async fn start() -> Self {
        let address = IpAddr::from([127, 0, 0, 1]);
        let server = PowerDns::start(address, None).await.unwrap();
        Self {
            server: Arc::new(server),
        }
    }

    fn host(&self) -> Arc<dyn ZoneHost> {
        let key = self.server.key.as_str().into();
        connect_powerdns(PowerDnsConfig::new(&self.server.url, key)).unwrap()
    }

    async fn emptied(&self) -> Self {
        self.host().delete(&zone()).await.unwrap();
        self.clone()
    }

    async fn run(&self, plan: &Plan, services: Services, config: ExecutorConfig) -> Report {
        let journal = Arc::new(MemoryJournal::default());
        let executor = Executor::new(journal, Arc::new(registry()), Arc::new(services), config);
        let worker = WorkerId::new("worker");
        let run = executor.run(worker, plan, Direction::Up, CancellationToken::new());
        run.await.unwrap()
    }
}

fn services(host: Option<Arc<dyn ZoneHost>>) -> Services {
    services_with(host, ProbeConfig::default())
}

fn services_with(host: Option<Arc<dyn ZoneHost>>, probe: ProbeConfig) -> Services {
    let book = Arc::new(MemoryBook::default());
    let hub = Arc::new(Hub::new(book.clone()));
    let nodes = Nodes::new(hub, book, Arc::new(NoSecrets), None, None, Duration::from_secs(1));
    Services {
        cloud: None,
        token: None,
        own_token: None,
        zones: host.into_iter().collect(),
        secondaries: Vec::new(),
        parent: None,
        pool: NamePool {
            book: Arc::new(PoolMemory::default()),
            quarantine: Duration::from_hours(1),
        },
        probe,
        nodes: Arc::new(nodes),
        journal: Arc::new(MemoryJournal::default()),
    }
}

#[async_trait]
impl StepBench for Bench {
    type Services = Services;

    fn registry(&self) -> StepRegistry<Services> {
        registry()
    }

    fn plan(&self) -> Plan {
        plan_of(&create(&["192.0.2.1", "2001:db8::1"]))
    }

    async fn services(&self) -> Arc<Services> {
        Arc::new(services(Some(self.host())))
    }

    async fn world(&self) -> Vec<String> {
        let Some(zone) = self.host().find(&zone()).await.unwrap() else {
            return Vec::new();
        };
        let sets = zone
            .sets
            .iter()
            .filter(|set| set.records.kind().as_str() != "SOA");
        let lines = sets.map(|set| format!("{} {set}", set.ttl));
        lines
            .chain([format!("{:?} of {}", zone.settings, zone.owner)])
            .collect()
    }
}

#[tokio::test]
async fn the_zone_withstands_every_check() {
    let bench = Bench::start().await;
    step_checks(async || bench.emptied().await).await;
}

#[tokio::test]
async fn removing_is_proven_and_may_be_repeated() {
    let bench = Bench::start().await;
    let plan = plan_of(&RemoveZone {
        sovereign: sovereign(),
        zone: zone(),
    });
    let run = async |services| bench.run(&plan, services, ExecutorConfig::default()).await;
    bench
        .run(
            &bench.plan(),
            services(Some(bench.host())),
            ExecutorConfig::default(),
        )
        .await;
    assert!(!bench.world().await.is_empty());
    for _ in 0..2 {
        let report = run(services(Some(bench.host()))).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
        assert!(bench.world().await.is_empty());
    }
    let report = run(services(None)).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "nobody was asked: {report:?}");
}

#[tokio::test]
async fn what_cannot_be_is_said_with_its_reason() {
    let bench = Bench::start().await;
    let nowhere = plan_of(&create(&[]));
    let report = bench
        .run(&nowhere, services(Some(bench.host())), ExecutorConfig::default())
        .await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert!(format!("{report:?}").contains("would lead nowhere"), "{report:?}");

    let other = CreateZone {
        sovereign: "other".parse().unwrap(),
        ..create(&["192.0.2.1"])
    };
    bench
        .run(
            &plan_of(&other),
            services(Some(bench.host())),
            ExecutorConfig::default(),
        )
        .await;
    let report = bench
        .run(
            &bench.plan(),
            services(Some(bench.host())),
            ExecutorConfig::default(),
        )
        .await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert!(
        format!("{report:?}").contains("belongs to `sov:other`"),
        "{report:?}"
    );
    let theirs = bench
        .host()
        .zones_of(&ZoneMark::of(&other.sovereign))
        .await
        .unwrap();
    assert_eq!(theirs, [zone()]);
}
