//! The only place where adapters are chosen and put together.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_bootstrap::nodes::Nodes;
use sovereign_bootstrap::{Services, steps};
use sovereign_cloud::{Cloud, HetznerConfig, connect_hetzner};
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::{Provider, SovereignSpec};
use sovereign_dns::{PowerDnsConfig, ZoneHost, connect_powerdns};
use sovereign_engine::executor::{Executor, ExecutorConfig};
use sovereign_engine::journal::Journal;
use sovereign_engine::lease::WorkerId;
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
use crate::sealed::Sealed;
use crate::state_dir::StateDir;

/// Names of the sealed certificate and key of the authority.
const AUTHORITY_CERTIFICATE: &str = "node-link/authority/certificate";
const AUTHORITY_KEY: &str = "node-link/authority/key";

/// What commands stand on.
#[derive(Debug)]
pub(crate) struct App {
    /// What was asked of every command.
    pub(crate) global: Global,
    /// The database.
    pub(crate) store: Arc<SqliteStore>,
}

impl App {
    /// Opens the state directory and its database.
    pub(crate) async fn open(global: Global) -> Result<Self, CliError> {
        let state = StateDir::open(global.state_dir.as_deref())?;
        let store = Arc::new(SqliteStore::open(state.path()).await?);
        Ok(Self { global, store })
    }

    /// The journal.
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        self.store.clone()
    }

    /// Every Sovereign the journal knows.
    pub(crate) async fn known(&self) -> Result<Vec<SovereignName>, CliError> {
        Ok(self.store.sovereigns().await?)
    }

    /// The secret a reference leads to, read right before it is used.
    pub(crate) async fn secret(&self, reference: &SecretRef) -> Result<SecretString, CliError> {
        let vault = Vault::open(&self.store)?;
        Ok(secrets::resolve(reference, &vault).await?)
    }

    /// The cloud of a provider; machines that are there have none.
    pub(crate) async fn cloud(&self, provider: &Provider) -> Result<Option<Arc<dyn Cloud>>, CliError> {
        match provider {
            Provider::Hetzner { token } => {
                let mut config = HetznerConfig::new(self.secret(token).await?);
                config.endpoint.clone_from(&self.global.hetzner_endpoint);
                Ok(Some(connect_hetzner(config)?))
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

    /// What must survive about nodes.
    pub(crate) fn node_book(&self) -> Arc<dyn NodeBook> {
        Arc::new(StoredBook::new(self.store.clone()))
    }

    /// The hosts as steps see them.
    pub(crate) fn nodes(
        &self,
        hub: Arc<Hub>,
        agent: Option<AgentBinary>,
        authority: Option<String>,
        patience: Duration,
    ) -> Nodes {
        let sealed = Arc::new(Sealed(self.store.clone()));
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

    /// The executor that works on what a spec names.
    pub(crate) async fn executor(
        &self,
        spec: &SovereignSpec,
        link: &HostLink,
    ) -> Result<Executor<Services>, CliError> {
        let services = Arc::new(Services {
            cloud: self.cloud(&spec.provider).await?,
            zones: self.zones(spec).await?,
            nodes: link.nodes.clone(),
        });
        Ok(self.run_with(services))
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
