//! Dynadot, by its REST API v2.
//!
//! Contract: <https://www.dynadot.com/domain/api-document>. Requests are signed with HMAC-SHA256; keys are added one by one and
//! can only be taken out all at once.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use sovereign_core::registrar::{DynadotCredential, RegistrarKind};

use super::call::{Answer, Call, Endpoint};
use super::delegation::{Delegation, Signer, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Task};
use super::http::{Http, secret_header, unsendable};
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use super::wire::{number, provider_default};
use crate::name::DomainName;
use crate::record::Ds;

const ENDPOINT: &str = "https://api.dynadot.com";
/// 60 requests a minute for regular accounts, and one at a time.
const RATE: Rate = Rate {
    burst: 1,
    every: Duration::from_secs(1),
};
/// Where the servers lie that a domain has at first.
const DEFAULT_NS: &[&str] = &["dyna-ns.net", "dynadot.com"];

#[derive(Debug)]
pub(super) struct Dynadot {
    http: Http,
    bearer: HeaderValue,
    credential: DynadotCredential<SecretString>,
}

/// Around every answer. The code repeats the HTTP status, as a number or as text.
#[derive(Deserialize)]
struct Envelope {
    #[serde(alias = "Code", deserialize_with = "number")]
    code: u16,
    #[serde(alias = "Message", default)]
    message: String,
    #[serde(alias = "Data", default)]
    data: Value,
    #[serde(default)]
    error: Option<ErrorDetail>,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct DomainList {
    #[serde(alias = "domainInfo")]
    domain_info: Vec<DomainInfo>,
}

#[derive(Deserialize)]
struct DomainInfo {
    #[serde(alias = "glueInfo", default)]
    glue_info: GlueInfo,
}

#[derive(Default, Deserialize)]
struct GlueInfo {
    #[serde(default)]
    name_server_settings: NameServerSettings,
}

#[derive(Default, Deserialize)]
struct NameServerSettings {
    /// Missing where Dynadot's own servers answer.
    #[serde(default)]
    name_servers: Option<Vec<NameServer>>,
}

#[derive(Deserialize)]
struct NameServer {
    server_name: String,
}

#[derive(Default, Deserialize)]
struct DnssecList {
    #[serde(default)]
    dnssec_info_list: Option<Vec<DnssecInfo>>,
}

#[derive(Deserialize)]
struct DnssecInfo {
    #[serde(deserialize_with = "number")]
    key_tag: u16,
    #[serde(deserialize_with = "number")]
    algorithm: u8,
    #[serde(deserialize_with = "number")]
    digest_type: u8,
    digest: String,
}

impl Dynadot {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: DynadotCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let kind = RegistrarKind::Dynadot;
        let key = credential.key.expose_secret();
        let bearer = secret_header(kind, &format!("Bearer {key}"))?;
        let secrets = vec![credential.key.clone(), credential.secret.clone()];
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self {
            http,
            bearer,
            credential,
        })
    }

    /// HMAC-SHA256, in base64, of key, path, request number (none is sent) and body, each on a line of its own.
    fn signature(&self, call: &Call) -> Result<String, RegistrarError> {
        let secret = self.credential.secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| unsendable(self.kind()))?;
        let body = call.body.as_ref().map_or("", |(_, body)| body.as_str());
        let key = self.credential.key.expose_secret();
        mac.update([key, call.path.as_str(), "", body].join("\n").as_bytes());
        Ok(STANDARD.encode(mac.finalize().into_bytes()))
    }

    async fn send(&self, call: &mut Call) -> Result<Value, RegistrarError> {
        let signature = self.signature(call)?;
        let signature = secret_header(self.kind(), &signature)?;
        call.headers
            .push((reqwest::header::AUTHORIZATION, self.bearer.clone()));
        call.headers
            .push((HeaderName::from_static("x-signature"), signature));
        let answer = self.http.send(call).await?;
        match serde_json::from_slice::<Envelope>(&answer.body) {
            Ok(told) if answer.status.is_success() && (200..300).contains(&told.code) => Ok(told.data),
            Ok(told) => Err(self.refused(call, answer, &told)),
            Err(_) if answer.status.is_success() => self.http.parse(call, &answer),
            Err(_) => Err(self.http.refused(call, &answer, "")),
        }
    }

    /// The code counts where HTTP says 200; errors have words and no numbers of their own.
    fn refused(&self, call: &Call, answer: Answer, told: &Envelope) -> RegistrarError {
        let detail = told.error.as_ref().map_or("", |error| error.description.as_str());
        let words = if detail.is_empty() {
            told.message.as_str()
        } else {
            detail
        };
        let lower = words.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        let cause = if has(&["ip address", "whitelist"]) {
            let seen = words
                .split([' ', ',', '(', ')'])
                .find_map(|word| word.parse().ok());
            Cause::NotAllowedFrom(seen)
        } else if has(&["signature", "api key"]) {
            Cause::Unauthorized
        } else if has(&["could not find domain", "domain not found", "not in your account"]) {
            Cause::NotFound
        } else if has(&["locked"]) {
            Cause::Locked
        } else if has(&["system_busy", "system busy", "too many"]) {
            Cause::RateLimited(answer.retry_after())
        } else {
            let status = reqwest::StatusCode::from_u16(told.code).unwrap_or(answer.status);
            let status = if answer.status.is_success() {
                status
            } else {
                answer.status
            };
            return self.http.refused(call, &Answer { status, ..answer }, words);
        };
        self.http.error(call, cause, words)
    }

    fn call(&self, method: Method, domain: &DomainName, rest: &str) -> Call {
        let path = format!("/restful/v2/domains/{domain}{rest}");
        if method == Method::GET {
            return Call::read(
                path,
                format!("read the delegation of `{domain}` at {}", self.kind()),
            );
        }
        Call::write(
            method,
            path,
            format!("set the delegation of `{domain}` at {}", self.kind()),
        )
    }

    fn decode<T: for<'de> Deserialize<'de>>(&self, call: &Call, data: Value) -> Result<T, RegistrarError> {
        serde_json::from_value(data).map_err(|_| self.http.unreadable(call, "a field is missing or odd"))
    }

    async fn read_ds(&self, domain: &DomainName) -> Result<Vec<Signer>, RegistrarError> {
        let mut call = self.call(Method::GET, domain, "/dnssec");
        let data = match self.send(&mut call).await? {
            Value::Null => json!({}),
            data => data,
        };
        let list: DnssecList = self.decode(&call, data)?;
        let signers = list.dnssec_info_list.unwrap_or_default().into_iter().map(|it| {
            Signer::digest(Ds {
                key_tag: it.key_tag,
                algorithm: it.algorithm,
                digest_kind: it.digest_type,
                digest: it.digest.to_ascii_lowercase(),
            })
        });
        Ok(signers.collect())
    }
}

