//! Porkbun, by its JSON API v3.
//!
//! Contract: <https://porkbun.com/api/json/v3/documentation>. Every call is a POST; the keys travel in its body.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sovereign_core::registrar::{PorkbunCredential, RegistrarKind};

use super::call::{Answer, Call, Endpoint};
use super::delegation::{Delegation, Glue, Signer, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Task};
use super::http::Http;
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use super::wire::{label_in, number, provider_default};
use crate::name::DomainName;
use crate::record::Ds;

const ENDPOINT: &str = "https://api.porkbun.com/api/json/v3";
/// No limit is documented; faster than one a second has been refused in the field.
const RATE: Rate = Rate {
    burst: 2,
    every: Duration::from_secs(1),
};
/// Where the servers lie that a domain has at first.
const DEFAULT_NS: &[&str] = &["ns.porkbun.com", "porkbun.com"];

#[derive(Debug)]
pub(super) struct Porkbun {
    http: Http,
    credential: PorkbunCredential<SecretString>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct NsAnswer {
    #[serde(default)]
    ns: Vec<String>,
}

#[derive(Deserialize)]
struct DsAnswer {
    /// By key tag; an empty list if there are none.
    #[serde(default)]
    records: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DsRecord {
    #[serde(deserialize_with = "number")]
    key_tag: u16,
    #[serde(deserialize_with = "number")]
    alg: u8,
    #[serde(deserialize_with = "number")]
    digest_type: u8,
    digest: String,
}

#[derive(Deserialize)]
struct GlueAnswer {
    #[serde(default)]
    hosts: Vec<(String, BTreeMap<String, Vec<IpAddr>>)>,
}

impl Porkbun {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: PorkbunCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let secrets = vec![credential.key.clone(), credential.secret.clone()];
        let kind = RegistrarKind::Porkbun;
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self { http, credential })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        path: String,
        mut body: Value,
        action: String,
        writes: bool,
    ) -> Result<T, RegistrarError> {
        body["apikey"] = self.credential.key.expose_secret().into();
        body["secretapikey"] = self.credential.secret.expose_secret().into();
        let call = Call {
            writes,
            ..Call::write(Method::POST, path, action)
        };
        let call = call.json(&body);
        let answer = self.http.send(&call).await?;
        let told = serde_json::from_slice::<Status>(&answer.body);
        match told {
            Ok(told) if told.status == "SUCCESS" && answer.status.is_success() => {
                self.http.parse(&call, &answer)
            }
            Ok(told) => Err(self.refused(&call, &answer, &told.message)),
            Err(_) if answer.status.is_success() => Err(self.http.unreadable(&call, "it has no status")),
            Err(_) => Err(self.refused(&call, &answer, "")),
        }
    }

    /// Errors have no documented numbers: the words decide, and 400 stands for nearly everything.
    fn refused(&self, call: &Call, answer: &Answer, words: &str) -> RegistrarError {
        let lower = words.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        let cause = if has(&["invalid api key", "invalid_api_key", "not opted in to api access"]) {
            Cause::Unauthorized
        } else if has(&["ip address", "not allowed from"]) {
            Cause::NotAllowedFrom(None)
        } else if has(&["invalid domain", "domain not found", "not in your account"]) {
            Cause::NotFound
        } else if has(&["locked"]) {
            Cause::Locked
        } else if answer.status.as_u16() == 503 || has(&["rate limit", "too many"]) {
            Cause::RateLimited(answer.retry_after())
        } else {
            return self.http.refused(call, answer, words);
        };
        self.http.error(call, cause, words)
    }

    async fn read_ds(&self, domain: &DomainName) -> Result<Vec<Signer>, RegistrarError> {
        let path = format!("/dns/getDnssecRecords/{domain}");
        let action = format!("read the DS records of `{domain}` at porkbun");
        let answer: DsAnswer = self.call(path.clone(), json!({}), action.clone(), false).await?;
        let records = match answer.records {
            Value::Object(by_tag) => by_tag.into_iter().map(|(_, record)| record).collect(),
            Value::Array(list) => list,
            _ => Vec::new(),
        };
        let read = |record: Value| {
            let record: DsRecord = serde_json::from_value(record).ok()?;
            Some(Signer::digest(Ds {
                key_tag: record.key_tag,
                algorithm: record.alg,
                digest_kind: record.digest_type,
                digest: record.digest.to_ascii_lowercase(),
            }))
        };
        let signers: Option<Vec<Signer>> = records.into_iter().map(read).collect();
        let call = Call::read(path, action);
        signers.ok_or_else(|| self.http.unreadable(&call, "a DS record lacks a field"))
    }

