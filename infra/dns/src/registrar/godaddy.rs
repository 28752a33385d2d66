//! `GoDaddy`: name servers by its API v1, keys by v2 where the customer's number is given.
//!
//! Contract: <https://developer.godaddy.com/doc/endpoint/domains> and its Swagger files.

mod algorithm;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sovereign_core::registrar::{GodaddyCredential, RegistrarKind};

use self::algorithm::DnssecRecord;
use super::call::{Answer, Call, Endpoint};
use super::delegation::{Delegation, Signer, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Progress, Task};
use super::http::{Http, secret_header};
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use super::wire::provider_default;
use crate::name::DomainName;

const ENDPOINT: &str = "https://api.godaddy.com";
/// 60 requests a minute to each endpoint.
const RATE: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(1),
};
/// Where the servers lie that a domain has at first.
const DEFAULT_NS: &[&str] = &["domaincontrol.com"];

#[derive(Debug)]
pub(super) struct Godaddy {
    http: Http,
    authorization: HeaderValue,
    customer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DomainAnswer {
    status: String,
    #[serde(default)]
    name_servers: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DomainDetails {
    #[serde(default)]
    dnssec_records: Vec<DnssecRecord>,
}

#[derive(Deserialize)]
struct Action {
    status: String,
    #[serde(default)]
    reason: Option<ApiError>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApiError {
    code: String,
    message: String,
    fields: Vec<FieldError>,
    retry_after_sec: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FieldError {
    path: String,
    message: String,
}

impl ApiError {
    fn words(&self) -> String {
        let fields = self
            .fields
            .iter()
            .map(|field| format!("; {}: {}", field.path, field.message));
        format!("{} [{}]{}", self.message, self.code, fields.collect::<String>())
    }
}

impl Godaddy {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: &GodaddyCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let kind = RegistrarKind::Godaddy;
        let GodaddyCredential {
            key,
            secret,
            customer,
        } = credential;
        let text = format!("sso-key {}:{}", key.expose_secret(), secret.expose_secret());
        let authorization = secret_header(kind, &text)?;
        let secrets = vec![key.clone(), secret.clone()];
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self {
            http,
            authorization,
            customer: customer.clone(),
        })
    }

    async fn send(&self, call: &mut Call) -> Result<Answer, RegistrarError> {
        call.headers
            .push((reqwest::header::AUTHORIZATION, self.authorization.clone()));
        let answer = self.http.send(call).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let told: ApiError = serde_json::from_slice(&answer.body).unwrap_or_default();
        let words = if told.code.is_empty() {
            String::new()
        } else {
            told.words()
        };
        let cause = match (answer.status.as_u16(), told.code.as_str()) {
            (429, _) => {
                let after = told.retry_after_sec.map(Duration::from_secs);
                Cause::RateLimited(after.or_else(|| answer.retry_after()))
            }
            // An action of the same kind runs already.
            (409, _) if call.path.starts_with("/v2/") => Cause::Busy,
            (409, _) => Cause::Locked,
            _ => return Err(self.http.refused(call, &answer, &words)),
        };
        Err(self.http.error(call, cause, &words))
    }

    fn action(domain: &DomainName, verb: &str) -> String {
        format!("{verb} the delegation of `{domain}` at godaddy")
    }

    async fn domain(&self, domain: &DomainName) -> Result<DomainAnswer, RegistrarError> {
        let mut call = Call::read(format!("/v1/domains/{domain}"), Self::action(domain, "read"));
        let answer = self.send(&mut call).await?;
        self.http.parse(&call, &answer)
    }

    fn v2(customer: &str, domain: &DomainName, rest: &str) -> String {
        format!(
            "/v2/customers/{}/domains/{domain}{rest}",
            urlencoding::encode(customer)
        )
    }

    async fn read_ds(&self, customer: &str, domain: &DomainName) -> Result<Vec<Signer>, RegistrarError> {
        let path = Self::v2(customer, domain, "?includes=dnssecRecords");
        let mut call = Call::read(path, Self::action(domain, "read"));
        let answer = self.send(&mut call).await?;
        let details: DomainDetails = self.http.parse(&call, &answer)?;
        let signers = details.dnssec_records.iter().map(DnssecRecord::signer);
        let signers: Option<Vec<Signer>> = signers.collect();
        signers.ok_or_else(|| {
            self.http
                .unreadable(&call, "a DS record has an unknown algorithm")
        })
    }

    async fn change_ds(
        &self,
        domain: &DomainName,
        method: Method,
        signers: &[Signer],
    ) -> Result<Option<Task>, RegistrarError> {
        let Some(customer) = self.customer.as_deref().filter(|_| !signers.is_empty()) else {
            return Ok(None);
        };
        let kind = if method == Method::DELETE {
            "DNSSEC_DELETE"
        } else {
            "DNSSEC_CREATE"
        };
        let path = Self::v2(customer, domain, "/dnssecRecords");
        let mut call = Call::write(method, path, Self::action(domain, "set"));
        let records: Option<Vec<DnssecRecord>> = signers.iter().map(DnssecRecord::of).collect();
        let words = "it has no name for the algorithm or digest of a DS record";
        let records = records.ok_or_else(|| self.http.error(&call, Cause::Rejected, words))?;
        call = call.json(&json!(records));
        self.send(&mut call).await?;
        let id = Some(kind.to_owned());
        Ok(Some(Task { id }))
    }
}

#[async_trait]
impl Vendor for Godaddy {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            ds_digest: self.customer.is_some(),
            is_async: self.customer.is_some(),
            ..Capabilities::default()
        }
    }

    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        let answer = self.domain(domain).await?;
        if answer.status != "ACTIVE" {
            let call = Call::read("", Self::action(domain, "set"));
            let words = format!(
                "the domain's status is `{}`; only ACTIVE ones can be changed",
                answer.status
            );
            return Err(self.http.error(&call, Cause::Locked, &words));
        }
        match &self.customer {
            Some(customer) => self.read_ds(customer, domain).await.map(drop),
            None => Ok(()),
        }
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let answer = self.domain(domain).await?;
        let call = Call::read("", Self::action(domain, "read"));
        let ns = self.http.ns(&call, answer.name_servers.unwrap_or_default())?;
        let ds = match &self.customer {
            Some(customer) => Some(self.read_ds(customer, domain).await?),
            None => None,
        };
        Ok(Delegation {
            uses_provider_default: provider_default(&ns, DEFAULT_NS),
            ns,
            ds,
            glue: None,
            version: None,
            under_way: None,
        })
    }

    async fn write(
        &self,
        domain: &DomainName,
        _present: &Delegation,
        change: &Change,
    ) -> Result<Option<Task>, RegistrarError> {
        let removed = self.change_ds(domain, Method::DELETE, &change.ds_removed).await?;
        if let Some(TargetNs::Own(ns)) = &change.ns {
            let path = format!("/v1/domains/{domain}");
            let body = json!({ "nameServers": ns.names() });
            let call = Call::write(Method::PATCH, path, Self::action(domain, "set"));
            self.send(&mut call.json(&body)).await?;
        }
        let added = self.change_ds(domain, Method::PATCH, &change.ds_added).await?;
        Ok(added.or(removed))
    }

    async fn progress(&self, domain: &DomainName, task: &str) -> Result<Progress, RegistrarError> {
        let Some(customer) = &self.customer else {
            return Ok(Progress::Done);
        };
        let path = Self::v2(customer, domain, &format!("/actions/{task}"));
        let mut call = Call::read(path, format!("follow {task} of `{domain}` at godaddy"));
        let answer = self.send(&mut call).await?;
        let action: Action = self.http.parse(&call, &answer)?;
        let why = action.reason.map(|reason| reason.words()).unwrap_or_default();
        Ok(match action.status.as_str() {
            "SUCCESS" => Progress::Done,
            "FAILED" | "CANCELLED" => Progress::Failed(format!("{task} is {}: {why}", action.status)),
            status => Progress::Running(format!("{task} is {status}")),
        })
    }
}
