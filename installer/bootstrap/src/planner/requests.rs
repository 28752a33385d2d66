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

/// Ports that the load balancer passes on: the Gateway listens on them, on every node.
const PORTS: [u16; 2] = [80, 443];
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
    let service = |port| LoadBalancerService {
        listen_port: port,
        destination_port: port,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_gateway_of_the_kit_listens_on_every_port_that_is_passed_on() {
        let gateway = include_str!("../../../../tera-templates/kit/components/gateway.yaml");
        let gateway: Value = serde_saphyr::from_str(gateway).unwrap();
        let manifests = gateway["manifests"]["common"].as_array().unwrap();
        let gateways = manifests.iter().filter(|object| object["kind"] == "Gateway");
        let listeners = gateways.flat_map(|gateway| gateway["spec"]["listeners"].as_array().unwrap());
        let ports: BTreeSet<u64> = listeners
            .map(|listener| listener["port"].as_u64().unwrap())
            .collect();
        assert_eq!(ports, PORTS.map(u64::from).into());
        // Without it they are ports of a Service, and no node listens.
        let cilium = include_str!("../../../../tera-templates/kit/components/cilium.yaml");
        let cilium: Value = serde_saphyr::from_str(cilium).unwrap();
        assert_eq!(
            cilium["values"]["common"]["gatewayAPI"]["hostNetwork"]["enabled"],
            true
        );
    }
}
