//! The agent's calls to the installer: enrol once, then connect, again and again.
//!
//! The installer is trusted by one CA, which came with the user data; the system's trust store and the environment's
//! proxies play no part. A certificate lasts weeks, not years: when [`connect`] says
//! [`DialError::NotAccepted`], the agent enrols again with the same key, which needs no fresh ticket, and goes on.

mod client;
mod error;

use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use reqwest::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use crate::wire::{self, EnrolAnswer, EnrolRequest, MAX_BODY, RefusedAnswer};

pub use self::error::DialError;

/// Longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(15);

/// Who a host is, once it has enrolled.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its certificate, in PEM.
    pub certificate_pem: String,
    /// The private key that belongs to it, in PEM.
    pub key_pem: SecretString,
}

/// A new private key, ECDSA P-256, in PEM (PKCS #8).
pub fn new_key() -> Result<SecretString, DialError> {
    let pair = KeyPair::generate().map_err(|error| DialError::material("a new key", &error))?;
    Ok(SecretString::from(pair.serialize_pem()))
}

/// Turns a ticket into an identity. Repeating it with the same key is safe and gives a fresh certificate; an answer
/// that was lost costs nothing.
pub async fn enrol(
    url: &Url,
    ca_pem: &str,
    node: &str,
    ticket: &SecretString,
    key: &SecretString,
) -> Result<Credentials, DialError> {
    let request = EnrolRequest {
        node: node.to_owned(),
        ticket: ticket.clone(),
        csr: signing_request(key)?,
    };
    let body = serde_json::to_vec(&request).map_err(|error| DialError::material("the request", &error))?;
    let address = below(url, wire::ENROL);
    let request = client::new(ca_pem, None)?
        .post(&address)
        .header(CONTENT_TYPE, "application/json")
        .body(body);
    let answer = async {
        let response = request
            .send()
            .await
            .map_err(|e| DialError::sending(&address, &e))?;
        read_answer(&address, response).await
    };
    let (status, body) = within(&address, answer).await?;
    if status != StatusCode::OK {
        return Err(refusal(&address, status, &body));
    }
    let answer: EnrolAnswer = serde_json::from_slice(&body)
        .map_err(|_| DialError::protocol(&address, "its answer to an enrolment is not one"))?;
    Ok(Credentials {
        certificate_pem: answer.certificate,
        key_pem: key.clone(),
    })
}

/// Opens a link: a byte stream that carries [frames](crate::frames).
pub async fn connect(
    url: &Url,
    ca_pem: &str,
    credentials: &Credentials,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, DialError> {
    let address = below(url, wire::LINK);
    let request = client::new(ca_pem, Some(credentials))?
        .get(&address)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, wire::UPGRADE);
    let stream = async {
        let response = request
            .send()
            .await
            .map_err(|e| DialError::sending(&address, &e))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let (status, body) = read_answer(&address, response).await?;
            return Err(refusal(&address, status, &body));
        }
        response
            .upgrade()
            .await
            .map_err(|e| DialError::sending(&address, &e))
    };
    within(&address, stream).await
}

/// The installer's URL ends in the Sovereign's name, so it cannot be joined by URL rules.
fn below(url: &Url, path: &str) -> String {
    format!("{}{path}", url.as_str().trim_end_matches('/'))
}

/// The installer names the host in the certificate as it sees fit; the request only proves that we hold the key.
fn signing_request(key: &SecretString) -> Result<String, DialError> {
    let pair =
        KeyPair::from_pem(key.expose_secret()).map_err(|e| DialError::material("the host's key", &e))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&pair).and_then(|request| request.pem());
    request.map_err(|error| DialError::material("the signing request", &error))
}

async fn within<T>(
    address: &str,
    answer: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    let late = |_| DialError::TimedOut {
        address: address.to_owned(),
        within: WITHIN,
    };
    tokio::time::timeout(WITHIN, answer).await.map_err(late)?
}

async fn read_answer(address: &str, mut response: Response) -> Result<(StatusCode, Vec<u8>), DialError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| DialError::sending(address, &e))?
    {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(DialError::protocol(address, "its answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

fn refusal(address: &str, status: StatusCode, body: &[u8]) -> DialError {
    match serde_json::from_slice::<RefusedAnswer>(body) {
        Ok(RefusedAnswer { why, remedy }) if status == StatusCode::FORBIDDEN => {
            DialError::Refused { why, remedy }
        }
        _ if status.is_server_error() => DialError::Unreachable {
            address: address.to_owned(),
            why: format!("it answered {status}"),
        },
        _ => DialError::protocol(address, &format!("it answered {status}")),
    }
}
