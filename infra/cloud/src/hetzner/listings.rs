//! What the project holds, by kind: one listing shared by all who ask within a minute.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::api::Api;
use super::wire;
use crate::error::CloudError;
use crate::resource::{Resource, ResourceKind};

/// How long a listing counts as recent.
const RECENT: Duration = Duration::from_mins(1);

/// The API's path of a kind.
pub(super) fn path(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::LoadBalancer => "/load_balancers",
        ResourceKind::Server => "/servers",
        ResourceKind::Volume => "/volumes",
        ResourceKind::PrimaryIp => "/primary_ips",
        ResourceKind::FloatingIp => "/floating_ips",
        ResourceKind::Firewall => "/firewalls",
        ResourceKind::PlacementGroup => "/placement_groups",
        ResourceKind::Network => "/networks",
        ResourceKind::Snapshot => "/images",
        ResourceKind::Certificate => "/certificates",
        ResourceKind::SshKey => "/ssh_keys",
    }
}

#[derive(Debug)]
struct Listing {
    asked: Instant,
    resources: Arc<Vec<Resource>>,
}

/// Listings by kind. Whoever asks while one is under way gets that one.
#[derive(Debug)]
pub(super) struct Listings {
    api: Arc<Api>,
    kinds: BTreeMap<ResourceKind, Mutex<Option<Listing>>>,
}

impl Listings {
    pub(super) fn new(api: Arc<Api>) -> Self {
        let kinds = ResourceKind::ALL
            .into_iter()
            .map(|kind| (kind, Mutex::default()))
            .collect();
        Self { api, kinds }
    }

    /// A listing not older than a minute.
    pub(super) async fn recent(&self, kind: ResourceKind) -> Result<Arc<Vec<Resource>>, CloudError> {
        let not_before = Instant::now().checked_sub(RECENT);
        self.since(kind, not_before).await
    }

    /// A listing asked for at or after an instant; any, if there is none.
    pub(super) async fn since(
        &self,
        kind: ResourceKind,
        not_before: Option<Instant>,
    ) -> Result<Arc<Vec<Resource>>, CloudError> {
        let mut slot = self.kinds[&kind].lock().await;
        if let Some(listing) = slot.as_ref()
            && not_before.is_none_or(|instant| listing.asked >= instant)
        {
            return Ok(listing.resources.clone());
        }
        let asked = Instant::now();
        let resources = Arc::new(fetch(&self.api, kind, &[]).await?);
        *slot = Some(Listing {
            asked,
            resources: resources.clone(),
        });
        Ok(resources)
    }

    /// The next look asks the API.
    pub(super) async fn forget(&self, kind: ResourceKind) {
        *self.kinds[&kind].lock().await = None;
    }
}

