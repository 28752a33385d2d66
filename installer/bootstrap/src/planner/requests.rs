//! What is asked of the cloud, by the spec.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sovereign_cloud::label::{self, Labels};
use sovereign_cloud::request::{
    FirewallRequest, FirewallRule, LoadBalancerRequest, LoadBalancerService, NetworkRequest,
    PlacementGroupRequest, SshKeyRequest,
};
use sovereign_core::spec::{Network, Region, SovereignSpec};

use super::fingerprint::{digest, key_fingerprint};
use super::layout::RegionLayout;
use crate::names;

/// Ports of the load balancer and the ports on the nodes behind them, for HTTP and HTTPS.
const PORTS: [(u16, u16); 2] = [(80, 31_080), (443, 31_443)];
/// Hex digits of the rules' digest in the firewall's label; a label's value has at most 63.
const DIGEST_DIGITS: usize = 16;

/// Labels of a region's resource.
pub(super) fn labels(spec: &SovereignSpec, region: &Region, role: &str) -> Labels {
    label::owned(spec.name.as_str(), Some(&region.name), role)
}

pub(super) fn ssh_key(spec: &SovereignSpec, key: &str) -> SshKeyRequest {
    let fingerprint = key_fingerprint(key);
    SshKeyRequest {
        name: names::ssh_key(&spec.name, &fingerprint),
        labels: label::owned(spec.name.as_str(), None, "access"),
        public_key: key.to_owned(),
        fingerprint,
    }
}

pub(super) fn network(spec: &SovereignSpec, layout: &RegionLayout<'_>) -> Option<NetworkRequest> {
    let Network::Private { cidr, subnet, .. } = &layout.region.network else {
        return None;
    };
    Some(NetworkRequest {
        name: layout.names.network(),
        labels: labels(spec, layout.region, "network"),
        ip_range: *cidr,
        subnet: *subnet,
        network_zone: layout.network_zone.clone(),
    })
}

/// The firewall's request, labelled with the digest of its rules.
pub(super) fn labelled_firewall(
    spec: &SovereignSpec,
    layout: &RegionLayout<'_>,
) -> Result<FirewallRequest, serde_json::Error> {
    let mut request = firewall(spec, layout);
    let mut value = digest(&request.rules)?;
    value.truncate(DIGEST_DIGITS);
    request.labels.insert(label::REQUEST.to_owned(), value);
    Ok(request)
}

pub(super) fn firewall(spec: &SovereignSpec, layout: &RegionLayout<'_>) -> FirewallRequest {
    let world = [IpNet::from(Ipv4Net::default()), IpNet::from(Ipv6Net::default())];
    let mut rules = vec![
        rule("http", "tcp", Some(80), &world),
        rule("https", "tcp", Some(443), &world),
        rule("ping", "icmp", None, &world),
    ];
    if matches!(layout.region.network, Network::Public { .. }) {
        // Without a private network the load balancer comes from outside, from an address not known before it is made.
        rules
            .extend(PORTS.map(|(port, behind)| {
                rule(&format!("load balancer to {port}"), "tcp", Some(behind), &world)
            }));
    }
    let admins = &spec.access.admin_cidrs;
    if !admins.is_empty() {
        rules.push(rule("ssh for administrators", "tcp", Some(22), admins));
        rules.push(rule("kubernetes for administrators", "tcp", Some(6443), admins));
    }
    FirewallRequest {
        name: layout.names.firewall(),
        labels: labels(spec, layout.region, "firewall"),
        rules,
    }
}

fn rule(description: &str, protocol: &str, port: Option<u16>, sources: &[IpNet]) -> FirewallRule {
    FirewallRule {
        description: description.to_owned(),
        protocol: protocol.to_owned(),
        port,
        sources: sources.to_vec(),
    }
}

pub(super) fn placement_group(
    spec: &SovereignSpec,
    layout: &RegionLayout<'_>,
    group: &str,
    shard: u32,
) -> PlacementGroupRequest {
    PlacementGroupRequest {
        name: layout.names.placement_group(group, shard),
        labels: labels(spec, layout.region, "placement"),
    }
}

/// The load balancer's request; its network is learned by its step.
pub(super) fn load_balancer(spec: &SovereignSpec, layout: &RegionLayout<'_>) -> LoadBalancerRequest {
    let service = |(listen_port, destination_port)| LoadBalancerService {
        listen_port,
        destination_port,
        proxy_protocol: false,
    };
    LoadBalancerRequest {
        name: layout.names.load_balancer(),
        labels: labels(spec, layout.region, "load-balancer"),
        flavor: layout.balancer.flavor.clone(),
        location: layout.balancer.location.clone(),
        network: None,
        target_selector: names::selector(&spec.name, &layout.region.name, layout.ingress_role()),
        services: PORTS.map(service).to_vec(),
    }
}
