//! The steps of a delegation in a plan, run by the real executor over a world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sovereign_bootstrap::nodes::{Nodes, SecretStore, SecretStoreError};
use sovereign_bootstrap::services::NamePool;
use sovereign_bootstrap::steps::{
    Course, DelegatedName, DrainDelegation, InspectDelegation, InspectedDelegation, MadeZone,
    PointDelegation, RestoreDelegation, SignDelegation, UnsignDelegation, ValidateDelegation,
    ValidatedDelegation, ValidatedWay,
};
use sovereign_bootstrap::{Services, registry};
use sovereign_core::event::EventKind;
use sovereign_core::name::SovereignName;
use sovereign_core::registrar::RegistrarCredential;
use sovereign_core::secret::SecretRef;
use sovereign_dns::delegation::{Patience, Place, Snapshot};
use sovereign_dns::record::{Ds, RecordSet, Records, Soa};
use sovereign_dns::registrar::{NsSet, ParentHost};
use sovereign_dns::zone::Change;
use sovereign_dns::{DomainName, Mailbox, ZoneMark, ZoneRequest, publish};
use sovereign_engine::executor::{Executor, ExecutorConfig, ExecutorError, Report, RetryPolicy};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_engine::registry::StepRegistry;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_lab::{RegisteredDomain, RegistrarVendor};
use sovereign_remote::Hub;
use sovereign_remote::testing::MemoryBook;
use tokio_util::sync::CancellationToken;

use crate::world::{OURS, World};

/// Longest wait for what is on its way.
const PATIENCE: Duration = Duration::from_mins(5);

/// Secrets in memory; what a reference leads to is its name.
#[derive(Debug, Default)]
pub(crate) struct MemorySecrets(Mutex<BTreeMap<String, SecretString>>);

impl MemorySecrets {
    /// What they are kept under.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretStoreError> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    async fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretStoreError> {
        self.0.lock().unwrap().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretStoreError> {
        Ok(reference.to_string().into())
    }
}

/// Stands for the step that makes the zone: the same but for its TTLs, which are a second here instead of hours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QuickZone {
    sovereign: SovereignName,
    zone: DomainName,
}

impl QuickZone {
    fn request(&self) -> ZoneRequest {
        let set = |name: DomainName, records| RecordSet {
            name,
            ttl: 1,
            records,
        };
        let ns = OURS.map(|host| host.parse().unwrap());
        let www = self.zone.child("www").unwrap();
        ZoneRequest {
            name: self.zone.clone(),
            mark: ZoneMark::of(&self.sovereign),
            soa: Soa {
                primary: OURS[0].parse().unwrap(),
                contact: Mailbox::hostmaster(&self.zone),
                serial: 0,
                refresh: 10_800,
                retry: 3_600,
                expire: 1_209_600,
                negative_ttl: 1,
            },
            soa_ttl: 1,
            sets: vec![
                set(self.zone.clone(), Records::Ns(ns.into())),
                set(www, Records::A(["192.0.2.90".parse().unwrap()].into())),
            ],
        }
    }
}

