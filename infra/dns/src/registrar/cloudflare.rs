//! Cloudflare as host of the parent zone: NS and DS records of a name below it. Its own registrar cannot change name servers.
//!
//! Contract: <https://developers.cloudflare.com/api/resources/dns/subresources/records/>. A batch is one transaction, and runs
//! deletions before additions.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sovereign_core::registrar::{CloudflareCredential, RegistrarKind};

use super::call::{Answer, Call, Endpoint};
use super::delegation::{Delegation, Signer, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Task};
use super::http::{Http, secret_header};
use super::ns_set::NsSet;
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use crate::name::DomainName;
use crate::record::Ds;

const ENDPOINT: &str = "https://api.cloudflare.com/client/v4";
/// 1,200 requests in 5 minutes.
const RATE: Rate = Rate {
    burst: 10,
    every: Duration::from_millis(250),
};
/// Seconds. Short enough to change one's mind, long enough to be cached.
const TTL: u32 = 300;
/// Records of one name that are read; more than a delegation has.
const PER_PAGE: u32 = 100;

#[derive(Debug)]
pub(super) struct Cloudflare {
    http: Http,
    bearer: reqwest::header::HeaderValue,
}

#[derive(Deserialize)]
struct Envelope<T> {
    success: bool,
    #[serde(default)]
    errors: Vec<ApiError>,
    result: Option<T>,
}

#[derive(Deserialize)]
struct ApiError {
    code: u32,
    message: String,
}

#[derive(Deserialize)]
struct Zone {
    id: String,
    name: String,
    status: String,
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    content: String,
}

impl Record {
    /// The name server, if it names one.
    fn host(&self) -> Option<DomainName> {
        let host = NsSet::read([&self.content]).ok().filter(|_| self.kind == "NS")?;
        host.hosts().first().cloned()
    }
}

impl Cloudflare {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: &CloudflareCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let kind = RegistrarKind::Cloudflare;
        let token = credential.token.expose_secret();
        let bearer = secret_header(kind, &format!("Bearer {token}"))?;
        let secrets = vec![credential.token.clone()];
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self { http, bearer })
    }

    async fn call<T: DeserializeOwned>(&self, mut call: Call) -> Result<T, RegistrarError> {
        call.headers
            .push((reqwest::header::AUTHORIZATION, self.bearer.clone()));
        let answer = self.http.send(&call).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&call, &answer));
        }
        let envelope: Envelope<T> = self.http.parse(&call, &answer)?;
        match envelope.result {
            Some(result) if envelope.success => Ok(result),
            _ => Err(self.refused(&call, &answer)),
        }
    }

    fn refused(&self, call: &Call, answer: &Answer) -> RegistrarError {
        let errors = serde_json::from_slice::<Envelope<Value>>(&answer.body).map(|it| it.errors);
        let errors = errors.unwrap_or_default();
        let words: Vec<String> = errors
            .iter()
            .map(|error| format!("{} [{}]", error.message, error.code))
            .collect();
        let words = words.join("; ");
        let has = |codes: &[u32]| errors.iter().any(|error| codes.contains(&error.code));
        if let Some((_, seen)) = words.split_once("from location: ") {
            let seen = seen.split([' ', ';']).next().and_then(|ip| ip.parse().ok());
            return self.http.error(call, Cause::NotAllowedFrom(seen), &words);
        }
        // Invalid or unknown tokens come with 400, too.
        if has(&[1000, 6003, 6111, 9106, 9109, 10000]) {
            return self.http.error(call, Cause::Unauthorized, &words);
        }
        if answer.status.is_success() {
            return self.http.error(call, Cause::Rejected, &words);
        }
        self.http.refused(call, answer, &words)
    }

    /// The zone the name lies in: the deepest one of the account above it.
    async fn zone(&self, domain: &DomainName) -> Result<Zone, RegistrarError> {
        let action = format!("find the zone above `{domain}` at cloudflare");
        let mut above = domain.parent();
        while let Some(name) = above.filter(|name| name.labels().count() > 1) {
            let call = Call::read(format!("/zones?name={name}"), &action);
            let zones: Vec<Zone> = self.call(call).await?;
            if let Some(zone) = zones.into_iter().find(|zone| zone.name == name.as_str()) {
                return Ok(zone);
            }
            above = name.parent();
        }
        let words = "no zone above the name is in reach of the token";
        Err(self.http.error(&Call::read("", &action), Cause::NotFound, words))
    }

    /// All records of exactly this name.
    async fn records(&self, zone: &Zone, domain: &DomainName) -> Result<Vec<Record>, RegistrarError> {
        let path = format!("/zones/{}/dns_records?name={domain}&per_page={PER_PAGE}", zone.id);
        let action = format!("read the delegation of `{domain}` at cloudflare");
        self.call(Call::read(path, action)).await
    }

    fn delegation(&self, domain: &DomainName, records: &[Record]) -> Result<Delegation, RegistrarError> {
        let call = Call::read("", format!("read the delegation of `{domain}` at cloudflare"));
        let of = |kind: &'static str| records.iter().filter(move |record| record.kind == kind);
        let ns = self.http.ns(&call, of("NS").map(|record| &record.content))?;
        let ds = of("DS").map(|record| record.content.parse::<Ds>().map(Signer::digest));
        let ds: Result<Vec<Signer>, _> = ds.collect();
        Ok(Delegation {
            // A name without a delegation is answered from the zone above it.
            uses_provider_default: ns.is_empty(),
            ns,
            ds: Some(ds.map_err(|error| self.http.unreadable(&call, &error.to_string()))?),
            glue: None,
            version: None,
            under_way: None,
        })
    }
}

