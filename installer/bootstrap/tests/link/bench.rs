//! A server of a lab, a step that talks to it, and an agent that is played.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_bootstrap::link::Transport;
use sovereign_bootstrap::nodes::{Nodes, SecretStore, SecretStoreError};
use sovereign_bootstrap::services::NamePool;
use sovereign_bootstrap::steps::{EnrolHost, HostPlace, ReleaseHost};
use sovereign_bootstrap::{Services, registry};
use sovereign_cloud::{Cloud, HetznerConfig, connect_hetzner};
use sovereign_core::secret::SecretRef;
use sovereign_dns::pool::testing::MemoryBook as PoolBook;
use sovereign_dns::probe::ProbeConfig;
use sovereign_engine::executor::{Executor, ExecutorConfig, Report};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal as _};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_engine::registry::StepRegistry;
use sovereign_lab::{Lab, LabConfig, RunningLab};
use sovereign_remote::ssh::new_key_pair;
use sovereign_remote::testing::{MemoryBook, TestAgent, hello};
use sovereign_remote::{Hub, NodeBook as _, NodeId, Transport as Way};
use tokio::io::DuplexStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const NODE: &str = "acme/cp-1";
const SERVER: &str = "cp-1";
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) type Agent = TestAgent<DuplexStream>;

/// Has one secret, whatever it is called.
#[derive(Debug)]
struct OneKey(SecretString);

#[async_trait]
impl SecretStore for OneKey {
    async fn get(&self, _: &str) -> Result<Option<SecretString>, SecretStoreError> {
        Ok(Some(self.0.clone()))
    }

    async fn put(&self, _: &str, _: &SecretString) -> Result<(), SecretStoreError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), SecretStoreError> {
        Ok(())
    }

    async fn resolve(&self, _: &SecretRef) -> Result<SecretString, SecretStoreError> {
        Ok(self.0.clone())
    }
}

pub(crate) struct Bench {
    lab: RunningLab,
    services: Arc<Services>,
    hub: Arc<Hub>,
    book: Arc<MemoryBook>,
    journal: Arc<MemoryJournal>,
    plan: Plan,
}

impl Bench {
    /// A server that runs and a plan for it; nobody on it has called yet, and silence lasts so long before it means something.
    pub(crate) async fn of(step: impl FnOnce(&mut PlanBuilder), patience: Duration) -> Self {
        let config = LabConfig {
            create_seconds: 0.1,
            ..LabConfig::default()
        };
        let lab = Lab::start(config).await.unwrap();
        let cloud = connect_hetzner(HetznerConfig {
            endpoint: Some(lab.url()),
            ..HetznerConfig::new(lab.token().into())
        });
        let (key, _) = new_key_pair("installer").unwrap();
        let journal = Arc::<MemoryJournal>::default();
        let book = Arc::<MemoryBook>::default();
        let (services, hub) = services(
            Arc::new(OneKey(key)),
            Some(cloud.unwrap()),
            &journal,
            &book,
            patience,
        );
        let bench = Self {
            lab,
            services: Arc::new(services),
            hub,
            journal,
            book,
            plan: plan(step),
        };
        bench.hcloud(&[
            "create",
            "--name",
            SERVER,
            "--type",
            "cx33",
            "--image",
            "debian-12",
            "--location",
            "fsn1",
        ]);
        bench
    }

    /// Switches the server on or off.
    pub(crate) fn server(&self, act: &str) {
        self.hcloud(&[act, SERVER]);
    }

