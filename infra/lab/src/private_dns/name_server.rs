//! A name server whose zones are written as its administrator would.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::record_set::RecordSet;
use crate::dns::PowerDns;

/// Kind of digest of the DS records that parents get: SHA-256.
const DIGEST: &str = "2";

/// How a zone is signed.
#[derive(Debug, Clone, Copy)]
pub enum Signing<'a> {
    /// Not at all.
    Unsigned,
    /// With a new key.
    Fresh,
    /// With the key that another server has for it.
    As(&'a NameServer),
}

/// A `PowerDNS` with a client for its zones. Names of zones have a dot at the end.
#[derive(Debug)]
pub struct NameServer {
    /// The server.
    pub dns: PowerDns,
    http: reqwest::Client,
}

impl NameServer {
    /// Starts a server that answers on addresses, all on one port. Its zones are kept in `dir` over restarts, and go with it
    /// without.
    pub async fn start(addresses: &[IpAddr], port: u16, dir: Option<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            dns: PowerDns::start_on(addresses, Some(port), dir).await?,
            http: reqwest::Client::new(),
        })
    }

    /// Where it answers queries; the first of its addresses.
    pub fn address(&self) -> SocketAddr {
        self.dns.dns_addr
    }

    /// Whether it holds a zone.
    pub async fn has_zone(&self, zone: &str) -> io::Result<bool> {
        let zones = self.call(Method::GET, "", None).await?;
        let zones = zones.as_array().into_iter().flatten();
        Ok(zones.into_iter().any(|found| found["name"] == zone))
    }

    /// Makes a zone.
    pub async fn add_zone(&self, zone: &str, sets: &[RecordSet], signing: Signing<'_>) -> io::Result<()> {
        let sets: Vec<Value> = sets.iter().map(RecordSet::wire).collect();
        let body = json!({
            "name": zone, "kind": "Native", "nameservers": [], "rrsets": sets, "api_rectify": true,
            "soa_edit_api": "INCREASE", "dnssec": matches!(signing, Signing::Fresh),
        });
        self.call(Method::POST, "", Some(body)).await?;
        if let Signing::As(other) = signing {
            let key = other.private_key(zone).await?;
            let body = json!({ "keytype": "csk", "active": true, "published": true, "content": key });
            self.call(Method::POST, &format!("{}/cryptokeys", path(zone)), Some(body))
                .await?;
            self.call(Method::PUT, &format!("{}/rectify", path(zone)), None)
                .await?;
        }
        self.forget(zone).await
    }

    /// Replaces record sets of a zone, or removes those that are empty, in one change.
    pub async fn change(&self, zone: &str, sets: &[RecordSet]) -> io::Result<()> {
        let sets: Vec<Value> = sets.iter().map(RecordSet::wire).collect();
        self.call(Method::PATCH, &path(zone), Some(json!({ "rrsets": sets })))
            .await?;
        self.forget(zone).await
    }

    /// Settings of a zone, such as `nsec3param`.
    pub async fn set(&self, zone: &str, settings: Value) -> io::Result<()> {
        self.call(Method::PUT, &path(zone), Some(settings)).await?;
        self.call(Method::PUT, &format!("{}/rectify", path(zone)), None)
            .await?;
        self.forget(zone).await
    }

    /// Removes a zone: from now on the server has no answer for it.
    pub async fn remove_zone(&self, zone: &str) -> io::Result<()> {
        self.call(Method::DELETE, &path(zone), None).await?;
        self.forget(zone).await
    }

    /// Data of the DS records that a zone's parent has to have; none if it is not signed.
    pub async fn ds(&self, zone: &str) -> io::Result<Vec<String>> {
        let keys = self.keys(zone).await?;
        let all = keys
            .iter()
            .flat_map(|key| key["ds"].as_array().into_iter().flatten());
        let texts = all.filter_map(Value::as_str);
        Ok(texts
            .filter(|ds| ds.split(' ').nth(2) == Some(DIGEST))
            .map(str::to_owned)
            .collect())
    }

    /// Data of a zone's DNSKEY records.
    pub async fn dnskeys(&self, zone: &str) -> io::Result<Vec<String>> {
        let keys = self.keys(zone).await?;
        let texts = keys.iter().filter_map(|key| key["dnskey"].as_str());
        Ok(texts.map(str::to_owned).collect())
    }

    async fn keys(&self, zone: &str) -> io::Result<Vec<Value>> {
        let keys = self
            .call(Method::GET, &format!("{}/cryptokeys", path(zone)), None)
            .await?;
        Ok(keys.as_array().cloned().unwrap_or_default())
    }

    async fn private_key(&self, zone: &str) -> io::Result<String> {
        let keys = self.keys(zone).await?;
        let id = keys.first().map_or(Value::Null, |key| key["id"].clone());
        let key = self
            .call(Method::GET, &format!("{}/cryptokeys/{id}", path(zone)), None)
            .await?;
        let key = key["privatekey"].as_str();
        key.map(str::to_owned)
            .ok_or_else(|| io::Error::other(format!("zone {zone} has no key")))
    }

    /// Forgets the answers about a zone that it has ready.
    async fn forget(&self, zone: &str) -> io::Result<()> {
        let url = format!(
            "{}/api/v1/servers/localhost/cache/flush?domain={zone}",
            self.dns.url
        );
        self.send(Method::PUT, url, None).await.map(drop)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> io::Result<Value> {
        let url = format!("{}/api/v1/servers/localhost/zones{path}", self.dns.url);
        self.send(method, url, body).await
    }

    async fn send(&self, method: Method, url: String, body: Option<Value>) -> io::Result<Value> {
        send(&self.http, &self.dns.key, method, url, body).await
    }
}

