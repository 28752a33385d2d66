//! The only place where adapters are chosen and put together.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_bootstrap::nodes::Nodes;
use sovereign_bootstrap::services::NamePool;
use sovereign_bootstrap::{Services, steps};
use sovereign_cloud::{Cloud, HetznerConfig, connect_hetzner};
use sovereign_core::name::SovereignName;
use sovereign_core::secret::{SecretRef, fingerprint};
use sovereign_core::spec::{Provider, SovereignSpec};
use sovereign_dns::pool::PoolBook;
use sovereign_dns::transfer::Secondary;
use sovereign_dns::{PowerDnsConfig, ZoneHost, connect_powerdns};
use sovereign_engine::executor::{Executor, ExecutorConfig};
use sovereign_engine::journal::{Journal, Run};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::Plan;
use sovereign_engine::step::chain;
use sovereign_remote::authority::AuthorityError;
use sovereign_remote::dialer::AgentBinary;
use sovereign_remote::{Authority, Hub, NodeBook};
use sovereign_store::{SqliteStore, Vault, secrets};
use uuid::Uuid;

use crate::cli::Global;
use crate::errors::CliError;
use crate::host_link::HostLink;
use crate::node_book::StoredBook;
use crate::pool_book::StoredPoolBook;
use crate::purpose::Purpose;
use crate::sealed::Sealed;
use crate::state_dir::StateDir;
use crate::{own_token, parent, runner};

/// Names of the sealed certificate and key of the authority.
const AUTHORITY_CERTIFICATE: &str = "node-link/authority/certificate";
const AUTHORITY_KEY: &str = "node-link/authority/key";

/// What commands stand on.
#[derive(Debug)]
pub(crate) struct App {
    /// What was asked of every command.
    pub(crate) global: Global,
    /// Where the installer keeps what it must not lose.
    pub(crate) state: StateDir,
    /// The database.
    pub(crate) store: Arc<SqliteStore>,
}

impl App {
    /// Opens the state directory and its database.
    pub(crate) async fn open(global: Global) -> Result<Self, CliError> {
        let state = StateDir::open(global.state_dir.as_deref())?;
        let store = Arc::new(SqliteStore::open(state.path()).await?);
        Ok(Self { global, state, store })
    }

