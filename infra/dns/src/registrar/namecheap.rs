//! Namecheap, by its XML API. Errors come with HTTP 200.
//!
//! Contract: <https://www.namecheap.com/support/api/>. Parameters travel in the body of a POST, so that the key is in no address.

mod answer;

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use sovereign_core::registrar::{NamecheapCredential, RegistrarKind};

use self::answer::{ApiError, ApiResponse, CommandResponse};
use super::call::{Call, Endpoint};
use super::delegation::{Delegation, TargetNs};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, Task};
use super::http::Http;
use super::pacer::Rate;
use super::vendor::{Change, Vendor};
use crate::name::DomainName;

const ENDPOINT: &str = "https://api.namecheap.com";
/// 20 requests a minute and 700 an hour, as its support says.
const RATE: Rate = Rate {
    burst: 8,
    every: Duration::from_millis(5_500),
};

#[derive(Debug)]
pub(super) struct Namecheap {
    http: Http,
    credential: NamecheapCredential<SecretString>,
}

impl Namecheap {
    pub(super) fn new(
        endpoint: &Endpoint,
        credential: NamecheapCredential<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let secrets = vec![credential.key.clone()];
        let kind = RegistrarKind::Namecheap;
        let http = Http::new(kind, endpoint, ENDPOINT, RATE, secrets)?;
        Ok(Self { http, credential })
    }

    async fn command(
        &self,
        command: &str,
        domain: &DomainName,
        more: &[(&str, &str)],
        writes: bool,
    ) -> Result<(Call, CommandResponse), RegistrarError> {
        // Everything behind the first dot; the registry's part may have several labels.
        let (sld, tld) = domain.as_str().split_once('.').unwrap_or((domain.as_str(), ""));
        let client_ip = self.credential.client_ip.to_string();
        let command = format!("namecheap.domains.dns.{command}");
        let mut form = vec![
            ("ApiUser", self.credential.user.as_str()),
            ("ApiKey", self.credential.key.expose_secret()),
            ("UserName", self.credential.user.as_str()),
            ("ClientIp", client_ip.as_str()),
            ("Command", command.as_str()),
            ("SLD", sld),
            ("TLD", tld),
        ];
        form.extend_from_slice(more);
        let verb = if writes { "set" } else { "read" };
        let action = format!("{verb} the delegation of `{domain}` at namecheap");
        let call = Call {
            body: Some(("application/x-www-form-urlencoded", encode(&form))),
            writes,
            ..Call::write(Method::POST, "/xml.response", action)
        };
        let answer = self.http.send(&call).await?;
        if !answer.status.is_success() {
            let words = String::from_utf8_lossy(&answer.body);
            return Err(self.http.refused(&call, &answer, &words));
        }
        let text = String::from_utf8_lossy(&answer.body);
        let response: ApiResponse = quick_xml::de::from_str(&text)
            .map_err(|_| self.http.unreadable(&call, "it is not the expected XML"))?;
        match response.command {
            Some(result) if response.status == "OK" => Ok((call, result)),
            _ => Err(self.refused(&call, &response.errors.list)),
        }
    }

    /// Numbers: the API's table of errors, <https://www.namecheap.com/support/api/error-codes/>.
    fn refused(&self, call: &Call, errors: &[ApiError]) -> RegistrarError {
        let words: Vec<String> = errors
            .iter()
            .map(|error| format!("{} [{}]", error.message, error.number))
            .collect();
        let words = words.join("; ");
        let number = errors.first().map_or("", |error| error.number.as_str());
        let cause = match number {
            "2019166" | "2016166" => Cause::NotFound,
            "2030166" => Cause::Locked,
            "2030280" => Cause::Unsupported,
            "500000" => Cause::RateLimited(None),
            "1011150" | "1017150" | "1017105" | "1010105" | "1011105" => {
                let seen = words
                    .split([' ', ':', '['])
                    .find_map(|word| word.parse::<IpAddr>().ok());
                Cause::NotAllowedFrom(seen)
            }
            "1010101" | "1010102" | "1010104" | "1011102" | "1016103" | "1017101" | "1017103" | "1017411"
            | "1030408" => Cause::Unauthorized,
            // The registry behind it failed.
            "3031510" | "3050900" | "4022288" | "5050900" => Cause::Unreachable,
            number if number.starts_with('2') => Cause::Rejected,
            _ => Cause::Unexpected,
        };
        let unsettled = call.writes && matches!(cause, Cause::Unreachable | Cause::Unexpected);
        RegistrarError {
            unsettled,
            ..self.http.error(call, cause, &words)
        }
    }
}

/// As forms are (WHATWG URL standard).
fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish()
}

#[async_trait]
impl Vendor for Namecheap {
    fn kind(&self) -> RegistrarKind {
        self.http.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ns: true,
            revert_to_default: true,
            ..Capabilities::default()
        }
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        let (call, result) = self.command("getList", domain, &[], false).await?;
        let list = result
            .list
            .ok_or_else(|| self.http.unreadable(&call, "it has no list of name servers"))?;
        let ns = self.http.ns(&call, &list.nameservers)?;
        Ok(Delegation {
            ns,
            uses_provider_default: list.is_using_our_dns,
            ds: None,
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
        let (call, updated) = match &change.ns {
            None => return Ok(None),
            Some(TargetNs::Own(ns)) => {
                let names = ns.names().join(",");
                let more = [("Nameservers", names.as_str())];
                let (call, result) = self.command("setCustom", domain, &more, true).await?;
                (call, result.set_custom)
            }
            Some(TargetNs::ProviderDefault) => {
                let (call, result) = self.command("setDefault", domain, &[], true).await?;
                (call, result.set_default)
            }
        };
        if updated.is_some_and(|it| it.updated) {
            return Ok(None);
        }
        let words = "it was not updated, and no reason is given";
        Err(self.http.error(&call, Cause::Rejected, words))
    }
}
