//! What happens on a connection before anybody is logged in: the host proves which key it has.

use std::sync::{Arc, OnceLock};

use russh::client::Handler;
use russh::keys::{PublicKey, PublicKeyOrCertificate};

/// Judges a host by its key.
pub(super) struct Judge {
    /// Keys that are trusted; `None` ends the connection at the first key, which is all that is wanted.
    pub(super) trusted: Option<Vec<PublicKey>>,
    /// The one of them that the host has.
    pub(super) proven: Arc<OnceLock<PublicKey>>,
}

/// Why a connection came to nothing.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The host has this key, and it is not trusted.
    Offers(Box<PublicKey>),
    /// The host shows a certificate, which was not asked for.
    OffersCertificate,
    /// Something else.
    Failed(russh::Error),
}

impl From<russh::Error> for Verdict {
    fn from(error: russh::Error) -> Self {
        Self::Failed(error)
    }
}

impl Handler for Judge {
    type Error = Verdict;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Verdict> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Err(Verdict::OffersCertificate);
        };
        let mut trusted = self.trusted.iter().flatten();
        if trusted.any(|trusted| trusted.key_data() == key.key_data()) {
            self.proven.get_or_init(|| key.clone());
            Ok(true)
        } else {
            Err(Verdict::Offers(Box::new(key.clone())))
        }
    }
}
