//! The verbs of [`ZoneHost`] as requests.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::{Host, Url};

use super::addresses;
use super::api::{Api, Call};
use super::wire::{
    KeyAnswer, ListedZone, Metadata, MetadataAnswer, PrivateKeyAnswer, SERIAL_MOVES, ServerAnswer, SetBody,
    SettingAnswer, TELL_KEYS, ZoneAnswer, capabilities, version,
};
use crate::error::{DnsError, ErrorClass};
use crate::host::{ServerFacts, Signing, ZoneHost, ZoneKey};
use crate::name::DomainName;
use crate::zone::{Change, MarkedSet, Zone, ZoneMark, ZoneRequest, ZoneSettings};

/// Algorithm of keys: ECDSA P-256 with SHA-256, number 13 (RFC 8624 section 3.1).
const ALGORITHM: &str = "ecdsa256";

#[derive(Debug)]
pub(super) struct PowerDns {
    pub(super) api: Api,
    url: Url,
    name: String,
    answers_at: Option<SocketAddr>,
}

impl PowerDns {
    pub(super) fn new(api: Api, url: Url, answers_at: Option<SocketAddr>) -> Self {
        let name = url.as_str().trim_end_matches('/').to_owned();
        Self {
            api,
            url,
            name,
            answers_at,
        }
    }

    pub(super) fn action(&self, verb: &str, zone: &DomainName) -> String {
        format!("{verb} zone `{zone}` at {}", self.name)
    }

    pub(super) fn call(&self, method: Method, verb: &str, zone: &DomainName) -> Call {
        Call::new(method, format!("/zones/{}", id(zone)), self.action(verb, zone))
    }

    fn keys_call(&self, method: Method, verb: &str, zone: &DomainName) -> Call {
        let call = self.call(method, verb, zone);
        Call {
            path: format!("{}/cryptokeys", call.path),
            ..call
        }
    }

    fn odd(&self, action: String, message: String) -> DnsError {
        DnsError {
            class: ErrorClass::Stop,
            action,
            message,
            remedy: format!(
                "check that {} is the API of a PowerDNS Authoritative Server",
                self.name
            ),
        }
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, DnsError> {
        if let Some(configured) = self.answers_at {
            return Ok(vec![configured]);
        }
        let action = format!("learn where {} answers queries", self.name);
        let settings = self.settings(&action).await?;
        let value = |name: &str| settings.get(name).cloned().unwrap_or_default();
        let port = value("local-port").parse().unwrap_or(53);
        let found = addresses::answers_at(&value("local-address"), port, self.api_address(&action).await?);
        if found.is_empty() {
            let message = format!("its setting `local-address` is `{}`", value("local-address"));
            return Err(self.odd(action, message));
        }
        Ok(found)
    }

    /// Its configuration, by name.
    pub(super) async fn settings(&self, action: &str) -> Result<BTreeMap<String, String>, DnsError> {
        let settings: Vec<SettingAnswer> = self.api.read(&Call::new(Method::GET, "/config", action)).await?;
        Ok(settings
            .into_iter()
            .map(|setting| (setting.name, setting.value))
            .collect())
    }

    async fn api_address(&self, action: &str) -> Result<IpAddr, DnsError> {
        let domain = match self.url.host() {
            Some(Host::Ipv4(address)) => return Ok(address.into()),
            Some(Host::Ipv6(address)) => return Ok(address.into()),
            Some(Host::Domain(domain)) => domain,
            None => "",
        };
        let unknown = |why: String| DnsError {
            class: ErrorClass::Retry,
            action: action.to_owned(),
            message: format!("`{domain}` has no address: {why}"),
            remedy: "check the name in the API's address".to_owned(),
        };
        let port = self.url.port_or_known_default().unwrap_or_default();
        let mut found = tokio::net::lookup_host((domain, port))
            .await
            .map_err(|error| unknown(error.to_string()))?;
        let first = found
            .next()
            .ok_or_else(|| unknown("nobody knows it".to_owned()))?;
        Ok(first.ip())
    }

    async fn metadata(&self, zone: &DomainName) -> Result<Metadata, DnsError> {
        let call = self.call(Method::GET, "read the metadata of", zone);
        let call = Call {
            path: format!("{}/metadata", call.path),
            ..call
        };
        let answer: Vec<MetadataAnswer> = self.api.read(&call).await?;
        Ok(answer
            .into_iter()
            .map(|answer| (answer.kind, answer.metadata))
            .collect())
    }

    /// Sets one kind of metadata; without values it is removed.
    pub(super) async fn set_metadata(
        &self,
        zone: &DomainName,
        kind: &str,
        values: &[String],
    ) -> Result<(), DnsError> {
        let call = self.call(Method::PUT, &format!("set {kind} of"), zone);
        let call = Call {
            path: format!("{}/metadata/{kind}", call.path),
            ..call
        };
        self.api
            .send(&call.with_body(json!({ "metadata": values })))
            .await?;
        Ok(())
    }

    fn zone(&self, answer: ZoneAnswer, metadata: &Metadata, action: String) -> Result<Zone, DnsError> {
        let zone = answer.into_zone(metadata);
        zone.ok_or_else(|| self.odd(action, "the answer is about a zone without a name".to_owned()))
    }
}

/// A zone in a path, where a lone dot would be read as the folder it stands in.
fn id(zone: &DomainName) -> String {
    if *zone == DomainName::root() {
        "=2E".to_owned()
    } else {
        zone.absolute()
    }
}

#[async_trait]
impl ZoneHost for PowerDns {
    fn name(&self) -> &str {
        &self.name
    }