    /// The journal.
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        self.store.clone()
    }

    /// Every Sovereign the journal knows.
    pub(crate) async fn known(&self) -> Result<Vec<SovereignName>, CliError> {
        Ok(self.store.sovereigns().await?)
    }

    /// The last run that built or removed a Sovereign: one that gave its delegation back, or worked on
    /// its zone alone, says nothing about the rest of it.
    pub(crate) async fn last_build(&self, name: &SovereignName) -> Result<Option<Run>, CliError> {
        let last = self.store.last_run(name).await?;
        if last.as_ref().is_none_or(is_build) {
            return Ok(last);
        }
        Ok(self.store.runs(name).await?.into_iter().find(is_build))
    }

    /// The run that says where a Sovereign stands: the last, or the last build where that one worked on the zone alone and is done.
    pub(crate) async fn standing_run(&self, name: &SovereignName) -> Result<Option<Run>, CliError> {
        let last = self.store.last_run(name).await?;
        let done_with_zone = |run: &Run| Purpose::of(&run.plan).is_of_zone() && runner::is_complete(run);
        if !last.as_ref().is_some_and(done_with_zone) {
            return Ok(last);
        }
        Ok(self.last_build(name).await?.or(last))
    }

    /// The secret a reference leads to, read right before it is used.
    pub(crate) async fn secret(&self, reference: &SecretRef) -> Result<SecretString, CliError> {
        let vault = Vault::open(&self.store)?;
        Ok(secrets::resolve(reference, &vault).await?)
    }

    /// The cloud of a provider; machines that are there have none.
    pub(crate) async fn cloud(&self, provider: &Provider) -> Result<Option<Arc<dyn Cloud>>, CliError> {
        match provider {
            Provider::Hetzner { token, .. } => Ok(Some(self.hetzner(self.secret(token).await?)?)),
            Provider::Machines { .. } => Ok(None),
        }
    }

    /// A project of Hetzner Cloud as a token opens it.
    pub(crate) fn hetzner(&self, token: SecretString) -> Result<Arc<dyn Cloud>, CliError> {
        let mut config = HetznerConfig::new(token);
        config.endpoint.clone_from(&self.global.hetzner_endpoint);
        Ok(connect_hetzner(config)?)
    }

    /// What tells the token that a provider's account is worked on with from others.
    async fn token(&self, provider: &Provider) -> Result<Option<String>, CliError> {
        match provider {
            Provider::Hetzner { token, .. } => {
                let token = self.secret(token).await?;
                Ok(Some(fingerprint(token.expose_secret())))
            }
            Provider::Machines { .. } => Ok(None),
        }
    }

    /// The servers that answer for a Sovereign's names.
    pub(crate) async fn zones(&self, spec: &SovereignSpec) -> Result<Vec<Arc<dyn ZoneHost>>, CliError> {
        let mut zones = Vec::new();
        for server in spec.dns.iter().flat_map(|dns| &dns.servers) {
            let key = self.secret(&server.key).await?;
            zones.push(connect_powerdns(PowerDnsConfig::new(&server.url, key))?);
        }
        Ok(zones)
    }

    /// The servers that have the zone from the first of those.
    pub(crate) async fn secondaries(&self, spec: &SovereignSpec) -> Result<Vec<Secondary>, CliError> {
        let mut secondaries = Vec::new();
        for secondary in spec.dns.iter().flat_map(|dns| &dns.secondaries) {
            let host = match &secondary.server {
                Some(server) => {
                    let key = self.secret(&server.key).await?;
                    Some(connect_powerdns(PowerDnsConfig::new(&server.url, key))?)
                }
                None => None,
            };
            secondaries.push(Secondary {
                address: secondary.address,
                host,
            });
        }
        Ok(secondaries)
    }

    /// The installer's sealed secrets, as steps see them.
    pub(crate) fn sealed(&self) -> Sealed {
        Sealed(self.store.clone())
    }

    /// What must survive about nodes.
    pub(crate) fn node_book(&self) -> Arc<dyn NodeBook> {
        Arc::new(StoredBook::new(self.store.clone()))
    }

    /// Who has which name out of a pool.
    pub(crate) fn pool_book(&self) -> Arc<dyn PoolBook> {
        Arc::new(StoredPoolBook::new(self.store.clone()))
    }

    /// How long a name that was given back is kept from others.
    pub(crate) fn quarantine(&self) -> Duration {
        Duration::from_hours(24 * self.global.pool_quarantine_days)
    }

    /// The hosts as steps see them.
    pub(crate) fn nodes(
        &self,
        hub: Arc<Hub>,
        agent: Option<AgentBinary>,
        authority: Option<String>,
        patience: Duration,
    ) -> Nodes {
        let sealed = Arc::new(self.sealed());
        Nodes::new(hub, self.node_book(), sealed, agent, authority, patience)
    }

    /// The authority that hosts which call trust; made when it is first needed.
    pub(crate) async fn authority(&self) -> Result<Authority, CliError> {
        let vault = Vault::open(&self.store)?;
        let kept = (
            vault.get(AUTHORITY_CERTIFICATE).await?,
            vault.get(AUTHORITY_KEY).await?,
        );
        let unusable = |error: AuthorityError| CliError::NodeLink { why: chain(&error) };
        if let (Some(certificate), Some(key)) = kept {
            return Authority::load(certificate.expose_secret(), &key).map_err(unusable);
        }
        let (certificate, key) = Authority::generate().map_err(unusable)?;
        // The certificate last: a key without one is made anew.
        vault.put(AUTHORITY_KEY, &key).await?;
        vault
            .put(AUTHORITY_CERTIFICATE, &SecretString::from(certificate.as_str()))
            .await?;
        Authority::load(&certificate, &key).map_err(unusable)
    }

    /// The executor that works on what a spec names, with what the plan needs.
    pub(crate) async fn executor(
        &self,
        spec: &SovereignSpec,
        link: &HostLink,
        plan: &Plan,
    ) -> Result<Executor<Services>, CliError> {
        let named = Services {
            cloud: None,
            token: None,
            own_token: None,
            zones: Vec::new(),
            secondaries: Vec::new(),
            parent: parent::of_plan(self, spec, plan).await?,
            pool: NamePool {
                book: self.pool_book(),
                quarantine: self.quarantine(),
            },
            probe: self.global.world.probe()?,
            nodes: link.nodes.clone(),
            journal: self.journal(),
        };
        // Whoever gives a delegation back needs nobody else's credential.
        let services = match Purpose::of(plan) {
            Purpose::Rollback => named,
            Purpose::Addresses | Purpose::RollKey => Services {
                zones: self.zones(spec).await?,
                secondaries: self.secondaries(spec).await?,
                ..named
            },
            Purpose::Up | Purpose::Destroy => Services {
                cloud: self.cloud(&spec.provider).await?,
                token: self.token(&spec.provider).await?,
                own_token: own_token::taken_along(self, &spec.provider, plan).await?,
                zones: self.zones(spec).await?,
                secondaries: self.secondaries(spec).await?,
                ..named
            },
        };
        Ok(self.run_with(Arc::new(services)))
    }

    fn run_with(&self, services: Arc<Services>) -> Executor<Services> {
        Executor::new(
            self.journal(),
            Arc::new(steps::registry()),
            services,
            ExecutorConfig {
                lease_ttl: self.lease(),
                ..ExecutorConfig::default()
            },
        )
    }

    /// How long a claim on a Sovereign outlives its installer.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.global.lease_seconds)
    }
}

fn is_build(run: &Run) -> bool {
    matches!(Purpose::of(&run.plan), Purpose::Up | Purpose::Destroy)
}

/// This process, told apart from every other one, even from a later one of the same number.
pub(crate) fn worker() -> WorkerId {
    let host = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    let host = host.unwrap_or_else(|| "unknown-host".to_owned());
    let random = Uuid::new_v4().simple().to_string();
    WorkerId::new(format!(
        "{host}/{}/{}",
        std::process::id(),
        random.get(..8).unwrap_or(&random)
    ))
}
