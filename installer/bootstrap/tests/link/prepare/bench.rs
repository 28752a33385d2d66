//! A host that is what it is to be, with an agent that is played.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sovereign_bootstrap::nodes::{SecretStore, SecretStoreError};
use sovereign_bootstrap::steps::PrepareHost;
use sovereign_bootstrap::{Services, registry};
use sovereign_core::agent::{
    AgentEvent, AgentEventKind, FromAgent, PreflightOrder, PreflightReport, ToAgent,
};
use sovereign_core::host::{HostConfig, HostRole};
use sovereign_core::secret::SecretRef;
use sovereign_engine::executor::Report;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal as _};
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::testing::{TestAgent, hello};
use sovereign_remote::{Hub, Transport as Way};
use tokio_util::sync::CancellationToken;

use crate::bench::{PATIENCE, executor_of, node, place, services, worker};

const SERVER: &str = "server/cp-1";

/// Has no secret: a host that calls needs none of the installer's.
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

    async fn resolve(&self, _: &SecretRef) -> Result<SecretString, SecretStoreError> {
        Ok(SecretString::from(""))
    }
}

/// A server that is there, with what is known of it.
#[derive(Debug, Serialize, Deserialize)]
struct GivenServer;

impl Step for GivenServer {
    const KIND: &'static str = "test.server";
    type Services = Services;
    type Output = Value;

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<Value>, StepError> {
        Ok(Some(
            json!({"kind": "server", "id": 1, "name": "cp-1", "privateIpv4": "10.0.0.2"}),
        ))
    }

    async fn apply(&self, _: &StepContext<'_, Services>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

pub(crate) struct Bench {
    services: Arc<Services>,
    hub: Arc<Hub>,
    journal: Arc<MemoryJournal>,
    plan: Plan,
}

impl Bench {
    /// A plan for a host that has to reach these.
    pub(crate) fn new(reach: &[&str]) -> Self {
        let journal = Arc::<MemoryJournal>::default();
        let (services, hub) = services(Arc::new(NoSecrets), None, &journal, &Arc::default(), PATIENCE);
        Self {
            services: Arc::new(services),
            hub,
            journal,
            plan: plan(reach),
        }
    }

    /// Runs the plan to its end, with an agent that is what it is to be already. `sees` is what it finds when it is told to look; what it
    /// was told to do comes back.
    pub(crate) async fn run(
        &self,
        mut sees: impl FnMut(&PreflightOrder) -> PreflightReport,
    ) -> (Report, Vec<ToAgent>) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut greeting = hello("cp-1", "host", "boot", 0);
        greeting.applied = Some(config().digest());
        let mut orders = Vec::new();
        let plays = async {
            let mut agent = TestAgent::open(theirs, greeting).await;
            let mut seq = 0;
            while let Some(order) = agent.order().await {
                if let ToAgent::Preflight(asked) = &order {
                    seq += 1;
                    let event = AgentEvent {
                        seq,
                        at: Timestamp::now(),
                        kind: AgentEventKind::Preflight(sees(asked)),
                    };
                    agent.say(FromAgent::Event(event)).await;
                }
                orders.push(order);
            }
            std::future::pending().await
        };
        let node = node();
        let link = async {
            self.hub.attach(&node, ours, Way::Https).await;
            std::future::pending().await
        };
        let executor = executor_of(registry().with::<GivenServer>(), &self.journal, &self.services);
        let runs = executor.run(worker(), &self.plan, Direction::Up, CancellationToken::new());
        let report = tokio::select! {
            report = runs => report.unwrap(),
            report = plays => report,
            report = link => report,
        };
        (report, orders)
    }

    /// All that the journal has, as text.
    pub(crate) async fn journal(&self) -> String {
        let events = self.journal.events(&self.plan.sovereign, 0, usize::MAX).await;
        format!("{:?}", events.unwrap())
    }
}

fn config() -> HostConfig {
    HostConfig {
        hostname: "cp-1".into(),
        role: HostRole::FirstControlPlane,
        modules: Vec::new(),
        sysctl: BTreeMap::new(),
        authorized_keys: Vec::new(),
        firewall: None,
        time_servers: Vec::new(),
        upgrades: None,
        fail2ban: false,
        files: BTreeMap::new(),
        units: BTreeMap::new(),
    }
}

fn plan(reach: &[&str]) -> Plan {
    let node = node();
    let mut plan = PlanBuilder::new(node.sovereign.clone(), "");
    let server = StepName::new(SERVER);
    plan.step(server.clone(), "a server", &GivenServer, &[]).unwrap();
    let step = PrepareHost {
        node,
        enrolled: serde_json::from_value("enrol/cp-1".into()).unwrap(),
        place: place(),
        preflight: PreflightOrder {
            min_free_disk_mib: 10_000,
            reach: reach.iter().map(|&address| address.to_owned()).collect(),
            ..PreflightOrder::default()
        },
        config: config(),
    };
    plan.step(StepName::new("host/cp-1"), "cp-1", &step, &[server])
        .unwrap();
    plan.finish(Value::Null)
}
