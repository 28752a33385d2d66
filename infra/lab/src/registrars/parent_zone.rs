//! The parent zone that a registrar's changes go to.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::registry::Published;
use crate::dns::PowerDns;

/// Told what the parent is to publish of a domain.
#[async_trait]
pub trait ParentZone: fmt::Debug + Send + Sync {
    /// Publishes it; returns when it is answered.
    async fn changed(&self, published: &Published);
}

/// Seconds; short, so that tests see changes.
const TTL: u32 = 1;

/// A signed parent zone on a PowerDNS.
pub struct PowerDnsParent {
    http: reqwest::Client,
    zone: String,
    /// The server's API.
    url: String,
    key: String,
    ttl: u32,
    /// Glue that stands in the zone, by domain, to be taken out when it goes.
    glue: Mutex<BTreeMap<String, Vec<String>>>,
}

impl fmt::Debug for PowerDnsParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerDnsParent")
            .field("zone", &self.zone)
            .finish_non_exhaustive()
    }
}

impl PowerDnsParent {
    /// Makes the zone, for example `example`, on a server.
    pub async fn create(server: &PowerDns, zone: &str) -> io::Result<Self> {
        let base = format!("{}/api/v1/servers/localhost/zones", server.url);
        let http = reqwest::Client::new();
        let soa = format!("ns.{zone}. hostmaster.{zone}. 1 10800 3600 1209600 {TTL}");
        let set = |kind: &str, content: &str| json!({ "name": format!("{zone}."), "type": kind, "ttl": TTL, "records": [{ "content": content, "disabled": false }] });
        let body = json!({
            "name": format!("{zone}."),
            "kind": "Native",
            "dnssec": true,
            "api_rectify": true,
            "soa_edit_api": "INCREASE",
            "nameservers": [],
            "rrsets": [set("SOA", &soa), set("NS", &format!("ns.{zone}."))],
        });
        let request = http.post(&base).header("X-API-Key", &server.key).json(&body);
        let answer = request.send().await.map_err(io::Error::other)?;
        answer.error_for_status().map_err(io::Error::other)?;
        Ok(Self::on(server, zone, TTL))
    }

    /// A zone that a server has, and how many seconds caches keep what is published in it.
    pub fn on(server: &PowerDns, zone: &str, ttl: u32) -> Self {
        Self {
            http: reqwest::Client::new(),
            zone: zone.to_owned(),
            url: format!("{}/api/v1/servers/localhost", server.url),
            key: server.key.clone(),
            ttl,
            glue: Mutex::default(),
        }
    }

    /// Sends a change, and lets the server forget the answers that it has ready.
    async fn publish(&self, sets: &[Value]) -> reqwest::Result<()> {
        let Self { url, zone, key, .. } = self;
        let change = self.http.patch(format!("{url}/zones/{zone}."));
        let forget = self.http.put(format!("{url}/cache/flush?domain={zone}."));
        for request in [change.json(&json!({ "rrsets": sets })), forget] {
            let answer = request.header("X-API-Key", key).send().await?;
            answer.error_for_status()?;
        }
        Ok(())
    }

    fn sets(&self, published: &Published) -> Vec<Value> {
        let domain = &published.domain;
        let absolute: Vec<String> = published.ns.iter().map(|host| format!("{host}.")).collect();
        let rrset = |name: &str, kind: &str, contents: &[String]| rrset(name, kind, self.ttl, contents);
        let mut sets = vec![
            rrset(domain, "NS", &absolute),
            // A DS without a delegation would be data of the parent's own.
            rrset(
                domain,
                "DS",
                if absolute.is_empty() { &[] } else { &published.ds },
            ),
        ];
        let now: Vec<String> = published.glue.keys().cloned().collect();
        let mut glue = self
            .glue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = glue.insert(domain.clone(), now).unwrap_or_default();
        drop(glue);
        let gone = before.iter().filter(|host| !published.glue.contains_key(*host));
        for host in gone {
            sets.push(rrset(host, "A", &[]));
            sets.push(rrset(host, "AAAA", &[]));
        }
        for (host, addresses) in &published.glue {
            let of = |v4: bool| {
                let some = addresses.iter().filter(|ip| ip.is_ipv4() == v4);
                some.map(ToString::to_string).collect::<Vec<_>>()
            };
            sets.push(rrset(host, "A", &of(true)));
            sets.push(rrset(host, "AAAA", &of(false)));
        }
        sets
    }
}

fn rrset(name: &str, kind: &str, ttl: u32, contents: &[String]) -> Value {
    let change = if contents.is_empty() { "DELETE" } else { "REPLACE" };
    let records: Vec<Value> = contents
        .iter()
        .map(|content| json!({ "content": content, "disabled": false }))
        .collect();
    json!({ "name": format!("{name}."), "type": kind, "ttl": ttl, "changetype": change, "records": records })
}

#[async_trait]
impl ParentZone for PowerDnsParent {
    async fn changed(&self, published: &Published) {
        let followed = self.publish(&self.sets(published)).await;
        // The registrar has no say in it: who asks the zone sees that it does not follow.
        if let Err(error) = followed {
            tracing::warn!(domain = published.domain, %error, "the parent zone does not follow");
        }
    }
}