    async fn read_glue(&self, domain: &DomainName) -> Result<Glue, RegistrarError> {
        let path = format!("/domain/getGlue/{domain}");
        let action = format!("read the glue of `{domain}` at porkbun");
        let answer: GlueAnswer = self.call(path, json!({}), action, false).await?;
        let hosts = answer.hosts.into_iter().filter_map(|(host, addresses)| {
            let host = host.parse().ok()?;
            Some((host, addresses.into_values().flatten().collect()))
        });
        Ok(hosts.collect())
    }

    async fn set(
        &self,
        verb: &str,
        domain: &DomainName,
        rest: &str,
        body: Value,
    ) -> Result<(), RegistrarError> {
        let action = format!("set the delegation of `{domain}` at porkbun ({verb})");
        self.call::<Value>(format!("/{verb}/{domain}{rest}"), body, action, true)
            .await?;
        Ok(())
    }
}

impl Porkbun {
    /// Keys are taken out by their tags, and one that stays may have the same.
    fn refuse_shared_tag(
        &self,
        domain: &DomainName,
        goes: &Signer,
        change: &Change,
    ) -> Result<(), RegistrarError> {
        let tag = goes.ds.key_tag;
        let stays = change.ds.iter().flatten().any(|stays| stays.ds.key_tag == tag);
        if !stays {
            return Ok(());
        }
        let action = format!("take key {tag} of `{domain}` out at porkbun");
        let call = Call::read(format!("/dns/deleteDnssecRecord/{domain}/{tag}"), action);
        let words = "the API tells keys apart by their tags, and one that is to stay has the same";
        Err(self.http.error(&call, Cause::Unsupported, words))
    }
}

#[async_trait]
impl Vendor for Porkbun {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_digest: true,
            glue: true,
            ..Capabilities::default()
        }
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let path = format!("/domain/getNs/{domain}");
        let action = format!("read the delegation of `{domain}` at porkbun");
        let answer: NsAnswer = self.call(path.clone(), json!({}), action.clone(), false).await?;
        let ns = self.http.ns(&Call::read(path, action), &answer.ns)?;
        Ok(Delegation {
            uses_provider_default: provider_default(&ns, DEFAULT_NS),
            ns,
            ds: Some(self.read_ds(domain).await?),
            glue: Some(self.read_glue(domain).await?),
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
        for signer in &change.ds_removed {
            self.refuse_shared_tag(domain, signer, change)?;
            let tag = format!("/{}", signer.ds.key_tag);
            self.set("dns/deleteDnssecRecord", domain, &tag, json!({}))
                .await?;
        }
        for (host, addresses) in &change.glue {
            let there = present.glue.as_ref().is_some_and(|glue| glue.contains_key(host));
            let verb = if there {
                "domain/updateGlue"
            } else {
                "domain/createGlue"
            };
            let rest = format!("/{}", label_in(host, domain));
            self.set(verb, domain, &rest, json!({ "ips": addresses })).await?;
        }
        if let Some(TargetNs::Own(ns)) = &change.ns {
            self.set("domain/updateNs", domain, "", json!({ "ns": ns.names() }))
                .await?;
        }
        for signer in &change.ds_added {
            let Ds {
                key_tag,
                algorithm,
                digest_kind,
                digest,
            } = &signer.ds;
            // The contract has numbers as text.
            let body = json!({
                "keyTag": key_tag.to_string(),
                "alg": algorithm.to_string(),
                "digestType": digest_kind.to_string(),
                "digest": digest,
            });
            self.set("dns/createDnssecRecord", domain, "", body).await?;
        }
        Ok(None)
    }
}
