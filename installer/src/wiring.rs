//! The only place where adapters are chosen and put together.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sovereign_bootstrap::{Services, steps};
use sovereign_cloud::{Cloud, HetznerConfig, connect_hetzner};
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::Provider;
use sovereign_engine::executor::{Executor, ExecutorConfig};
use sovereign_engine::journal::Journal;
use sovereign_engine::lease::WorkerId;
use sovereign_store::{SqliteStore, Vault, secrets};
use uuid::Uuid;

use crate::cli::Global;
use crate::errors::CliError;
use crate::state_dir::StateDir;

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

    /// The cloud of a provider.
    pub(crate) async fn cloud(&self, provider: &Provider) -> Result<Arc<dyn Cloud>, CliError> {
        match provider {
            Provider::Hetzner { token } => {
                let mut config = HetznerConfig::new(self.secret(token).await?);
                config.endpoint.clone_from(&self.global.hetzner_endpoint);
                Ok(connect_hetzner(config)?)
            }
        }
    }

    /// The executor that works on a cloud.
    pub(crate) fn executor(&self, cloud: Arc<dyn Cloud>) -> Executor<Services> {
        let services = Arc::new(Services { cloud: Some(cloud) });
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
