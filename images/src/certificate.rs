//! A CA for a Sovereign's registries, and certificates for those who serve. ECDSA P-256.

use std::fmt;
use std::net::IpAddr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

/// Days a CA and its certificates are valid: a Sovereign cut off from everybody must go on.
const DAYS: i64 = 3652;
/// Year from which they are valid. A host without a network may believe that it is years ago.
const SINCE: i32 = 2020;

/// Why there is no certificate. Never holds a key.
#[derive(Debug, Error)]
#[error("the registry's CA cannot {action}: {why}")]
pub struct CertificateError {
    action: &'static str,
    why: String,
}

fn cannot<E: fmt::Display>(action: &'static str) -> impl Fn(E) -> CertificateError {
    move |why| CertificateError {
        action,
        why: why.to_string(),
    }
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS #8).
    pub key_pem: SecretString,
}

/// Makes a CA whose certificates end with it. `name` is for people, such as `acme registry`.
pub fn authority(name: &str) -> Result<Pair, CertificateError> {
    let failed = "be made";
    let key = KeyPair::generate().map_err(cannot(failed))?;
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(cannot(failed))?;
    Ok(pair(certificate.pem(), &key))
}

/// Makes a certificate for a server that is called by these DNS names and IP addresses.
pub fn issue(authority: &Pair, names: &[String]) -> Result<Pair, CertificateError> {
    let failed = "make a certificate";
    let issuer =
        CertificateDer::from_pem_slice(authority.certificate_pem.as_bytes()).map_err(cannot("be read"))?;
    let issuer_key = KeyPair::from_pem(authority.key_pem.expose_secret()).map_err(cannot("be read"))?;
    let issuer = Issuer::from_ca_cert_der(&issuer, issuer_key).map_err(cannot("be read"))?;
    let Some(first) = names.first() else {
        return Err(cannot(failed)("the server has no name"));
    };
    let key = KeyPair::generate().map_err(cannot(failed))?;
    let mut params = named(first);
    params.subject_alt_names = names.iter().map(|name| subject(name)).collect::<Result<_, _>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer).map_err(cannot(failed))?;
    Ok(pair(certificate.pem(), &key))
}

fn pair(certificate_pem: String, key: &KeyPair) -> Pair {
    Pair {
        certificate_pem,
        key_pem: SecretString::from(key.serialize_pem()),
    }
}

fn named(name: &str) -> CertificateParams {
    let end = TimeZone::UTC.to_datetime(Timestamp::now() + SignedDuration::from_hours(DAYS * 24));
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(SINCE, 1, 1);
    params.not_after = date_time_ymd(i32::from(end.year()), part(end.month()), part(end.day()));
    params
}

fn subject(name: &str) -> Result<SanType, CertificateError> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    let dns = name.try_into().map_err(cannot("name a server so"))?;
    Ok(SanType::DnsName(dns))
}