#[async_trait]
impl Vendor for Dynadot {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_digest: true,
            ..Capabilities::default()
        }
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let mut call = self.call(Method::GET, domain, "");
        let data = self.send(&mut call).await?;
        let list: DomainList = self.decode(&call, data)?;
        let info = list.domain_info.into_iter().next();
        let info = info.ok_or_else(|| {
            let words = "the account has no such domain";
            self.http.error(&call, Cause::NotFound, words)
        })?;
        let servers = info
            .glue_info
            .name_server_settings
            .name_servers
            .unwrap_or_default();
        let ns = self
            .http
            .ns(&call, servers.iter().map(|server| &server.server_name))?;
        Ok(Delegation {
            uses_provider_default: ns.is_empty() || provider_default(&ns, DEFAULT_NS),
            ns,
            ds: Some(self.read_ds(domain).await?),
            glue: None,
            version: None,
            under_way: None,
        })
    }

    async fn write(
        &self,
        domain: &DomainName,
        present: &Delegation,
        change: &Change,
    ) -> Result<Option<Task>, RegistrarError> {
        if !change.ds_removed.is_empty() {
            let mut call = self.call(Method::DELETE, domain, "/dnssec");
            let there = present.ds.as_ref().map_or(0, Vec::len);
            if change.ds_removed.len() < there {
                let words = "the API takes out all DS records or none, and some are to stay";
                return Err(self.http.error(&call, Cause::Unsupported, words));
            }
            self.send(&mut call).await?;
        }
        if let Some(TargetNs::Own(ns)) = &change.ns {
            let call = self.call(Method::PUT, domain, "/nameservers");
            let body = json!({ "nameserver_list": ns.names() });
            self.send(&mut call.json(&body)).await?;
        }
        for signer in &change.ds_added {
            let Ds {
                key_tag,
                algorithm,
                digest_kind,
                digest,
            } = &signer.ds;
            // The contract has algorithm and kind as text.
            let body = json!({
                "key_tag": key_tag,
                "algorithm": algorithm.to_string(),
                "digest_type": digest_kind.to_string(),
                "digest": digest,
            });
            let call = self.call(Method::PUT, domain, "/dnssec");
            self.send(&mut call.json(&body)).await?;
        }
        Ok(None)
    }
}
