//! The trait's verbs in the API's terms.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::account;
use super::actions::Actions;
use super::api::{Api, Call};
use super::errors;
use super::listings::{self, Listings};
use super::wire;
use crate::cloud::{Cloud, Freshness};
use crate::error::{CloudError, ErrorClass};
use crate::inventory::{Inventory, PriceList};
use crate::label::Labels;
use crate::request::{
    FirewallRequest, FirewallRule, LoadBalancerRequest, LoadBalancerService, NetworkRequest,
    PlacementGroupRequest, ServerRequest, SshKeyRequest,
};
use crate::resource::{Resource, ResourceKind};
use crate::wait::Wait;

/// How long a delete is tried again while something else still uses the resource.
const IN_USE: std::time::Duration = std::time::Duration::from_mins(3);

/// One Hetzner Cloud project.
#[derive(Debug)]
pub(super) struct Hetzner {
    api: Arc<Api>,
    actions: Actions,
    listings: Listings,
}

impl Hetzner {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self {
            actions: Actions::new(api.clone()),
            listings: Listings::new(api.clone()),
            api,
        }
    }

    async fn create<T: serde::de::DeserializeOwned>(
        &self,
        kind: ResourceKind,
        name: &str,
        body: Value,
        wait: &Wait<'_>,
    ) -> Result<T, CloudError> {
        let action = format!("create {kind} `{name}`");
        (wait.tell)("the cloud's API", &action);
        let call = Call::post(listings::path(kind), body, action);
        tokio::select! {
            answer = self.api.send(&call) => answer,
            () = wait.cancel.cancelled() => Err(errors::cancelled(&call.action)),
        }
    }

    /// Calls a verb of a resource and waits for what it starts.
    async fn act(
        &self,
        kind: ResourceKind,
        id: u64,
        verb: &str,
        body: Value,
        wait: &Wait<'_>,
    ) -> Result<(), CloudError> {
        let path = format!("{}/{id}/actions/{verb}", listings::path(kind));
        let what = format!("{} of {kind} {id}", verb.replace('_', " "));
        let started: wire::Started = self
            .api
            .send(&Call::post(&path, body, &*what).repeatable())
            .await?;
        self.actions
            .finish(&what, started.action.into_iter().chain(started.actions), wait)
            .await
    }

    /// Removes what keeps the cloud from deleting a resource.
    async fn release(&self, kind: ResourceKind, id: u64, wait: &Wait<'_>) -> Result<(), CloudError> {
        let attached = match kind {
            ResourceKind::Volume => {
                let volumes = self.listings.recent(kind).await?;
                volumes
                    .iter()
                    .any(|v| v.id == id && !v.servers.is_empty())
                    .then_some("detach")
            }
            ResourceKind::PrimaryIp => {
                let ips = self.listings.recent(kind).await?;
                ips.iter()
                    .any(|ip| ip.id == id && !ip.servers.is_empty())
                    .then_some("unassign")
            }
            _ => None,
        };
        let Some(verb) = attached else { return Ok(()) };
        match self.act(kind, id, verb, json!({}), wait).await {
            // Gone with its server, or loose already.
            Err(error) if matches!(error.class, ErrorClass::NotFound | ErrorClass::Stop) => Ok(()),
            outcome => outcome,
        }
    }

    async fn delete_once(&self, kind: ResourceKind, id: u64, wait: &Wait<'_>) -> Result<(), CloudError> {
        let path = format!("{}/{id}", listings::path(kind));
        let what = format!("delete {kind} {id}");
        let started: Option<wire::Started> = match self.api.send(&Call::delete(&path, &*what)).await {
            Err(error) if error.class == ErrorClass::NotFound => None,
            answer => answer?,
        };
        match started.and_then(|started| started.action) {
            Some(action) => self.actions.finish(&what, [action], wait).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Cloud for Hetzner {
    async fn inventory(&self) -> Result<Inventory, CloudError> {
        account::inventory(&self.api, &self.listings).await
    }

    async fn can_write(&self) -> Result<bool, CloudError> {
        account::can_write(&self.api).await
    }

    async fn prices(&self) -> Result<PriceList, CloudError> {
        account::prices(&self.api).await
    }

    async fn find(
        &self,
        kind: ResourceKind,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<Resource>, CloudError> {
        let named = |resources: &[Resource]| resources.iter().find(|r| r.name == name).cloned();
        match freshness {
            Freshness::Recent => Ok(named(&self.listings.recent(kind).await?)),
            Freshness::Now => {
                self.listings.forget(kind).await;
                let query = [("name", name.to_owned())];
                Ok(named(&listings::fetch(&self.api, kind, &query).await?))
            }
        }
    }

    async fn find_ssh_key(
        &self,
        fingerprint: &str,
        freshness: Freshness,
    ) -> Result<Option<Resource>, CloudError> {
        let kind = ResourceKind::SshKey;
        let keys = match freshness {
            Freshness::Recent => self.listings.recent(kind).await?,
            Freshness::Now => self.listings.since(kind, Some(Instant::now())).await?,
        };
        Ok(keys
            .iter()
            .find(|key| key.fingerprint.as_deref() == Some(fingerprint))
            .cloned())
    }

    async fn list(&self, kind: ResourceKind) -> Result<Vec<Resource>, CloudError> {
        Ok(self.listings.since(kind, Some(Instant::now())).await?.to_vec())
    }

    async fn create_network(
        &self,
        request: &NetworkRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError> {
        let body = json!({
            "name": request.name,
            "labels": request.labels,
            "ip_range": request.ip_range,
            "subnets": [{"type": "cloud", "ip_range": request.subnet, "network_zone": request.network_zone}],
        });
        let made: wire::NetworkCreated = self
            .create(ResourceKind::Network, &request.name, body, wait)
            .await?;
        Ok(listings::network(made.network))
    }

    async fn create_firewall(
        &self,
        request: &FirewallRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError> {
        let body =
            json!({"name": request.name, "labels": request.labels, "rules": rule_bodies(&request.rules)});
        let made: wire::FirewallCreated = self
            .create(ResourceKind::Firewall, &request.name, body, wait)
            .await?;
        self.actions
            .finish(&format!("create firewall `{}`", request.name), made.actions, wait)
            .await?;
        Ok(listings::firewall(made.firewall))
    }

    async fn set_firewall_rules(
        &self,
        id: u64,
        rules: &[FirewallRule],
        wait: &Wait<'_>,
    ) -> Result<(), CloudError> {
        let body = json!({"rules": rule_bodies(rules)});
        self.act(ResourceKind::Firewall, id, "set_rules", body, wait)
            .await
    }

    async fn create_ssh_key(&self, request: &SshKeyRequest, wait: &Wait<'_>) -> Result<Resource, CloudError> {
        let body = json!({"name": request.name, "labels": request.labels, "public_key": request.public_key});
        let made: wire::SshKeyCreated = self
            .create(ResourceKind::SshKey, &request.name, body, wait)
            .await?;
        Ok(listings::ssh_key(made.ssh_key))
    }

    async fn create_placement_group(
        &self,
        request: &PlacementGroupRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError> {
        let body = json!({"name": request.name, "labels": request.labels, "type": "spread"});
        let made: wire::PlacementGroupCreated = self
            .create(ResourceKind::PlacementGroup, &request.name, body, wait)
            .await?;
        Ok(listings::placement_group(made.placement_group))
    }

    async fn create_server(
        &self,
        request: &ServerRequest,
        user_data: &SecretString,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError> {
        let body = server_body(request, user_data);
        let made: wire::ServerCreated = self
            .create(ResourceKind::Server, &request.name, body, wait)
            .await?;
        let id = made.server.common.id;
        let actions = std::iter::once(made.action).chain(made.next_actions);
        let finished = self
            .actions
            .finish(&format!("create server `{}`", request.name), actions, wait)
            .await;
        if let Err(error) = finished {
            if !matches!(error.class, ErrorClass::Cancelled | ErrorClass::Unsettled) {
                // The action failed and left a server that will never run.
                self.delete(ResourceKind::Server, id, wait).await?;
            }
            return Err(error);
        }
        let server = listings::server(made.server);
        if request.networks.is_empty() {
            return Ok(server);
        }
        // The private address is the cloud's choice, known once the attachment is done; one listing serves all servers.
        let servers = self
            .listings
            .since(ResourceKind::Server, Some(Instant::now()))
            .await?;
        Ok(servers
            .iter()
            .find(|seen| seen.id == server.id)
            .cloned()
            .unwrap_or(server))
    }

    async fn create_load_balancer(
        &self,
        request: &LoadBalancerRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError> {
        let made: wire::LoadBalancerCreated = self
            .create(
                ResourceKind::LoadBalancer,
                &request.name,
                load_balancer_body(request),
                wait,
            )
            .await?;
        self.actions
            .finish(
                &format!("create load balancer `{}`", request.name),
                [made.action],
                wait,
            )
            .await?;
        Ok(listings::load_balancer(made.load_balancer))
    }

    async fn relabel(&self, kind: ResourceKind, id: u64, labels: &Labels) -> Result<(), CloudError> {
        let path = format!("{}/{id}", listings::path(kind));
        let mut call =
            Call::post(&path, json!({"labels": labels}), format!("label {kind} {id}")).repeatable();
        call.method = reqwest::Method::PUT;
        self.api.send::<Value>(&call).await?;
        self.listings.forget(kind).await;
        Ok(())
    }

    async fn delete(&self, kind: ResourceKind, id: u64, wait: &Wait<'_>) -> Result<(), CloudError> {
        let deadline = Instant::now() + IN_USE;
        loop {
            self.release(kind, id, wait).await?;
            match self.delete_once(kind, id, wait).await {
                Err(error) if error.class == ErrorClass::Retry && Instant::now() < deadline => {
                    (wait.tell)(&format!("{kind} {id} to be free"), &error.message);
                    tokio::select! {
                        () = sleep(std::time::Duration::from_secs(1)) => {}
                        () = wait.cancel.cancelled() => return Err(errors::cancelled(&error.action)),
                    }
                }
                outcome => {
                    self.listings.forget(kind).await;
                    return outcome;
                }
            }
        }
    }
}

fn rule_bodies(rules: &[FirewallRule]) -> Vec<Value> {
    let one = |rule: &FirewallRule| {
        let mut body = json!({
            "direction": "in",
            "description": rule.description,
            "protocol": rule.protocol,
            "source_ips": rule.sources,
        });
        if let Some(port) = rule.port {
            body["port"] = json!(port.to_string());
        }
        body
    };
    rules.iter().map(one).collect()
}

fn server_body(request: &ServerRequest, user_data: &SecretString) -> Value {
    let firewalls: Vec<Value> = request
        .firewalls
        .iter()
        .map(|id| json!({"firewall": id}))
        .collect();
    let mut body = json!({
        "name": request.name,
        "labels": request.labels,
        "server_type": request.candidate.server_type,
        "location": request.candidate.location,
        "image": request.image,
        "ssh_keys": request.ssh_keys,
        "networks": request.networks,
        "firewalls": firewalls,
        "user_data": user_data.expose_secret(),
        "start_after_create": true,
        "public_net": {"enable_ipv4": true, "enable_ipv6": true},
    });
    if let Some(group) = request.placement_group {
        body["placement_group"] = json!(group);
    }
    body
}

fn load_balancer_body(request: &LoadBalancerRequest) -> Value {
    let private = request.network.is_some();
    let mut body = json!({
        "name": request.name,
        "labels": request.labels,
        "load_balancer_type": request.flavor,
        "location": request.location,
        "algorithm": {"type": "round_robin"},
        "services": request.services.iter().map(service).collect::<Vec<_>>(),
        "targets": [{
            "type": "label_selector",
            "label_selector": {"selector": request.target_selector},
            "use_private_ip": private,
        }],
    });
    if let Some(network) = request.network {
        body["network"] = json!(network);
    }
    body
}

fn service(service: &LoadBalancerService) -> Value {
    json!({
        "protocol": "tcp",
        "listen_port": service.listen_port,
        "destination_port": service.destination_port,
        "proxyprotocol": service.proxy_protocol,
        "health_check": {
            "protocol": "tcp",
            "port": service.destination_port,
            "interval": 5,
            "timeout": 3,
            "retries": 3,
        },
    })
}