    async fn facts(&self) -> Result<ServerFacts, DnsError> {
        let action = format!("reach the API at {}", self.name);
        let server: ServerAnswer = self.api.read(&Call::new(Method::GET, "", &action)).await?;
        if server.daemon_type != "authoritative" {
            return Err(self.odd(action, format!("it is a server of type `{}`", server.daemon_type)));
        }
        let version = version(&server.version);
        Ok(ServerFacts {
            version,
            capabilities: capabilities(version),
            answers_at: self.addresses().await?,
        })
    }

    async fn find(&self, zone: &DomainName) -> Result<Option<Zone>, DnsError> {
        let call = self.call(Method::GET, "read", zone);
        let read = async {
            let answer = self.api.read::<ZoneAnswer>(&call).await?;
            // It may be removed between the two.
            Ok::<_, DnsError>((answer, self.metadata(zone).await?))
        };
        match read.await {
            Ok((answer, metadata)) => self.zone(answer, &metadata, call.action).map(Some),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn sets(
        &self,
        zone: &DomainName,
        at: Option<&DomainName>,
    ) -> Result<Option<Vec<MarkedSet>>, DnsError> {
        let mut call = self.call(Method::GET, "read", zone);
        if let Some(at) = at {
            call.path = format!("{}?rrset_name={}", call.path, at.absolute());
        }
        match self.api.read::<ZoneAnswer>(&call).await {
            Ok(answer) => Ok(Some(answer.marked_sets(at))),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn zones(&self) -> Result<Vec<(DomainName, String)>, DnsError> {
        let action = format!("list the zones at {}", self.name);
        let call = Call::new(Method::GET, "/zones?dnssec=false", action);
        let listed: Vec<ListedZone> = self.api.read(&call).await?;
        let named = listed
            .into_iter()
            .filter_map(|zone| Some((zone.name.parse().ok()?, zone.account)));
        Ok(named.collect())
    }

    async fn export(&self, zone: &DomainName) -> Result<String, DnsError> {
        let mut call = self.call(Method::GET, "export", zone);
        call.path = format!("{}/export", call.path);
        let body = self.api.send(&call).await?;
        String::from_utf8(body).map_err(|_| self.odd(call.action, "the answer is not text".to_owned()))
    }

    async fn zones_of(&self, mark: &ZoneMark) -> Result<Vec<DomainName>, DnsError> {
        let zones = self.zones().await?.into_iter();
        let ours = zones.filter(|(_, owner)| owner == mark.as_str());
        Ok(ours.map(|(name, _)| name).collect())
    }

    async fn create(&self, request: &ZoneRequest, serial: u32, signing: Signing) -> Result<Zone, DnsError> {
        let sets: Vec<SetBody> = request.all_sets(serial).iter().map(SetBody::from).collect();
        let body = json!({
            "name": request.name.absolute(),
            "kind": "Native",
            "account": request.mark.as_str(),
            "dnssec": signing == Signing::OwnKey,
            "api_rectify": true,
            "soa_edit_api": SERIAL_MOVES,
            "soa_edit": "",
            "nameservers": [],
            "rrsets": sets,
        });
        let call = Call::new(Method::POST, "/zones", self.action("create", &request.name));
        let call = call.with_body(body).creates();
        let answer = self.api.read(&call).await?;
        // A zone that was just made has none.
        self.zone(answer, &Metadata::default(), call.action)
    }

    async fn change(&self, zone: &DomainName, changes: &[Change]) -> Result<(), DnsError> {
        let sets: Vec<SetBody> = changes.iter().map(SetBody::from).collect();
        let call = self.call(Method::PATCH, "change", zone);
        self.api.send(&call.with_body(json!({ "rrsets": sets }))).await?;
        Ok(())
    }

    async fn complete_settings(&self, zone: &DomainName, present: ZoneSettings) -> Result<(), DnsError> {
        if !(present.signed && present.rectified && present.serial_moves) {
            let body = json!({ "dnssec": true, "api_rectify": true, "soa_edit_api": SERIAL_MOVES });
            let call = self.call(Method::PUT, "sign", zone);
            self.api.send(&call.with_body(body)).await?;
        }
        if !present.keys_told {
            for (kind, value) in TELL_KEYS {
                self.set_metadata(zone, kind, &[value.to_owned()]).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, zone: &DomainName) -> Result<(), DnsError> {
        match self.api.send(&self.call(Method::DELETE, "delete", zone)).await {
            Err(error) if error.class != ErrorClass::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn forget_answers(&self, name: &DomainName) -> Result<(), DnsError> {
        let action = format!("have {} forget what it answered for `{name}`", self.name);
        let path = format!("/cache/flush?domain={}", name.absolute());
        self.api.send(&Call::new(Method::PUT, path, action)).await?;
        Ok(())
    }

    async fn keys(&self, zone: &DomainName) -> Result<Vec<ZoneKey>, DnsError> {
        let call = self.keys_call(Method::GET, "read the keys of", zone);
        let answer: Vec<KeyAnswer> = self.api.read(&call).await?;
        Ok(answer.into_iter().map(ZoneKey::from).collect())
    }

    async fn make_key(&self, zone: &DomainName) -> Result<(), DnsError> {
        let body = json!({ "keytype": "csk", "active": true, "published": true, "algorithm": ALGORITHM });
        let call = self.keys_call(Method::POST, "make a key of", zone);
        self.api.send(&call.with_body(body).creates().secret()).await?;
        Ok(())
    }

    async fn delete_key(&self, zone: &DomainName, id: u64) -> Result<(), DnsError> {
        let mut call = self.keys_call(Method::DELETE, "remove a key of", zone);
        call.path = format!("{}/{id}", call.path);
        match self.api.send(&call).await {
            Err(error) if error.class != ErrorClass::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn export_key(&self, zone: &DomainName, id: u64) -> Result<SecretString, DnsError> {
        let mut call = self
            .keys_call(Method::GET, "read the private key of", zone)
            .secret();
        call.path = format!("{}/{id}", call.path);
        let answer: PrivateKeyAnswer = self.api.read(&call).await?;
        Ok(answer.privatekey.into())
    }

    async fn import_key(&self, zone: &DomainName, key: &SecretString) -> Result<(), DnsError> {
        let body =
            json!({ "keytype": "csk", "active": true, "published": true, "content": key.expose_secret() });
        let call = self.keys_call(Method::POST, "bring the key of another server to", zone);
        self.api.send(&call.with_body(body).creates().secret()).await?;
        Ok(())
    }
}