/// Asks the API for everything of a kind that `query` selects.
pub(super) async fn fetch(
    api: &Api,
    kind: ResourceKind,
    query: &[(&'static str, String)],
) -> Result<Vec<Resource>, CloudError> {
    let path = path(kind);
    Ok(match kind {
        ResourceKind::Server => map(api.pages::<wire::ServerPage>(path, query).await?, server),
        ResourceKind::LoadBalancer => map(
            api.pages::<wire::LoadBalancerPage>(path, query).await?,
            load_balancer,
        ),
        ResourceKind::Volume => map(api.pages::<wire::VolumePage>(path, query).await?, volume),
        ResourceKind::PrimaryIp => map(api.pages::<wire::PrimaryIpPage>(path, query).await?, primary_ip),
        ResourceKind::FloatingIp => map(api.pages::<wire::FloatingIpPage>(path, query).await?, floating_ip),
        ResourceKind::Firewall => map(api.pages::<wire::FirewallPage>(path, query).await?, firewall),
        ResourceKind::PlacementGroup => map(
            api.pages::<wire::PlacementGroupPage>(path, query).await?,
            placement_group,
        ),
        ResourceKind::Network => map(api.pages::<wire::NetworkPage>(path, query).await?, network),
        ResourceKind::Snapshot => {
            let mut query = query.to_vec();
            query.push(("type", "snapshot".to_owned()));
            map(api.pages::<wire::ImagePage>(path, &query).await?, snapshot)
        }
        ResourceKind::Certificate => {
            let plain = |c: wire::Certificate| base(ResourceKind::Certificate, c.common);
            map(api.pages::<wire::CertificatePage>(path, query).await?, plain)
        }
        ResourceKind::SshKey => map(api.pages::<wire::SshKeyPage>(path, query).await?, ssh_key),
    })
}

fn map<T>(items: Vec<T>, seen: impl Fn(T) -> Resource) -> Vec<Resource> {
    items.into_iter().map(seen).collect()
}

fn base(kind: ResourceKind, common: wire::Common) -> Resource {
    let protected = common.protection.delete;
    Resource {
        protected,
        ..Resource::new(kind, common.id, common.name.unwrap_or_default(), common.labels)
    }
}

pub(super) fn server(server: wire::Server) -> Resource {
    Resource {
        status: Some(server.status),
        flavor: Some(server.server_type.name),
        location: server.location.map(|location| location.name),
        public_ipv4: server.public_net.ipv4.and_then(|address| address.ip),
        public_ipv6: server
            .public_net
            .ipv6
            .and_then(|address| address.ip)
            .map(|net| net.network()),
        private_ipv4: server.private_net.iter().find_map(|net| net.ip),
        networks: server.private_net.iter().map(|net| net.network).collect(),
        ..base(ResourceKind::Server, server.common)
    }
}

pub(super) fn load_balancer(lb: wire::LoadBalancer) -> Resource {
    Resource {
        flavor: Some(lb.load_balancer_type.name),
        location: Some(lb.location.name),
        public_ipv4: lb.public_net.ipv4.and_then(|address| address.ip),
        public_ipv6: lb.public_net.ipv6.and_then(|address| address.ip),
        private_ipv4: lb.private_net.iter().find_map(|net| net.ip),
        networks: lb.private_net.iter().map(|net| net.network).collect(),
        servers: target_servers(&lb.targets),
        selectors: target_selectors(&lb.targets),
        ..base(ResourceKind::LoadBalancer, lb.common)
    }
}

fn target_servers(targets: &[wire::Target]) -> Vec<u64> {
    let direct = targets
        .iter()
        .filter_map(|target| target.server.as_ref().map(|server| server.id));
    let chosen = targets.iter().flat_map(|target| target_servers(&target.targets));
    direct.chain(chosen).collect()
}

fn target_selectors(targets: &[wire::Target]) -> Vec<String> {
    targets
        .iter()
        .filter_map(|target| target.label_selector.as_ref().map(|s| s.selector.clone()))
        .collect()
}

fn volume(volume: wire::Volume) -> Resource {
    Resource {
        status: volume.status,
        location: Some(volume.location.name),
        servers: volume.server.into_iter().collect(),
        size_gb: Some(volume.size),
        ..base(ResourceKind::Volume, volume.common)
    }
}

fn primary_ip(ip: wire::PrimaryIp) -> Resource {
    let (public_ipv4, public_ipv6) = addresses(&ip.ip);
    Resource {
        public_ipv4,
        public_ipv6,
        location: ip.location.map(|location| location.name),
        servers: ip.assignee_id.into_iter().collect(),
        goes_with_server: ip.auto_delete && ip.assignee_id.is_some(),
        ..base(ResourceKind::PrimaryIp, ip.common)
    }
}

fn floating_ip(ip: wire::FloatingIp) -> Resource {
    let (public_ipv4, public_ipv6) = addresses(&ip.ip);
    Resource {
        public_ipv4,
        public_ipv6,
        location: ip.home_location.map(|location| location.name),
        servers: ip.server.into_iter().collect(),
        ..base(ResourceKind::FloatingIp, ip.common)
    }
}

fn addresses(text: &str) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
    let address = text
        .split('/')
        .next()
        .and_then(|text| text.parse::<IpAddr>().ok());
    match address {
        Some(IpAddr::V4(v4)) => (Some(v4), None),
        Some(IpAddr::V6(v6)) => (None, Some(v6)),
        None => (None, None),
    }
}

pub(super) fn firewall(firewall: wire::Firewall) -> Resource {
    Resource {
        servers: target_servers(&firewall.applied_to),
        selectors: target_selectors(&firewall.applied_to),
        ..base(ResourceKind::Firewall, firewall.common)
    }
}

pub(super) fn placement_group(group: wire::PlacementGroup) -> Resource {
    Resource {
        servers: group.servers,
        ..base(ResourceKind::PlacementGroup, group.common)
    }
}

pub(super) fn network(network: wire::Network) -> Resource {
    Resource {
        ip_range: Some(network.ip_range),
        servers: network.servers,
        ..base(ResourceKind::Network, network.common)
    }
}

fn snapshot(image: wire::Image) -> Resource {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in GB, rounded up"
    )]
    let size_gb = image.image_size.map(|size| size.max(0.0).ceil() as u64);
    let name = image.description.unwrap_or_default();
    let servers = image.created_from.map(|server| server.id).into_iter().collect();
    Resource {
        name,
        servers,
        size_gb,
        ..base(ResourceKind::Snapshot, image.common)
    }
}

pub(super) fn ssh_key(key: wire::SshKey) -> Resource {
    Resource {
        fingerprint: Some(key.fingerprint),
        ..base(ResourceKind::SshKey, key.common)
    }
}
