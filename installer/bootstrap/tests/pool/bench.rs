//! A world of two name servers with a pool, a book and a sealed store.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_bootstrap::nodes::{Nodes, SecretStore, SecretStoreError};
use sovereign_bootstrap::services::NamePool;
use sovereign_bootstrap::steps::{
    ActivateName, CreateZone, DelegateName, DelegatedName, HoldName, ProveServers, ValidateDelegation,
};
use sovereign_bootstrap::teardown::{PoolTeardown, plan_release};
use sovereign_bootstrap::{Services, registry};
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_dns::delegation::Patience;
use sovereign_dns::pool::testing::MemoryBook;
use sovereign_dns::pool::{Allocation, PoolBook, PoolName};
use sovereign_dns::probe::ProbeConfig;
use sovereign_dns::record::{RecordSet, Records, Soa};
use sovereign_dns::registrar::NsSet;
use sovereign_dns::zone::{Change, SetMark};
use sovereign_dns::{
    DomainName, Mailbox, PowerDnsConfig, ZoneHost, ZoneMark, ZoneRequest, connect_powerdns, publish,
};
use sovereign_engine::executor::{Executor, ExecutorConfig, Report};
use sovereign_engine::journal::Direction;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_engine::registry::StepRegistry;
use sovereign_engine::testing::StepBench;
use sovereign_lab::PowerDns;
use sovereign_remote::Hub;
use sovereign_remote::testing::MemoryBook as Nodebook;
use tokio_util::sync::CancellationToken;

/// How long the pool's zone lets the absence of a name be cached, in seconds.
const NEGATIVE_TTL: u32 = 1;

/// Secrets in memory.
#[derive(Debug, Default)]
struct Secrets(Mutex<BTreeMap<String, SecretString>>);

#[async_trait]
impl SecretStore for Secrets {
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
        Err(SecretStoreError(format!("{reference} is not needed here")))
    }
}

pub(crate) fn pool() -> DomainName {
    "sovereigns.example".parse().unwrap()
}

pub(crate) fn name() -> PoolName {
    sovereign_dns::pool::testing::pool_name("acme")
}

pub(crate) fn child() -> DomainName {
    name().fqdn().unwrap()
}

fn nameservers() -> Vec<DomainName> {
    ["ns1.dns.example", "ns2.dns.example"]
        .map(|name| name.parse().unwrap())
        .into()
}

/// The steps of `up` that concern the name, but for the proof from the root: these servers have none above them.
pub(crate) fn up(sovereign: &str) -> Plan {
    draft(sovereign, &nameservers(), None)
}

/// All steps of `up` that concern the name. `sick`: seconds for which its servers may fail to answer.
pub(crate) fn up_from_the_root(sovereign: &str, nameservers: &[DomainName], sick: u64) -> Plan {
    let patience = Patience {
        sick,
        ..Patience::default()
    };
    draft(sovereign, nameservers, Some(patience))
}

fn draft(sovereign: &str, nameservers: &[DomainName], proven: Option<Patience>) -> Plan {
    let sovereign: SovereignName = sovereign.parse().unwrap();
    let mut plan = PlanBuilder::new(sovereign.clone(), "");
    let hold = HoldName {
        sovereign: sovereign.clone(),
        name: name(),
    };
    let hold = plan.step(StepName::new("hold"), "hold", &hold, &[]).unwrap();
    let zone = CreateZone {
        sovereign: sovereign.clone(),
        zone: child(),
        nameservers: nameservers.to_vec(),
        contact: Mailbox::hostmaster(&child()),
        balancers: Vec::new(),
        addresses: vec!["192.0.2.1".parse().unwrap()],
        secondaries: Vec::new(),
        catalog: None,
        rule: None,
        caa: [].into(),
        proven_within: None,
    };
    let after = [hold.name().clone()];
    let zone = plan.step(StepName::new("zone"), "zone", &zone, &after).unwrap();
    let delegate = DelegateName {
        sovereign: sovereign.clone(),
        name: name(),
        nameservers: nameservers.to_vec(),
        hold: hold.clone(),
        zone: zone.clone(),
    };
    let mut after = vec![hold.name().clone(), zone.name().clone()];
    let led = proven.map(|patience| DelegatedName {
        sovereign: sovereign.clone(),
        domain: child(),
        nameservers: NsSet::read(nameservers.iter().map(DomainName::as_str)).unwrap(),
        patience,
    });
    if let Some(name) = led.clone() {
        let servers = ProveServers {
            name,
            zone: zone.clone(),
        };
        let servers = plan.step(StepName::new("servers"), "servers", &servers, &after);
        after.push(servers.unwrap().name().clone());
    }
    let delegate = plan
        .step(StepName::new("delegate"), "delegate", &delegate, &after)
        .unwrap();
    let mut last = delegate.name().clone();
    if let Some(name) = led {
        let validate = ValidateDelegation { name, way: None };
        let validate = plan.step(StepName::new("validate"), "validate", &validate, &[last]);
        last = validate.unwrap().name().clone();
    }
    let activate = ActivateName {
        sovereign,
        name: name(),
        hold: hold.clone(),
    };
    let after = [hold.name().clone(), last];
    plan.step(StepName::new("activate"), "activate", &activate, &after)
        .unwrap();
    plan.finish(serde_json::Value::Null)
}