/// Which records go and which come. Lists without items are left out.
fn batch(domain: &DomainName, records: &[Record], change: &Change) -> Value {
    let wanted: Option<&[DomainName]> = match &change.ns {
        Some(TargetNs::Own(ns)) => Some(ns.hosts()),
        Some(TargetNs::ProviderDefault) => Some(&[]),
        None => None,
    };
    let goes = |record: &&Record| match record.kind.as_str() {
        "NS" => wanted.is_some_and(|wanted| record.host().is_none_or(|host| !wanted.contains(&host))),
        "DS" => record
            .content
            .parse::<Ds>()
            .is_ok_and(|ds| change.ds_removed.iter().any(|signer| signer.ds == ds)),
        _ => false,
    };
    let deletes: Vec<Value> = records
        .iter()
        .filter(goes)
        .map(|record| json!({ "id": record.id }))
        .collect();
    let there: Vec<DomainName> = records.iter().filter_map(Record::host).collect();
    let hosts = wanted.unwrap_or_default().iter();
    let hosts = hosts.filter(|host| !there.contains(host));
    let ns = hosts
        .map(|host| json!({ "type": "NS", "name": domain.as_str(), "content": host.as_str(), "ttl": TTL }));
    let ds = change.ds_added.iter().map(|signer| {
        let Ds {
            key_tag,
            algorithm,
            digest_kind,
            digest,
        } = &signer.ds;
        let data = json!({ "key_tag": key_tag, "algorithm": algorithm, "digest_type": digest_kind, "digest": digest });
        json!({ "type": "DS", "name": domain.as_str(), "data": data, "ttl": TTL })
    });
    let posts: Vec<Value> = ns.chain(ds).collect();
    let lists = [("deletes", deletes), ("posts", posts)];
    let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
    lists
        .map(|(name, items)| (name.to_owned(), Value::Array(items)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[async_trait]
impl Vendor for Cloudflare {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_digest: true,
            atomic_ns_ds: true,
            revert_to_default: true,
            ..Capabilities::default()
        }
    }

    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        let zone = self.zone(domain).await?;
        let call = Call::read("", format!("change names in zone `{}` at cloudflare", zone.name));
        let may_write = zone.permissions.is_empty()
            || zone
                .permissions
                .iter()
                .any(|it| it == "#dns_records:edit" || it == "#zone:edit");
        if !may_write {
            let words = "the token may read the zone and not change its records";
            return Err(self.http.error(&call, Cause::Unauthorized, words));
        }
        if zone.status != "active" {
            let words = format!("the zone's status is `{}`: nobody is led to it yet", zone.status);
            return Err(self.http.error(&call, Cause::Locked, &words));
        }
        self.records(&zone, domain).await.map(drop)
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let zone = self.zone(domain).await?;
        let records = self.records(&zone, domain).await?;
        self.delegation(domain, &records)
    }

    async fn write(
        &self,
        domain: &DomainName,
        present: &Delegation,
        change: &Change,
    ) -> Result<Option<Task>, RegistrarError> {
        let zone = self.zone(domain).await?;
        let records = self.records(&zone, domain).await?;
        let path = format!("/zones/{}/dns_records/batch", zone.id);
        let action = format!("set the delegation of `{domain}` at cloudflare");
        let call = Call::write(Method::POST, path, action);
        // The numbers of the records are read here: what they hold must still be what the change was made from.
        if !self.delegation(domain, &records)?.says_the_same_as(present) {
            let words = "the records changed between two looks";
            let cause = Cause::Changed(self.delegation(domain, &records)?.to_string());
            return Err(self.http.error(&call, cause, words));
        }
        let other = records.iter().find(|it| !matches!(it.kind.as_str(), "NS" | "DS"));
        if let Some(other) = other.filter(|_| matches!(change.ns, Some(TargetNs::Own(_)))) {
            let words = format!(
                "the name has a record of type {}, too; a delegation stands alone",
                other.kind
            );
            return Err(self.http.error(&call, Cause::Rejected, &words));
        }
        let call = call.json(&batch(domain, &records, change));
        self.call::<Value>(call).await?;
        Ok(None)
    }
}
