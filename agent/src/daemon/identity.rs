//! The host's identity towards the installer: a key that never leaves the host, and the certificate a ticket got for it.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sovereign_remote::dial::{self, Credentials, DialError};

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;
use crate::state;

const FILE: &str = "/var/lib/sovereign-agent/identity.json";

/// The host's identity. It is on the disk before it is used, so a crash in the middle of enrolling asks again with the
/// same key, which the installer answers again.
pub(super) struct Identity {
    key: SecretString,
    ticket: SecretString,
    certificate: Option<String>,
}

/// As it is on the disk, for root alone.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnDisk {
    key: String,
    /// Used up, and good for nothing without the key; the installer wants to see it again when the certificate runs out.
    ticket: String,
    certificate: Option<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("enrolled", &self.certificate.is_some())
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the identity, or begins one with the ticket in `ticket_file`. The ticket's file is gone afterwards.
    pub(super) fn load(root: &Root, ticket_file: &str) -> Result<Self, Fault> {
        let fresh = root
            .read(ticket_file)
            .or_fault("reading", ticket_file)?
            .map(|text| SecretString::from(text.trim()));
        let known = state::read_json::<OnDisk>(root, FILE)?.map(|known| Self {
            key: SecretString::from(known.key),
            ticket: SecretString::from(known.ticket),
            certificate: known.certificate,
        });
        let identity = match (known, fresh) {
            (Some(known), Some(ticket)) if known.ticket.expose_secret() != ticket.expose_secret() => Self {
                ticket,
                certificate: None,
                ..known
            },
            (Some(known), _) => known,
            (None, Some(ticket)) => {
                let key = dial::new_key().map_err(|error| Fault::new(error.to_string(), error.remedy()))?;
                Self {
                    key,
                    ticket,
                    certificate: None,
                }
            }
            (None, None) => {
                return Err(Fault::new(
                    format!("this host has no identity, and there is no ticket at `{ticket_file}`"),
                    "rebuild the host: its user data carries a fresh ticket",
                ));
            }
        };
        identity.save(root)?;
        disk::remove(&root.path(ticket_file)).or_fault("removing", ticket_file)?;
        Ok(identity)
    }

    /// What opens a link, if the host has enrolled.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        Some(Credentials {
            certificate_pem: self.certificate.clone()?,
            key_pem: self.key.clone(),
        })
    }

    /// Trades the ticket for a certificate, or asks for a new one with the same key.
    pub(super) async fn enrol(&mut self, root: &Root, call: &Call<'_>) -> Result<(), Refusal> {
        let got = dial::enrol(call.url, call.ca_pem, call.node, &self.ticket, &self.key).await?;
        self.certificate = Some(got.certificate_pem);
        Ok(self.save(root)?)
    }

    /// The installer does not take the certificate any more.
    pub(super) fn forget_certificate(&mut self) {
        self.certificate = None;
    }

    fn save(&self, root: &Root) -> Result<(), Fault> {
        let on_disk = OnDisk {
            key: self.key.expose_secret().to_owned(),
            ticket: self.ticket.expose_secret().to_owned(),
            certificate: self.certificate.clone(),
        };
        state::write_json(root, FILE, &on_disk)
    }
}

/// Whom to call, as whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) url: &'a url::Url,
    pub(super) ca_pem: &'a str,
    pub(super) node: &'a str,
}

/// Why enrolling failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Over there or on the way.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// Here.
    #[error("{0}")]
    Host(#[from] Fault),
}
