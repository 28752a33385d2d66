//! The verbs of [`TransferHost`] as requests.

use async_trait::async_trait;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::adapter::PowerDns;
use super::api::Call;
use super::wire::{ALSO_NOTIFY, SERIAL_MOVES, TsigKeyAnswer, kind_of};
use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost as _;
use crate::name::DomainName;
use crate::transfer::{Distribution, Role, TransferFacts, TransferHost, TsigKey};
use crate::zone::ZoneMark;

/// Algorithm of the keys that are made: mandatory to implement, and recommended (RFC 8945 section 6).
const ALGORITHM: &str = "hmac-sha256";

impl PowerDns {
    fn tsig_call(&self, method: Method, verb: &str, name: Option<&DomainName>) -> Call {
        let path = name.map_or_else(
            || "/tsigkeys".to_owned(),
            |name| format!("/tsigkeys/{}", name.absolute()),
        );
        Call::new(method, path, format!("{verb} TSIG keys at {}", self.name())).secret()
    }

    fn zone_call(&self, method: Method, verb: &str, zone: &DomainName, below: &str) -> Call {
        let call = self.call(method, verb, zone);
        Call {
            path: format!("{}{below}", call.path),
            ..call
        }
    }
}

/// The part of a zone's body that says how it is distributed.
fn body(mark: &ZoneMark, distribution: &Distribution) -> Value {
    let keys: Vec<String> = distribution.keys.iter().map(DomainName::absolute).collect();
    let mut body = json!({ "account": mark.as_str(), "kind": kind_of(distribution.role) });
    match distribution.role {
        Role::Secondary | Role::Consumer => {
            let primaries: Vec<String> = distribution.primaries.iter().map(ToString::to_string).collect();
            body["masters"] = json!(primaries);
            body["slave_tsig_key_ids"] = json!(keys);
        }
        Role::Native | Role::Primary | Role::Producer => {
            let catalog = distribution.catalog.as_ref().map(DomainName::absolute);
            body["master_tsig_key_ids"] = json!(keys);
            body["catalog"] = json!(catalog.unwrap_or_default());
        }
    }
    body
}

#[async_trait]
impl TransferHost for PowerDns {
    async fn transfer_facts(&self) -> Result<TransferFacts, DnsError> {
        let settings = self
            .settings(&format!("learn how {} transfers zones", self.name()))
            .await?;
        let is_set = |name: &str| settings.get(name).is_some_and(|value| value == "yes");
        Ok(TransferFacts {
            sends_notify: is_set("primary"),
            signs_notify: is_set("send-signed-notify"),
            fetches: is_set("secondary"),
        })
    }

    async fn tsig_key(&self, name: &DomainName) -> Result<Option<TsigKey>, DnsError> {
        let call = self.tsig_call(Method::GET, "read", Some(name));
        match self.api.read::<TsigKeyAnswer>(&call).await {
            Ok(answer) => Ok(Some(TsigKey {
                name: name.clone(),
                algorithm: answer.algorithm,
                secret: answer.key.into(),
            })),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn make_tsig_key(&self, name: &DomainName) -> Result<(), DnsError> {
        // Without a key in it the request has the server make one.
        let body = json!({ "name": name.absolute(), "algorithm": ALGORITHM });
        let call = self.tsig_call(Method::POST, "make", None).with_body(body);
        self.api.send(&call.creates()).await?;
        Ok(())
    }

    async fn take_tsig_key(&self, key: &TsigKey) -> Result<(), DnsError> {
        let body = json!({
            "name": key.name.absolute(),
            "algorithm": key.algorithm,
            "key": key.secret.expose_secret(),
        });
        let call = match self.tsig_key(&key.name).await? {
            Some(present) if present.secret.expose_secret() == key.secret.expose_secret() => return Ok(()),
            Some(_) => self.tsig_call(Method::PUT, "replace", Some(&key.name)),
            None => self.tsig_call(Method::POST, "add", None).creates(),
        };
        self.api.send(&call.with_body(body)).await?;
        Ok(())
    }

    async fn create_bare(
        &self,
        zone: &DomainName,
        mark: &ZoneMark,
        distribution: &Distribution,
    ) -> Result<(), DnsError> {
        let mut body = body(mark, distribution);
        body["name"] = json!(zone.absolute());
        body["nameservers"] = json!([]);
        if distribution.role == Role::Producer {
            body["soa_edit_api"] = json!(SERIAL_MOVES);
            body["soa_edit"] = json!("");
            body["rrsets"] = catalog_sets(zone);
        }
        let call = Call::new(Method::POST, "/zones", self.action("create", zone));
        self.api.send(&call.with_body(body).creates()).await?;
        Ok(())
    }

    async fn distribute(
        &self,
        zone: &DomainName,
        mark: &ZoneMark,
        distribution: &Distribution,
    ) -> Result<(), DnsError> {
        let call = self.call(Method::PUT, "set up transfers of", zone);
        self.api.send(&call.with_body(body(mark, distribution))).await?;
        if matches!(distribution.role, Role::Secondary | Role::Consumer) {
            return Ok(());
        }
        let notifies: Vec<String> = distribution.notifies.iter().map(ToString::to_string).collect();
        self.set_metadata(zone, ALSO_NOTIFY, &notifies).await
    }

    async fn notify(&self, zone: &DomainName) -> Result<(), DnsError> {
        let call = self.zone_call(Method::PUT, "tell the secondaries of", zone, "/notify");
        self.api.send(&call).await?;
        Ok(())
    }

    async fn retrieve(&self, zone: &DomainName) -> Result<(), DnsError> {
        let call = self.zone_call(Method::PUT, "fetch", zone, "/axfr-retrieve");
        self.api.send(&call).await?;
        Ok(())
    }
}

/// What a catalog has beside its members: the server adds those, and moves the serial (RFC 9432 section 4.1).
fn catalog_sets(zone: &DomainName) -> Value {
    let set = |kind: &str, content: &str| {
        json!({
            "name": zone.absolute(), "type": kind, "ttl": 3_600,
            "records": [{ "content": content, "disabled": false }],
        })
    };
    json!([
        set("SOA", "invalid. hostmaster.invalid. 1 3600 600 2147483646 0"),
        set("NS", "invalid."),
    ])
}