/// The steps of `destroy` that concern the name.
pub(crate) fn down(sovereign: &str, generation: Option<u64>) -> Plan {
    let teardown = PoolTeardown {
        name: name(),
        generation,
    };
    plan_release(&sovereign.parse().unwrap(), &child(), &teardown).unwrap()
}

/// A world of two name servers with a pool, a book and a sealed store.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// They end with this value; none for servers of somebody else.
    servers: Option<Arc<[PowerDns; 2]>>,
    /// Address and key of each API.
    apis: Vec<(String, String)>,
    pub(crate) probe: ProbeConfig,
    book: Arc<MemoryBook>,
    secrets: Arc<Secrets>,
    pub(crate) quarantine: Duration,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let address = IpAddr::from([127, 0, 0, 1]);
        let (one, two) = tokio::join!(PowerDns::start(address, None), PowerDns::start(address, None));
        let servers = [one.unwrap(), two.unwrap()];
        let apis = servers
            .each_ref()
            .map(|server| (server.url.clone(), server.key.clone()));
        let apis = apis.into();
        let bench = Self {
            servers: Some(Arc::new(servers)),
            ..Self::on(apis, ProbeConfig::default())
        };
        publish(&bench.hosts(), &pool_zone()).await.unwrap();
        bench
    }

    /// On servers that have the pool's zone already.
    pub(crate) fn on(apis: Vec<(String, String)>, probe: ProbeConfig) -> Self {
        Self {
            servers: None,
            apis,
            probe,
            book: Arc::default(),
            secrets: Arc::default(),
            quarantine: Duration::from_hours(1),
        }
    }

    /// The same servers without anything below the pool, and an empty book.
    pub(crate) async fn emptied(&self) -> Self {
        for host in self.hosts() {
            host.delete(&child()).await.unwrap();
            let there = host.sets(&pool(), Some(&child())).await.unwrap().unwrap();
            let removals = there.iter().map(|there| Change::Remove {
                name: child(),
                kind: there.set.records.kind(),
            });
            let removals: Vec<Change> = removals.collect();
            host.change(&pool(), &removals).await.unwrap();
            host.forget_answers(&child()).await.unwrap();
        }
        Self {
            servers: self.servers.clone(),
            quarantine: self.quarantine,
            ..Self::on(self.apis.clone(), self.probe.clone())
        }
    }

    pub(crate) fn hosts(&self) -> Vec<Arc<dyn ZoneHost>> {
        let connect = |(url, key): &(String, String)| {
            connect_powerdns(PowerDnsConfig::new(url, key.as_str().into())).unwrap()
        };
        self.apis.iter().map(connect).collect()
    }

    pub(crate) fn dns_addresses(&self) -> Vec<std::net::SocketAddr> {
        let servers = self.servers.iter().flat_map(|servers| servers.iter());
        servers.map(|server| server.dns_addr).collect()
    }

    /// Caches forget what the child's zone says within a second.
    pub(crate) async fn shorten(&self) {
        for host in self.hosts() {
            let zone = host.find(&child()).await.unwrap().unwrap();
            let shorter = zone.sets.into_iter().map(|set| {
                let records = match set.records {
                    Records::Soa(soa) => Records::Soa(Soa {
                        negative_ttl: 1,
                        ..soa
                    }),
                    records => records,
                };
                Change::Replace(RecordSet {
                    ttl: 1,
                    records,
                    ..set
                })
            });
            host.change(&child(), &shorter.collect::<Vec<_>>()).await.unwrap();
        }
    }

    pub(crate) async fn allocation(&self) -> Option<Allocation> {
        self.book.find(&name()).await.unwrap()
    }

    /// Puts a record set of somebody else at the child's place, on the second server.
    pub(crate) async fn squat(&self, mark: Option<&str>) {
        let set = RecordSet {
            name: child(),
            ttl: 1,
            records: Records::Ns(["ns.other.example".parse().unwrap()].into()),
        };
        let change = match mark {
            Some(owner) => Change::Mark(
                set,
                SetMark {
                    owner: owner.to_owned(),
                    generation: 1,
                },
            ),
            None => Change::Replace(set),
        };
        self.hosts()[1].change(&pool(), &[change]).await.unwrap();
    }

    pub(crate) fn new_services(&self) -> Services {
        let nodebook = Arc::new(Nodebook::default());
        let hub = Arc::new(Hub::new(nodebook.clone()));
        let nodes = Nodes::new(
            hub,
            nodebook,
            self.secrets.clone(),
            None,
            None,
            Duration::from_secs(1),
        );
        Services {
            cloud: None,
            token: None,
            own_token: None,
            zones: self.hosts(),
            secondaries: Vec::new(),
            parent: None,
            pool: NamePool {
                book: self.book.clone(),
                quarantine: self.quarantine,
            },
            probe: self.probe.clone(),
            nodes: Arc::new(nodes),
            journal: Arc::new(MemoryJournal::default()),
        }
    }

    pub(crate) async fn run(&self, plan: &Plan, direction: Direction) -> Report {
        let journal = Arc::new(MemoryJournal::default());
        let services = Arc::new(self.new_services());
        let executor = Executor::new(journal, Arc::new(registry()), services, ExecutorConfig::default());
        let run = executor.run(WorkerId::new("worker"), plan, direction, CancellationToken::new());
        run.await.unwrap()
    }
}

