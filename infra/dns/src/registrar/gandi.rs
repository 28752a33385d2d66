//! Gandi, by its API v5.
//!
//! Contract: <https://api.gandi.net/docs/domains/>. Changes are accepted (202) and done later, without a number to follow.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sovereign_core::registrar::{GandiCredential, RegistrarKind};

use super::call::{Answer, Call, Endpoint};
use super::delegation::{Delegation, Glue, Signer, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Task};
use super::http::{Http, secret_header};
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use super::wire::label_in;
use crate::name::DomainName;
use crate::record::{Dnskey, Ds};

const ENDPOINT: &str = "https://api.gandi.net/v5";
/// 1,000 requests a minute from one address.
const RATE: Rate = Rate {
    burst: 10,
    every: Duration::from_millis(60),
};
/// More than any domain has of keys or hosts.
const PER_PAGE: &str = "per_page=100";

#[derive(Debug)]
pub(super) struct Gandi {
    http: Http,
    bearer: HeaderValue,
}

#[derive(Deserialize)]
struct ApiError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    cause: String,
}

#[derive(Deserialize)]
struct LiveDns {
    /// `livedns`, `classic`, `premium_dns` or `other`.
    current: String,
}

#[derive(Deserialize)]
struct Key {
    id: u64,
    algorithm: u8,
    digest: String,
    digest_type: u8,
    keytag: u16,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "public_key", default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct HostRecord {
    /// Without the domain; `@` for the domain itself.
    name: String,
    ips: BTreeSet<IpAddr>,
}

impl Key {
    /// With the digest of our making where the key is told, so that equal keys are equal whatever digest is shown.
    fn signer(&self, domain: &DomainName) -> Signer {
        let key = self.text.as_ref().map(|text| Dnskey {
            flags: if self.kind == "zsk" { 256 } else { 257 },
            algorithm: self.algorithm,
            public_key: text.clone(),
        });
        let told = || Ds {
            key_tag: self.keytag,
            algorithm: self.algorithm,
            digest_kind: self.digest_type,
            digest: self.digest.to_ascii_lowercase(),
        };
        Signer {
            ds: key
                .as_ref()
                .and_then(|key| key.ds(domain).ok())
                .unwrap_or_else(told),
            key,
        }
    }
}

impl Gandi {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: &GandiCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let kind = RegistrarKind::Gandi;
        let token = credential.token.expose_secret();
        let bearer = secret_header(kind, &format!("Bearer {token}"))?;
        let secrets = vec![credential.token.clone()];
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self { http, bearer })
    }

    async fn send(&self, call: &mut Call) -> Result<Answer, RegistrarError> {
        call.headers
            .push((reqwest::header::AUTHORIZATION, self.bearer.clone()));
        let answer = self.http.send(call).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let told = serde_json::from_slice::<ApiError>(&answer.body).ok();
        let told = told.unwrap_or(ApiError {
            message: String::new(),
            cause: String::new(),
        });
        let words = match (told.message.is_empty(), told.cause.is_empty()) {
            (false, false) => format!("{}: {}", told.cause, told.message),
            _ => told.message + &told.cause,
        };
        if answer.status.as_u16() == 403 && words.contains("locked") {
            return Err(self.http.error(call, Cause::Locked, &words));
        }
        Err(self.http.refused(call, &answer, &words))
    }

    async fn get<T: DeserializeOwned>(&self, domain: &DomainName, what: &str) -> Result<T, RegistrarError> {
        let path = format!("/domain/domains/{domain}/{what}");
        let action = format!("read the delegation of `{domain}` at gandi");
        let mut call = Call::read(path, action);
        let answer = self.send(&mut call).await?;
        self.http.parse(&call, &answer)
    }

    async fn set(
        &self,
        method: Method,
        domain: &DomainName,
        what: &str,
        body: Option<Value>,
    ) -> Result<(), RegistrarError> {
        let path = format!("/domain/domains/{domain}/{what}");
        let action = format!("set the delegation of `{domain}` at gandi");
        let mut call = Call::write(method, path, action);
        if let Some(body) = body {
            call = call.json(&body);
        }
        self.send(&mut call).await.map(drop)
    }

    async fn keys(&self, domain: &DomainName) -> Result<Vec<Key>, RegistrarError> {
        self.get(domain, &format!("dnskeys?{PER_PAGE}")).await
    }

    async fn glue(&self, domain: &DomainName) -> Result<Glue, RegistrarError> {
        let hosts: Vec<HostRecord> = self.get(domain, &format!("hosts?{PER_PAGE}")).await?;
        let named = hosts.into_iter().filter_map(|host| {
            let name = match host.name.as_str() {
                "@" => domain.clone(),
                label => domain.child(label).ok()?,
            };
            Some((name, host.ips))
        });
        Ok(named.collect())
    }
}

#[async_trait]
impl Vendor for Gandi {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_dnskey: true,
            glue: true,
            is_async: true,
            ..Capabilities::default()
        }
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let names: Vec<String> = self.get(domain, "nameservers").await?;
        let call = Call::read("", format!("read the delegation of `{domain}` at gandi"));
        let ns = self.http.ns(&call, &names)?;
        let live: LiveDns = self.get(domain, "livedns").await?;
        let keys = self.keys(domain).await?;
        Ok(Delegation {
            ns,
            uses_provider_default: live.current != "other",
            ds: Some(keys.iter().map(|key| key.signer(domain)).collect()),
            glue: Some(self.glue(domain).await?),
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
            for key in self.keys(domain).await? {
                if change.ds_removed.contains(&key.signer(domain)) {
                    self.set(Method::DELETE, domain, &format!("dnskeys/{}", key.id), None)
                        .await?;
                }
            }
        }
        for (host, addresses) in &change.glue {
            let label = match label_in(host, domain) {
                "" => "@",
                label => label,
            };
            let there = present.glue.as_ref().is_some_and(|glue| glue.contains_key(host));
            if there {
                let body = json!({ "ips": addresses });
                self.set(Method::PUT, domain, &format!("hosts/{label}"), Some(body))
                    .await?;
            } else {
                let body = json!({ "name": label, "ips": addresses });
                self.set(Method::POST, domain, "hosts", Some(body)).await?;
            }
        }
        if let Some(TargetNs::Own(ns)) = &change.ns {
            let body = json!({ "nameservers": ns.names() });
            self.set(Method::PUT, domain, "nameservers", Some(body)).await?;
        }
        for key in change.ds_added.iter().filter_map(|signer| signer.key.as_ref()) {
            let kind = if key.flags == 256 { "zsk" } else { "ksk" };
            let body = json!({ "algorithm": key.algorithm, "type": kind, "public_key": key.public_key });
            self.set(Method::POST, domain, "dnskeys", Some(body)).await?;
        }
        Ok(None)
    }
}
