//! The installer's CA. Hosts trust it and nothing else; it names each host in its certificate.
//!
//! One CA serves every Sovereign of an installer: a host calls an address, often a bare IP, before it has said who it
//! is, so a listener can only ever show one certificate. What keeps Sovereigns apart is the node's identity in the
//! certificate and the book, which knows the one key that each node may prove itself with.

mod peer;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKey,
    PublicKeyData as _, SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::node_id::NodeId;

pub(crate) use self::peer::Peer;

/// Days the CA is valid.
const AUTHORITY_DAYS: i64 = 3652;
/// Days a certificate of a host or of the listener is valid. A host enrols again when its own ran out; the listener
/// makes its own anew long before.
pub const LEAF_DAYS: i64 = 30;
/// Year from which certificates are valid. A host whose clock starts years ago must still be able to say so.
const SINCE: i32 = 2020;

/// Why the CA cannot do as told. Never holds a key.
#[derive(Debug, Error)]
#[error("the installer's CA cannot {action}: {why}")]
pub struct AuthorityError {
    action: &'static str,
    why: String,
}

impl AuthorityError {
    pub(crate) fn missing() -> Self {
        cannot("serve")("this installer has none")
    }
}

fn cannot<E: fmt::Display>(action: &'static str) -> impl Fn(E) -> AuthorityError {
    move |why| AuthorityError {
        action,
        why: why.to_string(),
    }
}

/// The installer's CA: ECDSA P-256.
pub struct Authority {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A host's request, whose signature proves that the host holds the key.
#[derive(Debug)]
pub struct SigningRequest(PublicKey);

impl SigningRequest {
    /// Reads a PKCS #10 request in PEM. Only its key counts; names that it asks for are ignored.
    pub fn read(pem: &str) -> Result<Self, AuthorityError> {
        let read = CertificateSigningRequestParams::from_pem(pem);
        let key = read.map_err(cannot("read the signing request"))?.public_key;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(cannot("take the signing request")("its key is not ECDSA P-256"));
        }
        Ok(Self(key))
    }

    /// SHA-256 of the public key (the DER of its `SubjectPublicKeyInfo`), 64 hex digits.
    pub fn public_key(&self) -> String {
        hex::encode(Sha256::digest(self.0.subject_public_key_info()))
    }
}

impl Authority {
    /// Makes a CA: its certificate and its key, both in PEM.
    pub fn generate() -> Result<(String, SecretString), AuthorityError> {
        let failed = "be made";
        let key = KeyPair::generate().map_err(cannot(failed))?;
        let mut params = named("Sovereign installer", AUTHORITY_DAYS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(cannot(failed))?;
        Ok((certificate.pem(), SecretString::from(key.serialize_pem())))
    }

    /// The CA of a certificate and its key.
    pub fn load(certificate_pem: &str, key_pem: &SecretString) -> Result<Self, AuthorityError> {
        let failed = "be loaded";
        let certificate =
            CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(cannot(failed))?;
        let key = KeyPair::from_pem(key_pem.expose_secret()).map_err(cannot(failed))?;
        let peer = Peer::key_of(&certificate).map_err(cannot(failed))?;
        if peer != hex::encode(Sha256::digest(key.subject_public_key_info())) {
            return Err(cannot(failed)("its key is not the one of its certificate"));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(cannot(failed))?;
        Ok(Self {
            certificate_pem: certificate_pem.to_owned(),
            certificate,
            issuer,
        })
    }

    /// The CA's certificate, for hosts to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A host's certificate, in PEM.
    pub fn sign(&self, request: &SigningRequest, node: &NodeId) -> Result<String, AuthorityError> {
        let failed = cannot("sign a host's certificate");
        let uri = node.uri().try_into().map_err(&failed)?;
        let mut params = leaf(&node.node, ExtendedKeyUsagePurpose::ClientAuth);
        params.subject_alt_names = vec![SanType::URI(uri)];
        let certificate = params.signed_by(&request.0, &self.issuer);
        Ok(certificate.map_err(failed)?.pem())
    }

    /// TLS for a listener that hosts call by these DNS names and IP addresses: TLS 1.3, a fresh certificate, and
    /// certificates of hosts welcome but not asked of everyone.
    pub fn server_config(&self, names: &[String]) -> Result<ServerConfig, AuthorityError> {
        let failed = "serve";
        let key = KeyPair::generate().map_err(cannot(failed))?;
        let mut params = leaf(
            "Sovereign installer's listener",
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        params.subject_alt_names = names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(cannot(failed))?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(cannot(failed))?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(cannot(failed))?;
        let hosts = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(cannot(failed))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(cannot(failed))?
            .with_client_cert_verifier(hosts)
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(cannot(failed))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn named(name: &str, days: i64) -> CertificateParams {
    let end = TimeZone::UTC.to_datetime(Timestamp::now() + SignedDuration::from_hours(days * 24));
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(SINCE, 1, 1);
    params.not_after = date_time_ymd(i32::from(end.year()), part(end.month()), part(end.day()));
    params
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = named(name, LEAF_DAYS);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    // Strict verifiers, Python's among them, want it.
    params.use_authority_key_identifier_extension = true;
    params
}

fn subject(name: &str) -> Result<SanType, AuthorityError> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    let dns = name.try_into().map_err(cannot("serve under such a name"))?;
    Ok(SanType::DnsName(dns))
}

#[cfg(test)]
mod tests;