fn pool_zone() -> ZoneRequest {
    ZoneRequest {
        name: pool(),
        mark: ZoneMark::of(&"pool-owner".parse().unwrap()),
        soa: Soa {
            primary: "ns1.dns.example".parse().unwrap(),
            contact: Mailbox::hostmaster(&pool()),
            serial: 0,
            refresh: 10_800,
            retry: 3_600,
            expire: 1_209_600,
            negative_ttl: NEGATIVE_TTL,
        },
        soa_ttl: 300,
        sets: vec![RecordSet {
            name: pool(),
            ttl: 300,
            records: Records::Ns(nameservers().into_iter().collect()),
        }],
    }
}

#[async_trait]
impl StepBench for Bench {
    type Services = Services;

    fn registry(&self) -> StepRegistry<Services> {
        registry()
    }

    fn plan(&self) -> Plan {
        up("acme")
    }

    async fn services(&self) -> Arc<Services> {
        Arc::new(self.new_services())
    }

    /// A name in quarantine is not the Sovereign's any more.
    async fn world(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(found) = self
            .allocation()
            .await
            .filter(|found| found.state.may_be_in_dns())
        {
            lines.push(format!("{} of {} {:?}", found.name, found.sovereign, found.state));
        }
        for (number, host) in self.hosts().iter().enumerate() {
            let zone = host.find(&child()).await.unwrap();
            lines.extend(
                zone.map(|zone| format!("{number}: zone of {}, {} sets", zone.owner, zone.sets.len())),
            );
            let there = host.sets(&pool(), Some(&child())).await.unwrap().unwrap();
            let line = |there: &sovereign_dns::zone::MarkedSet| {
                let mark = there.mark.as_ref().map(|mark| mark.owner.clone());
                format!(
                    "{number}: {} for {} s of {mark:?}",
                    there.set.records.kind(),
                    there.set.ttl
                )
            };
            lines.extend(there.iter().map(line));
        }
        lines
    }
}
