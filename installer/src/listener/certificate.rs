//! The listener's certificate, made anew long before it runs out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sovereign_remote::Hub;
use sovereign_remote::authority::AuthorityError;
use tokio_rustls::rustls::ServerConfig;

/// Age at which the certificate is made anew; it is valid for some weeks.
const FRESH: Duration = Duration::from_hours(24);

/// TLS as hosts meet it.
#[derive(Debug)]
pub(super) struct ServerTls {
    hub: Arc<Hub>,
    names: [String; 1],
    current: Mutex<Option<(Instant, Arc<ServerConfig>)>>,
}

impl ServerTls {
    /// For a listener that is called by this name or IP address.
    pub(super) fn new(hub: Arc<Hub>, name: String) -> Self {
        Self {
            hub,
            names: [name],
            current: Mutex::default(),
        }
    }

    /// With a certificate that is at most a day old.
    pub(super) fn config(&self) -> Result<Arc<ServerConfig>, AuthorityError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, config)) = &*current
            && made.elapsed() < FRESH
        {
            return Ok(config.clone());
        }
        let config = Arc::new(self.hub.server_config(&self.names)?);
        *current = Some((Instant::now(), config.clone()));
        Ok(config)
    }
}