    fn hcloud(&self, args: &[&str]) {
        let done = tokio::task::block_in_place(|| {
            Command::new("hcloud")
                .arg("server")
                .args(args)
                .env("HCLOUD_TOKEN", self.lab.token())
                .env("HCLOUD_ENDPOINT", self.lab.url())
                .output()
        });
        let done = done.expect("hcloud runs: install hcloud-cli");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A run before this one heard so much of the host.
    pub(crate) async fn heard(&self, seq: u64) {
        self.book.heard(&node(), seq).await.unwrap();
    }

    /// An agent on the link. It remembers what it told.
    pub(crate) async fn agent(&self) -> Agent {
        let (ours, theirs) = tokio::io::duplex(4096);
        let hub = self.hub.clone();
        tokio::spawn(async move { hub.attach(&node(), ours, Way::Https).await });
        let told = self.book.last_heard(&node()).await.unwrap();
        TestAgent::open(theirs, hello(SERVER, "host", "boot", told)).await
    }

    /// Runs the plan to its end, as a new process.
    pub(crate) async fn run(&self) -> Report {
        self.executor()
            .run(worker(), &self.plan, Direction::Up, CancellationToken::new())
            .await
            .unwrap()
    }

    /// Runs the plan as a process that dies once the journal has something.
    pub(crate) async fn run_until(&self, seen: impl Fn(&str) -> bool) {
        let executor = self.executor();
        tokio::select! {
            report = executor.run(worker(), &self.plan, Direction::Up, CancellationToken::new()) => panic!("{report:#?}"),
            () = self.until(seen) => {}
        }
    }

    pub(crate) async fn until(&self, seen: impl Fn(&str) -> bool) {
        let shows = async {
            while !seen(&self.journal().await) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let came = timeout(PATIENCE, shows).await.is_ok();
        assert!(came, "it does not come to that: {}", self.journal().await);
    }

    /// All that the journal has, as text.
    pub(crate) async fn journal(&self) -> String {
        let events = self.journal.events(&self.plan.sovereign, 0, usize::MAX).await;
        format!("{:?}", events.unwrap())
    }

    fn executor(&self) -> Executor<Services> {
        executor(&self.journal, &self.services)
    }
}

/// What steps work with, and the hub of their links.
pub(crate) fn services(
    secrets: Arc<dyn SecretStore>,
    cloud: Option<Arc<dyn Cloud>>,
    journal: &Arc<MemoryJournal>,
    book: &Arc<MemoryBook>,
    patience: Duration,
) -> (Services, Arc<Hub>) {
    let hub = Arc::new(Hub::new(book.clone()));
    let nodes = Nodes::new(hub.clone(), book.clone(), secrets, None, None, patience);
    let services = Services {
        cloud,
        token: None,
        own_token: None,
        zones: Vec::new(),
        secondaries: Vec::new(),
        parent: None,
        pool: NamePool {
            book: Arc::new(PoolBook::default()),
            quarantine: Duration::ZERO,
        },
        probe: ProbeConfig::default(),
        nodes: Arc::new(nodes),
        journal: journal.clone(),
    };
    (services, hub)
}

/// A process that runs plans.
pub(crate) fn executor(journal: &Arc<MemoryJournal>, services: &Arc<Services>) -> Executor<Services> {
    executor_of(registry(), journal, services)
}

/// The same, with these steps.
pub(crate) fn executor_of(
    steps: StepRegistry<Services>,
    journal: &Arc<MemoryJournal>,
    services: &Arc<Services>,
) -> Executor<Services> {
    let config = ExecutorConfig::default();
    Executor::new(journal.clone(), Arc::new(steps), services.clone(), config)
}

pub(crate) fn node() -> NodeId {
    NODE.parse().unwrap()
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::new("worker")
}

fn plan(step: impl FnOnce(&mut PlanBuilder)) -> Plan {
    let mut plan = PlanBuilder::new(node().sovereign, "");
    step(&mut plan);
    plan.finish(serde_json::Value::Null)
}

/// Where its server comes from does not matter to a host that calls.
pub(crate) fn place() -> HostPlace {
    HostPlace::Server {
        server: serde_json::from_value("server/cp-1".into()).unwrap(),
        transport: Transport::Https {
            url: "https://198.51.100.1:8443".into(),
        },
    }
}

pub(crate) fn enrol(plan: &mut PlanBuilder) {
    let step = EnrolHost {
        node: node(),
        place: place(),
    };
    plan.step(StepName::new("enrol/cp-1"), "cp-1 answers", &step, &[])
        .unwrap();
}

pub(crate) fn release(plan: &mut PlanBuilder) {
    let step = ReleaseHost {
        node: node(),
        place: place(),
        authorized_keys: Vec::new(),
    };
    plan.step(StepName::new("release/cp-1"), "let go of cp-1", &step, &[])
        .unwrap();
}
