//! Why a call to the installer failed, told apart by what is to be done.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use thiserror::Error;

/// Why a call to the installer failed. Never holds a secret.
#[derive(Debug, Error)]
pub enum DialError {
    /// Nobody answers, or the installer has trouble of its own.
    #[error("the installer at `{address}` cannot be reached: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// The installer takes too long.
    #[error("the installer at `{address}` did not answer within {} s", within.as_secs())]
    TimedOut {
        /// Where.
        address: String,
        /// How long was waited.
        within: Duration,
    },
    /// Whoever answers is not the installer that this host was made by.
    #[error("whoever answers at `{address}` is not this host's installer: {why}")]
    WrongCertificate {
        /// Where.
        address: String,
        /// What is wrong with its certificate.
        why: String,
    },
    /// By this host's clock, the installer's certificate is of another time.
    #[error("by this host's clock, the installer's certificate at `{address}` is of another time: {why}")]
    Clock {
        /// Where.
        address: String,
        /// From or until when it is valid, and what time it is here.
        why: String,
    },
    /// The installer does not accept this host's certificate: it ran out, or is of another installer.
    #[error("the installer at `{address}` does not accept this host's certificate: {why}")]
    NotAccepted {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// The installer turned this host away.
    #[error("the installer turned this host away: {why}")]
    Refused {
        /// What happened, on what, why.
        why: String,
        /// What to do next.
        remedy: String,
    },
    /// Whoever answers does not speak this protocol.
    #[error("whoever answers at `{address}` is no installer of this version: {what}")]
    Protocol {
        /// Where.
        address: String,
        /// What it did.
        what: String,
    },
    /// Something on this host cannot be used.
    #[error("{what} cannot be used: {why}")]
    Material {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
}

impl DialError {
    /// What to do next.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => {
                "see that the installer runs and that its address and port are open to this host; it is called again"
            }
            Self::WrongCertificate { .. } => {
                "something between host and installer answers in its place, or the host was made by another installer: rebuild the host from the installer that is to have it"
            }
            Self::Clock { .. } => {
                "set the host's clock (`timedatectl`) and see that it reaches its time servers"
            }
            Self::NotAccepted { .. } => "enrol again; if that is refused, rebuild the host",
            Self::Refused { remedy, .. } => remedy,
            Self::Protocol { .. } => {
                "see that nothing between host and installer answers in its place, and that both are of one version"
            }
            Self::Material { .. } => "remove `/var/lib/sovereign-agent` and rebuild the host",
        }
    }

    pub(super) fn material(what: &'static str, why: &impl Display) -> Self {
        let why = why.to_string();
        Self::Material { what, why }
    }

    pub(super) fn protocol(address: &str, what: &str) -> Self {
        Self::Protocol {
            address: address.to_owned(),
            what: what.to_owned(),
        }
    }

    /// Finds out what an error of the HTTP client is about.
    pub(super) fn sending(address: &str, error: &reqwest::Error) -> Self {
        let address = address.to_owned();
        if error.is_timeout() {
            return Self::Unreachable {
                address,
                why: "the connection timed out".into(),
            };
        }
        if let Some(tls) = tls_error(error) {
            return Self::tls(address, tls);
        }
        let mut innermost: &dyn Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self::Unreachable {
            address,
            why: innermost.to_string(),
        }
    }

    fn tls(address: String, error: &rustls::Error) -> Self {
        use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
        match error {
            rustls::Error::InvalidCertificate(
                why @ (Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }),
            ) => Self::Clock {
                address,
                why: why.to_string(),
            },
            rustls::Error::InvalidCertificate(why) => Self::WrongCertificate {
                address,
                why: match why {
                    CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                        "its certificate is not signed by the CA from this host's user data".into()
                    }
                    other => other.to_string(),
                },
            },
            rustls::Error::AlertReceived(alert) if speaks_of_certificate(*alert) => Self::NotAccepted {
                address,
                why: error.to_string(),
            },
            other => Self::Protocol {
                address,
                what: other.to_string(),
            },
        }
    }
}

fn speaks_of_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::CertificateRequired
    )
}

/// An error of TLS travels inside an [`io::Error`], which does not name it among its sources.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}
