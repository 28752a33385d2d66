//! Who a certificate says its holder is. The TLS layer has verified its chain before.

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::node_id::NodeId;

/// A certificate that is not a host's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the certificate is not a host's: {0}")]
pub(crate) struct NotAPeer(&'static str);

/// Who a certificate says its holder is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The node.
    pub(crate) node: NodeId,
    /// SHA-256 of the public key, as in [`super::SigningRequest::public_key`].
    pub(crate) public_key: String,
}

impl Peer {
    /// Reads a certificate in DER.
    pub(crate) fn read(certificate: &[u8]) -> Result<Self, NotAPeer> {
        let certificate = parse(certificate)?;
        let names = certificate.subject_alternative_name();
        let names = names.map_err(|_| NotAPeer("its names cannot be read"))?;
        let names = names
            .map(|names| names.value.general_names.as_slice())
            .unwrap_or_default();
        let [GeneralName::URI(uri)] = names else {
            return Err(NotAPeer("it does not name exactly one node"));
        };
        let node = NodeId::from_uri(uri).map_err(|_| NotAPeer("its name is no node's"))?;
        let public_key = digest(&certificate);
        Ok(Self { node, public_key })
    }

    /// SHA-256 of the public key in a certificate.
    pub(super) fn key_of(certificate: &[u8]) -> Result<String, NotAPeer> {
        Ok(digest(&parse(certificate)?))
    }
}

fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, NotAPeer> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| NotAPeer("it cannot be read"))?;
    Ok(certificate)
}

fn digest(certificate: &X509Certificate<'_>) -> String {
    hex::encode(Sha256::digest(certificate.public_key().raw))
}
