//! A client for the lab's own switches.

use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use crate::console::{HostView, Said};
use crate::fault::Fault;
use crate::machine::HostFaults;
use crate::registrars::{OwnersChange, RegistrarFault, RegistrarVendor, RegistrarView};
use crate::stats::Stats;

/// Why the lab did not do as told.
#[derive(Debug, Error)]
pub enum LabError {
    /// Nobody answers there.
    #[error("no lab answers at {address}")]
    Unreachable {
        /// Where one was looked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The lab refused.
    #[error("the lab refuses: {0}")]
    Refused(String),
}

/// Steers a lab.
#[derive(Debug, Clone)]
pub struct LabClient {
    address: SocketAddr,
    http: reqwest::Client,
}

impl LabClient {
    /// A client for the lab that listens there.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            http: reqwest::Client::new(),
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: reqwest::Method,
        verb: &str,
        body: &Value,
    ) -> Result<T, LabError> {
        let unreachable = |source| LabError::Unreachable {
            address: self.address,
            source,
        };
        let url = format!("http://{}/lab/v1/{verb}", self.address);
        let response = self
            .http
            .request(method, url)
            .json(body)
            .send()
            .await
            .map_err(unreachable)?;
        let accepted = response.status().is_success();
        let text = response.text().await.map_err(unreachable)?;
        if !accepted {
            return Err(LabError::Refused(text));
        }
        serde_json::from_str(&text).map_err(|error| LabError::Refused(error.to_string()))
    }

    async fn tell(&self, method: reqwest::Method, verb: &str, body: Value) -> Result<(), LabError> {
        self.call::<Value>(method, verb, &body).await.map(drop)
    }

    /// Everything that exists: `{"projects": {name: {kind: [resource]}}}`.
    pub async fn status(&self) -> Result<Value, LabError> {
        self.call(reqwest::Method::GET, "status", &Value::Null).await
    }

    /// How many requests were answered since the last reset.
    pub async fn stats(&self) -> Result<Stats, LabError> {
        self.call(reqwest::Method::GET, "stats", &Value::Null).await
    }

    /// Counts from nothing again.
    pub async fn reset_stats(&self) -> Result<(), LabError> {
        self.tell(reqwest::Method::DELETE, "stats", Value::Null).await
    }

    /// Switches a fault on; one of the same name is replaced.
    pub async fn set_fault(&self, fault: &Fault) -> Result<(), LabError> {
        self.tell(reqwest::Method::POST, "faults", json!(fault)).await
    }

    /// Switches one fault off, or all.
    pub async fn clear_faults(&self, name: Option<&str>) -> Result<(), LabError> {
        self.tell(reqwest::Method::DELETE, "faults", json!({"name": name}))
            .await
    }

    /// The faults that are on.
    pub async fn faults(&self) -> Result<Vec<Fault>, LabError> {
        self.call(reqwest::Method::GET, "faults", &Value::Null).await
    }

    /// Offers that cannot be had, each `type@location`; replaces those set before.
    pub async fn sold_out(&self, offers: &[&str]) -> Result<(), LabError> {
        self.tell(reqwest::Method::POST, "sold-out", json!({"offers": offers}))
            .await
    }

    /// Leaves so many requests in every project's bucket.
    pub async fn leave_requests(&self, remaining: u32) -> Result<(), LabError> {
        self.tell(reqwest::Method::POST, "bucket", json!({"remaining": remaining}))
            .await
    }

    /// Makes what a running cluster makes in its network: autoscaled servers, volumes, load balancers.
    pub async fn make_inside(
        &self,
        network: &str,
        servers: u32,
        volumes: u32,
        load_balancers: u32,
    ) -> Result<(), LabError> {
        let body = json!({
            "network": network, "prefix": network, "servers": servers, "volumes": volumes,
            "load_balancers": load_balancers,
        });
        self.tell(reqwest::Method::POST, "inside", body).await
    }