impl Step for QuickZone {
    const KIND: &'static str = "zone.create";
    type Services = Services;
    type Output = MadeZone;

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<MadeZone>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<MadeZone, StepError> {
        let published = publish(&cx.services.zones, &self.request()).await.unwrap();
        Ok(MadeZone {
            zone: self.zone.clone(),
            ds: published.ds,
        })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// A world with a journal; every run is a new process.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) patience: Patience,
    /// A person changes the delegation.
    pub(crate) by_hand: bool,
    /// What the plan says that the registrar is asked with.
    pub(crate) credential: Option<RegistrarCredential>,
    pub(crate) secrets: Arc<MemorySecrets>,
    /// Nothing that answers DNS can be reached from where the plan runs.
    pub(crate) is_cut_off: bool,
    /// Longest silence of a run in the journal.
    pub(crate) heartbeat: Duration,
    /// Put around the registrar's client.
    pub(crate) around: Option<Around>,
}

/// Something around a registrar's client.
pub(crate) type Around = Box<dyn Fn(Arc<dyn ParentHost>) -> Arc<dyn ParentHost> + Send + Sync>;

impl Bench {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world,
            journal: Arc::new(MemoryJournal::default()),
            patience: Patience {
                // Long enough for a machine that has other things to do; tests of what takes too long shorten it.
                shown: 120,
                by_hand: 120,
                sick: 60,
            },
            by_hand: false,
            credential: None,
            secrets: Arc::default(),
            is_cut_off: false,
            heartbeat: Duration::from_millis(300),
            around: None,
        }
    }

    pub(crate) fn name(&self) -> DelegatedName {
        DelegatedName {
            sovereign: "acme".parse().unwrap(),
            domain: self.world.domain.clone(),
            nameservers: NsSet::read(OURS).unwrap(),
            patience: self.patience,
        }
    }

    /// The plan as the planner drafts it.
    pub(crate) fn plan(&self) -> Plan {
        self.plan_to(OURS)
    }

    /// The same towards other name servers.
    pub(crate) fn plan_to(&self, nameservers: [&str; 2]) -> Plan {
        let name = DelegatedName {
            nameservers: NsSet::read(nameservers).unwrap(),
            ..self.name()
        };
        let mut plan = PlanBuilder::new(name.sovereign.clone(), "");
        let zone = QuickZone {
            sovereign: name.sovereign.clone(),
            zone: name.domain.clone(),
        };
        let zone = plan.step(StepName::new("zone"), "zone", &zone, &[]).unwrap();
        let of_zone = zone.name().clone();
        let after = |earlier: &StepName| [earlier.clone(), of_zone.clone()];
        let child = self.world.vendor == RegistrarVendor::Cloudflare;
        let inspect = InspectDelegation {
            name: name.clone(),
            place: if child { Place::Child } else { Place::Apex },
        };
        let inspect = plan
            .step(
                StepName::new("inspect"),
                "inspect",
                &inspect,
                std::slice::from_ref(&of_zone),
            )
            .unwrap();
        let course = Course {
            name: name.clone(),
            inspect: inspect.clone(),
            zone: serde_json::from_value("zone".into()).unwrap(),
            credential: self.credential.clone(),
        };
        let unsign = UnsignDelegation {
            course: course.clone(),
            earlier: None,
        };
        let unsign = plan
            .step(StepName::new("unsign"), "unsign", &unsign, &after(inspect.name()))
            .unwrap();
        let point = PointDelegation {
            course: course.clone(),
            earlier: Some(unsign.clone()),
        };
        let point = plan
            .step(StepName::new("point"), "point", &point, &after(unsign.name()))
            .unwrap();
        let drain = DrainDelegation {
            course: course.clone(),
            earlier: Some(point.clone()),
        };
        let drain = plan
            .step(StepName::new("drain"), "drain", &drain, &after(point.name()))
            .unwrap();
        let sign = SignDelegation {
            course: course.clone(),
            earlier: Some(drain.clone()),
        };
        let sign = plan
            .step(StepName::new("sign"), "sign", &sign, &after(drain.name()))
            .unwrap();
        let validate = ValidateDelegation {
            name,
            way: Some(ValidatedWay {
                course,
                sign: sign.clone(),
            }),
        };
        plan.step(
            StepName::new("validate"),
            "validate",
            &validate,
            &after(sign.name()),
        )
        .unwrap();
        plan.finish(serde_json::Value::Null)
    }

    pub(crate) fn restore(&self, snapshot: Snapshot) -> Plan {
        let name = self.name();
        let mut plan = PlanBuilder::new(name.sovereign.clone(), "");
        let restore = RestoreDelegation {
            name,
            snapshot,
            drain: true,
        };
        plan.step(StepName::new("restore"), "restore", &restore, &[])
            .unwrap();
        plan.finish(serde_json::Value::Null)
    }

    fn registry() -> StepRegistry<Services> {
        registry().with::<QuickZone>()
    }

    fn services(&self, journal: Arc<dyn Journal>) -> Services {
        let book = Arc::new(MemoryBook::default());
        let hub = Arc::new(Hub::new(book.clone()));
        let nodes = Nodes::new(
            hub,
            book,
            self.secrets.clone(),
            None,
            None,
            Duration::from_secs(1),
        );
        Services {
            cloud: None,
            token: None,
            own_token: None,
            zones: self.world.our_hosts(),
            secondaries: Vec::new(),
            parent: (!self.by_hand).then(|| match &self.around {
                Some(around) => around(self.world.parent()),
                None => self.world.parent(),
            }),
            pool: NamePool {
                book: Arc::new(sovereign_dns::pool::testing::MemoryBook::default()),
                quarantine: Duration::from_hours(1),
            },
            probe: if self.is_cut_off {
                self.world.probe_from_nowhere()
            } else {
                self.world.probe()
            },
            nodes: Arc::new(nodes),
            journal,
        }
    }

    /// Runs a plan as a new process over a journal.
    pub(crate) async fn run_on(
        &self,
        journal: Arc<dyn Journal>,
        plan: &Plan,
    ) -> Result<Report, ExecutorError> {
        let config = ExecutorConfig {
            retry: RetryPolicy {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(500),
            },
            lease_ttl: Duration::from_mins(1),
            heartbeat: self.heartbeat,
            ..ExecutorConfig::default()
        };
        let services = Arc::new(self.services(journal.clone()));
        let executor = Executor::new(journal, Arc::new(Self::registry()), services, config);
        let worker = WorkerId::new(uuid());
        executor
            .run(worker, plan, Direction::Up, CancellationToken::new())
            .await
    }

    pub(crate) async fn run(&self, plan: &Plan) -> Report {
        self.run_on(self.journal.clone(), plan).await.unwrap()
    }

    /// The last output of a step in the journal.
    pub(crate) async fn output(&self, wanted: &str) -> Option<serde_json::Value> {
        let name = "acme".parse().unwrap();
        let events = self.journal.events(&name, 0, usize::MAX).await.unwrap();
        let mut outputs = events.into_iter().filter_map(|event| match event.kind {
            EventKind::StepSucceeded { output, .. } if event.step.as_deref() == Some(wanted) => Some(output),
            _ => None,
        });
        outputs.next_back()
    }

    /// Waits until the registrar's record fulfils something.
    pub(crate) async fn until(&self, what: impl Fn(&RegisteredDomain) -> bool) {
        let began = Instant::now();
        while !what(&self.world.entry()) {
            assert!(began.elapsed() < PATIENCE, "it stays {:?}", self.world.entry());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Our servers no longer answer as they should: the zone names others.
    pub(crate) async fn break_ours(&self) {
        self.name_ours(&["ns9.operator.example"]).await;
    }

    /// They do again.
    pub(crate) async fn mend_ours(&self) {
        self.name_ours(&OURS).await;
    }

    async fn name_ours(&self, hosts: &[&str]) {
        let hosts = hosts.iter().map(|host| host.parse().unwrap());
        let set = RecordSet {
            name: self.world.domain.clone(),
            ttl: 1,
            records: Records::Ns(hosts.collect()),
        };
        // Of the two servers one fails.
        let host = self.world.our_hosts().remove(0);
        host.change(&self.world.domain, &[Change::Replace(set)])
            .await
            .unwrap();
    }

    /// Whether a part of some step was told.
    pub(crate) async fn told(&self, part: &str) -> bool {
        let name = "acme".parse().unwrap();
        let events = self.journal.events(&name, 0, usize::MAX).await.unwrap();
        events
            .into_iter()
            .any(|event| matches!(event.kind, EventKind::SubStep(told) if told.name == part))
    }

    /// Everything that steps were said to wait for.
    pub(crate) async fn waits(&self) -> Vec<String> {
        let name = "acme".parse().unwrap();
        let events = self.journal.events(&name, 0, usize::MAX).await.unwrap();
        let waits = events.into_iter().flat_map(|event| match event.kind {
            EventKind::Heartbeat { waits, .. } => waits,
            _ => Vec::new(),
        });
        waits
            .map(|wait| format!("{}; {}", wait.waiting_for, wait.last_seen))
            .collect()
    }

    /// Why steps were tried again.
    pub(crate) async fn retries(&self) -> Vec<String> {
        let name = "acme".parse().unwrap();
        let events = self.journal.events(&name, 0, usize::MAX).await.unwrap();
        let causes = events.into_iter().filter_map(|event| match event.kind {
            EventKind::StepRetrying { cause, .. } => Some(cause),
            _ => None,
        });
        causes.collect()
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        let output = self.output("inspect").await.unwrap();
        let inspected: InspectedDelegation = serde_json::from_value(output).unwrap();
        inspected.before.unwrap()
    }

    pub(crate) async fn validated(&self) -> ValidatedDelegation {
        let output = self.output("validate").await.unwrap();
        serde_json::from_value(output).unwrap()
    }

    /// Keys that the old zone signs with, and ours.
    pub(crate) async fn keys(&self) -> (Vec<Ds>, Vec<Ds>) {
        let domain = &self.world.domain;
        let of = async |host: Arc<dyn sovereign_dns::ZoneHost>| match host.find(domain).await.unwrap() {
            Some(_) => {
                let keys = host.keys(domain).await.unwrap();
                keys.into_iter().flat_map(|key| key.ds).collect::<Vec<Ds>>()
            }
            None => Vec::new(),
        };
        (
            of(self.world.old_host()).await,
            of(self.world.our_hosts().remove(0)).await,
        )
    }
}

fn uuid() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("worker-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Worlds at a time: they wait for TTLs most of the time.
const AT_ONCE: usize = 4;

/// Tries every place from the first on, some at a time, until one is never come to; answers how many there are.
pub(crate) async fn everywhere(strike: impl AsyncFn(usize) -> bool) -> usize {
    for first in (1..).step_by(AT_ONCE) {
        let tries = (first..first + AT_ONCE).map(|place| strike(place));
        let struck = futures::future::join_all(tries).await;
        if let Some(last) = struck.iter().position(|struck| !struck) {
            return first + last - 1;
        }
    }
    unreachable!("every run ends")
}