/// Shortens every time to live in a zone of a server, given by its API's address and key, so that caches forget it soon.
pub(crate) async fn shorten(api: &str, key: &str, zone: &str, ttl: u32) -> io::Result<()> {
    let http = reqwest::Client::new();
    let url = format!("{api}/api/v1/servers/localhost/zones{}", path(zone));
    let found = send(&http, key, Method::GET, url.clone(), None).await?;
    let mut sets = found["rrsets"].as_array().cloned().unwrap_or_default();
    for set in &mut sets {
        set["changetype"] = "REPLACE".into();
        set["ttl"] = json!(set["ttl"].as_u64().unwrap_or_default().min(ttl.into()));
        if set["type"] == "SOA" {
            set["records"][0]["content"] = forgotten_soon(&set["records"][0]["content"], ttl).into();
        }
    }
    send(&http, key, Method::PATCH, url, Some(json!({ "rrsets": sets }))).await?;
    let forget = format!("{api}/api/v1/servers/localhost/cache/flush?domain={zone}");
    send(&http, key, Method::PUT, forget, None).await.map(drop)
}

/// A start of authority whose last field, how long negative answers and keys are kept, is short.
fn forgotten_soon(soa: &Value, ttl: u32) -> String {
    let mut words: Vec<&str> = soa.as_str().unwrap_or_default().split(' ').collect();
    let short = ttl.to_string();
    if let Some(last) = words.last_mut() {
        *last = &short;
    }
    words.join(" ")
}

async fn send(
    http: &reqwest::Client,
    key: &str,
    method: Method,
    url: String,
    body: Option<Value>,
) -> io::Result<Value> {
    let what = format!("{method} {url}");
    let mut request = http.request(method, url).header("X-API-Key", key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.map_err(io::Error::other)?;
    let status = answer.status();
    let text = answer.text().await.map_err(io::Error::other)?;
    if !status.is_success() {
        return Err(io::Error::other(format!("{what}: {status}: {text}")));
    }
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// A zone in the API's addresses.
fn path(zone: &str) -> String {
    let zone = if zone == "." { "=2E" } else { zone };
    format!("/{zone}")
}
