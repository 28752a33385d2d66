//! What every cloud can do for us. Verbs come in pairs and there is no `ensure`: looking before making is the step's work.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::CloudError;
use crate::inventory::{Inventory, PriceList};
use crate::label::Labels;
use crate::request::{
    FirewallRequest, FirewallRule, LoadBalancerRequest, NetworkRequest, PlacementGroupRequest, ServerRequest,
    SshKeyRequest,
};
use crate::resource::{Resource, ResourceKind};
use crate::wait::Wait;

/// How old an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// One listing shared by all who ask within a minute. Right for a first attempt.
    Recent,
    /// Ask the cloud itself. Right after an attempt whose outcome is unknown.
    Now,
}

/// A cloud account.
///
/// # Guarantees
/// - A create or delete returns when the cloud says the work is done, or with an error.
/// - A create is never sent twice unless the cloud's answer proves that the first did nothing. Where that is unknown the error
///   is [`crate::ErrorClass::Unsettled`] and the caller looks with [`Freshness::Now`].
/// - `delete` of something that does not exist is success.
/// - The credential appears in no error and no log.
#[async_trait]
pub trait Cloud: fmt::Debug + Send + Sync {
    /// The account as it is now.
    async fn inventory(&self) -> Result<Inventory, CloudError>;

    /// Whether the credential may write. An error says that the cloud does not take it at all, or does not answer.
    async fn can_write(&self) -> Result<bool, CloudError>;

    /// The account's price list.
    async fn prices(&self) -> Result<PriceList, CloudError>;

    /// The resource of that kind and exact name, whoever owns it.
    async fn find(
        &self,
        kind: ResourceKind,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<Resource>, CloudError>;

    /// The SSH key of that MD5 fingerprint, whoever owns it.
    async fn find_ssh_key(
        &self,
        fingerprint: &str,
        freshness: Freshness,
    ) -> Result<Option<Resource>, CloudError>;

    /// Everything of a kind in the account, now.
    async fn list(&self, kind: ResourceKind) -> Result<Vec<Resource>, CloudError>;

    /// Makes a network.
    async fn create_network(&self, request: &NetworkRequest, wait: &Wait<'_>)
    -> Result<Resource, CloudError>;
    /// Makes a firewall.
    async fn create_firewall(
        &self,
        request: &FirewallRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError>;
    /// Replaces a firewall's rules.
    async fn set_firewall_rules(
        &self,
        id: u64,
        rules: &[FirewallRule],
        wait: &Wait<'_>,
    ) -> Result<(), CloudError>;
    /// Makes an SSH key.
    async fn create_ssh_key(&self, request: &SshKeyRequest, wait: &Wait<'_>) -> Result<Resource, CloudError>;
    /// Makes a placement group.
    async fn create_placement_group(
        &self,
        request: &PlacementGroupRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError>;
    /// Makes a server and returns it with its addresses. `user_data` goes out as it is and appears nowhere else.
    async fn create_server(
        &self,
        request: &ServerRequest,
        user_data: &SecretString,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError>;
    /// Makes a load balancer.
    async fn create_load_balancer(
        &self,
        request: &LoadBalancerRequest,
        wait: &Wait<'_>,
    ) -> Result<Resource, CloudError>;

    /// Replaces a resource's labels.
    async fn relabel(&self, kind: ResourceKind, id: u64, labels: &Labels) -> Result<(), CloudError>;

    /// Removes a resource, having detached it where the cloud wants that.
    async fn delete(&self, kind: ResourceKind, id: u64, wait: &Wait<'_>) -> Result<(), CloudError>;
}
