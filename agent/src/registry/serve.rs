//! The registry itself, as its unit runs it.

use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sovereign_core::registry::NodeRegistry;
use sovereign_images::{Layout, registry};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::layout;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::signs;

/// Certificate and key, beside the configuration.
const SERVER: &str = "server.pem";

/// What the registry is told. Holds no secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Serving {
    address: SocketAddrV4,
    layout: PathBuf,
}

impl Serving {
    pub(super) fn of(host: &Host, registry: &NodeRegistry) -> Self {
        Self {
            address: registry.address,
            layout: host.root.path(&layout::path(registry)),
        }
    }

    pub(super) fn text(&self) -> Result<String, Fault> {
        let text = serde_json::to_string_pretty(self);
        text.map_err(|error| {
            Fault::new(
                format!("the registry's configuration cannot be written: {error}"),
                "please report this",
            )
        })
    }

    fn load(path: &Path) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let text = fs::read(path).or_fault("reading", &name)?;
        serde_json::from_slice(&text).map_err(|error| {
            Fault::new(
                format!("`{name}` is not the configuration of a registry: {error}"),
                "let the installer bring the registry again",
            )
        })
    }
}

/// Serves until it is asked to stop, then lets transfers end.
pub async fn serve(config: &Path) -> Result<(), Fault> {
    let Serving { address, layout } = Serving::load(config)?;
    let server = config.with_file_name(SERVER);
    let pem = fs::read_to_string(&server).or_fault("reading", &server.display().to_string())?;
    let tls = registry::tls(&pem, &SecretString::from(pem.as_str()));
    let tls =
        tls.map_err(|error| Fault::new(error.to_string(), "let the installer bring the registry again"))?;
    let layout = Layout::open(layout).and_then(registry::router);
    let router = layout.map_err(|error| Fault::new(error.to_string(), error.remedy()))?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Fault::new(
            format!("cannot listen on {address}: {error}"),
            format!(
                "see who else listens there: `ss -ltnp sport = :{}`",
                address.port()
            ),
        )
    })?;
    let mut asked = signal(SignalKind::terminate()).or_fault("waiting for", "SIGTERM")?;
    let stop = CancellationToken::new();
    let serving = registry::serve(listener, tls, router, stop.clone());
    let stopping = async {
        asked.recv().await;
        signs::stopping();
        stop.cancel();
    };
    signs::ready();
    tokio::join!(serving, stopping);
    Ok(())
}
