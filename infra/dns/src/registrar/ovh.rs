//! `OVHcloud`, by its API v2: name servers, keys and glue change in one request, which a checksum guards against others.
//!
//! Contract: <https://eu.api.ovh.com/console/?branch=v2>, resource `/domain/name/{domainName}`; requests are signed as
//! <https://github.com/ovh/go-ovh> does it.

mod resource;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha1::{Digest as _, Sha1};
use sovereign_core::registrar::{OvhCredential, OvhRegion, RegistrarKind};
use tokio::sync::OnceCell;

use self::resource::{Resource, TaskState};
use super::call::{Answer, Call, Endpoint};
use super::delegation::Delegation;
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Progress, Task};
use super::http::{Http, secret_header, unsendable};
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use crate::name::DomainName;

/// No limit is documented.
const RATE: Rate = Rate {
    burst: 5,
    every: Duration::from_millis(500),
};

fn address(region: OvhRegion) -> &'static str {
    match region {
        OvhRegion::Eu => "https://eu.api.ovh.com",
        OvhRegion::Ca => "https://ca.api.ovh.com",
        OvhRegion::Us => "https://api.us.ovhcloud.com",
    }
}

pub(super) struct Ovh {
    http: Http,
    application: HeaderValue,
    consumer: HeaderValue,
    credential: OvhCredential<SecretString>,
    /// Seconds that the registrar's clock is ahead of ours.
    ahead: OnceCell<i64>,
}

impl fmt::Debug for Ovh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ovh")
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApiError {
    error_code: String,
    message: String,
}

impl Ovh {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: OvhCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let kind = RegistrarKind::Ovh;
        let header = |secret: &SecretString| secret_header(kind, secret.expose_secret());
        let secrets = vec![
            credential.application_key.clone(),
            credential.application_secret.clone(),
            credential.consumer_key.clone(),
        ];
        let own = address(credential.region);
        Ok(Self {
            http: Http::new(kind, endpoint, own, RATE, secrets)?,
            application: header(&credential.application_key)?,
            consumer: header(&credential.consumer_key)?,
            credential,
            ahead: OnceCell::new(),
        })
    }

    /// Signs and sends a call. Signatures are refused if the clocks differ, so the registrar's is asked for once.
    async fn send(&self, call: &mut Call) -> Result<Answer, RegistrarError> {
        let ahead = self.ahead.get_or_try_init(|| self.clock()).await?;
        let time = (now() + ahead).to_string();
        let signature = self.signature(call, &time);
        let headers = [
            ("x-ovh-application", self.application.clone()),
            ("x-ovh-consumer", self.consumer.clone()),
            (
                "x-ovh-timestamp",
                HeaderValue::from_str(&time).map_err(|_| unsendable(self.kind()))?,
            ),
            ("x-ovh-signature", secret_header(self.kind(), &signature)?),
        ];
        let named = headers.map(|(name, value)| (HeaderName::from_static(name), value));
        call.headers.extend(named);
        let answer = self.http.send(call).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(self.refused(call, &answer))
    }

    /// `$1$` and the SHA-1, in hex, of secret, consumer key, method, address, body and time, joined by `+`.
    fn signature(&self, call: &Call, time: &str) -> String {
        let url = self.http.url(&call.path);
        let body = call.body.as_ref().map_or("", |(_, body)| body.as_str());
        let parts = [
            self.credential.application_secret.expose_secret(),
            self.credential.consumer_key.expose_secret(),
            call.method.as_str(),
            url.as_str(),
            body,
            time,
        ];
        format!("$1${}", hex::encode(Sha1::digest(parts.join("+"))))
    }

    async fn clock(&self) -> Result<i64, RegistrarError> {
        let call = Call::read("/v1/auth/time", "ask ovh for the time");
        let answer = self.http.send(&call).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&call, &answer));
        }
        Ok(self.http.parse::<i64>(&call, &answer)? - now())
    }

    fn refused(&self, call: &Call, answer: &Answer) -> RegistrarError {
        let told: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
        let words = match (told.message.is_empty(), told.error_code.is_empty()) {
            (false, false) => format!("{} [{}]", told.message, told.error_code),
            _ => told.message + &told.error_code,
        };
        let status = answer.status.as_u16();
        let cause = if status == 403 && words.contains(" IP") {
            Cause::NotAllowedFrom(None)
        } else if status == 409 && words.to_ascii_lowercase().contains("checksum") {
            Cause::Changed("its checksum".to_owned())
        } else if words.contains("INVALID_SIGNATURE") || words.contains("QUERY_TIME_OUT") {
            Cause::Unauthorized
        } else {
            return self.http.refused(call, answer, &words);
        };
        self.http.error(call, cause, &words)
    }

    fn path(domain: &DomainName) -> String {
        format!("/v2/domain/name/{domain}")
    }

    async fn resource(&self, domain: &DomainName) -> Result<Resource, RegistrarError> {
        let action = format!("read the delegation of `{domain}` at ovh");
        let mut call = Call::read(Self::path(domain), action);
        let answer = self.send(&mut call).await?;
        self.http.parse(&call, &answer)
    }

    fn delegation(&self, domain: &DomainName, resource: &Resource) -> Result<Delegation, RegistrarError> {
        let call = Call::read("", format!("read the delegation of `{domain}` at ovh"));
        let read = resource.delegation(domain);
        read.map_err(|why| self.http.unreadable(&call, &why))
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

#[async_trait]
impl Vendor for Ovh {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_dnskey: true,
            glue: true,
            atomic_ns_ds: true,
            is_async: true,
            ..Capabilities::default()
        }
    }

    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        let resource = self.resource(domain).await?;
        if let Some(why) = resource.obstacle() {
            let call = Call::read("", format!("set the delegation of `{domain}` at ovh"));
            return Err(self.http.error(&call, Cause::Locked, &why));
        }
        self.delegation(domain, &resource).map(drop)
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let resource = self.resource(domain).await?;
        self.delegation(domain, &resource)
    }

    async fn write(
        &self,
        domain: &DomainName,
        present: &Delegation,
        change: &Change,
    ) -> Result<Option<Task>, RegistrarError> {
        let action = format!("set the delegation of `{domain}` at ovh");
        let mut call = Call::write(Method::PUT, Self::path(domain), action);
        let resource = self.resource(domain).await?;
        // The checksum must be that of the state which the change was made from.
        if present.version.as_deref() != Some(&resource.checksum) {
            let now = self.delegation(domain, &resource)?.to_string();
            let words = "it changed between two looks";
            return Err(self.http.error(&call, Cause::Changed(now), words));
        }
        let spec = resource.target_spec(domain, present, change);
        call = call.json(&json!({ "checksum": resource.checksum, "targetSpec": spec }));
        let answer = self.send(&mut call).await?;
        let accepted: Resource = self.http.parse(&call, &answer)?;
        Ok(accepted.running_task().map(|id| Task { id: Some(id) }))
    }

    async fn progress(&self, domain: &DomainName, task: &str) -> Result<Progress, RegistrarError> {
        let resource = self.resource(domain).await?;
        // Tasks that are done are no longer listed.
        Ok(match resource.task(task) {
            TaskState::Gone => Progress::Done,
            TaskState::Running(what) => Progress::Running(what),
            TaskState::Failed(what) => Progress::Failed(what),
        })
    }
}