    /// The hosts behind the servers; none where a server is a record.
    pub async fn hosts(&self) -> Result<Vec<HostView>, LabError> {
        let mut status = self.status().await?;
        serde_json::from_value(status["hosts"].take()).map_err(|error| LabError::Refused(error.to_string()))
    }

    /// The host of a server, by the server's name or number.
    pub async fn host(&self, server: &str) -> Result<HostView, LabError> {
        let hosts = self.hosts().await?;
        let named = hosts.into_iter().find(|host| host.is(server));
        named.ok_or_else(|| LabError::Refused(format!("no server with a machine is called `{server}`")))
    }

    /// Reboots a host in order, as somebody who is logged in would: the API knows nothing of it.
    pub async fn reboot_host(&self, server: &str) -> Result<(), LabError> {
        let body = json!({"server": server});
        self.tell(reqwest::Method::POST, "hosts/reboot", body).await
    }

    /// Lets a host break: it is off from one moment to the next.
    pub async fn kill_host(&self, server: &str) -> Result<(), LabError> {
        let body = json!({"server": server});
        self.tell(reqwest::Method::POST, "hosts/kill", body).await
    }

    /// Sets what is wrong with a host. Links and a full disk change at once, the rest at its next boot.
    pub async fn afflict(&self, server: &str, faults: &HostFaults) -> Result<(), LabError> {
        let body = json!({"server": server, "faults": faults});
        self.tell(reqwest::Method::POST, "hosts/faults", body).await
    }

    /// Runs a command on a host as root, from its console, and returns when it has ended.
    pub async fn execute<A: AsRef<str>>(&self, server: &str, command: &[A]) -> Result<Said, LabError> {
        let command: Vec<&str> = command.iter().map(AsRef::as_ref).collect();
        let body = json!({"server": server, "command": command});
        self.call(reqwest::Method::POST, "hosts/exec", &body).await
    }

    /// Everything a host has said on its console, over all its boots.
    pub async fn console(&self, server: &str) -> Result<String, LabError> {
        let body = json!({"server": server});
        self.call(reqwest::Method::POST, "hosts/console", &body).await
    }

    /// The registrars beside the lab.
    pub async fn registrars(&self) -> Result<Vec<RegistrarView>, LabError> {
        self.call(reqwest::Method::POST, "registrars/show", &Value::Null)
            .await
    }

    /// Changes a domain as its owner would in the registrar's web interface; returns when it is published.
    pub async fn change_domain(&self, domain: &str, change: &OwnersChange) -> Result<(), LabError> {
        let body = json!({"domain": domain, "change": change});
        self.tell(reqwest::Method::POST, "registrars/change", body).await
    }

    /// Switches a fault of a registrar on.
    pub async fn set_registrar_fault(
        &self,
        vendor: RegistrarVendor,
        fault: &RegistrarFault,
    ) -> Result<(), LabError> {
        let body = json!({"vendor": vendor, "fault": fault});
        self.tell(reqwest::Method::POST, "registrars/fault", body).await
    }

    /// Switches all faults of a registrar off.
    pub async fn heal_registrar(&self, vendor: RegistrarVendor) -> Result<(), LabError> {
        self.tell(
            reqwest::Method::POST,
            "registrars/heal",
            json!({"vendor": vendor}),
        )
        .await
    }

    /// Revokes the secrets of a registrar's account.
    pub async fn revoke_registrar(&self, vendor: RegistrarVendor) -> Result<(), LabError> {
        self.tell(
            reqwest::Method::POST,
            "registrars/revoke",
            json!({"vendor": vendor}),
        )
        .await
    }

    /// Shortens every time to live in a zone on the lab's name servers, in seconds.
    pub async fn shorten(&self, zone: &str, ttl: u32) -> Result<(), LabError> {
        let body = json!({"zone": zone, "ttl": ttl});
        self.tell(reqwest::Method::POST, "zones/shorten", body).await
    }

    /// Stops the lab.
    pub async fn stop(&self) -> Result<(), LabError> {
        self.tell(reqwest::Method::POST, "stop", Value::Null).await
    }
}
