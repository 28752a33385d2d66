//! What of an account is a Sovereign's, and why. Pure.

use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};

use super::scope::Scope;

/// A resource, and why it is, or may not be, the Sovereign's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The resource.
    pub resource: Resource,
    /// Why, in words that go on from "it".
    pub reason: String,
}

/// What of an account is a Sovereign's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// The scope, with what was learned.
    pub scope: Scope,
    /// What is the Sovereign's, in the order in which it would be taken down.
    pub items: Vec<Holding>,
    /// What is near the Sovereign and stays, because it may be somebody else's.
    pub spared: Vec<Holding>,
}

enum Verdict {
    Ours(String),
    Spared(String),
    Unrelated,
}

impl Holdings {
    /// Judges everything in an account.
    pub fn judge(everything: &[Resource], mut scope: Scope) -> Self {
        learn(&mut scope, everything);
        let (mut items, mut spared) = (Vec::new(), Vec::new());
        // What goes with its server needs no step of its own.
        for resource in everything.iter().filter(|resource| !resource.goes_with_server) {
            let (list, reason) = match judge(&scope, resource) {
                Verdict::Ours(reason) => (&mut items, reason),
                Verdict::Spared(reason) => (&mut spared, reason),
                Verdict::Unrelated => continue,
            };
            list.push(Holding {
                resource: resource.clone(),
                reason,
            });
        }
        for list in [&mut items, &mut spared] {
            list.sort_by_key(|holding| (holding.resource.kind, holding.resource.id));
        }
        Self { scope, items, spared }
    }
}

/// Adds to the scope what hangs on what is in it: networks, then servers, then what is attached to those.
fn learn(scope: &mut Scope, everything: &[Resource]) {
    let of = |kind| everything.iter().filter(move |resource| resource.kind == kind);
    let networks: Vec<u64> = of(ResourceKind::Network)
        .filter(|network| scope.labelled(network))
        .map(|network| network.id)
        .collect();
    scope.networks.extend(networks);
    let servers: Vec<u64> = of(ResourceKind::Server)
        .filter(|server| matches!(judge(scope, server), Verdict::Ours(_)))
        .map(|server| server.id)
        .collect();
    scope.servers.extend(servers);
    let attached: Vec<(ResourceKind, u64)> = everything
        .iter()
        .filter(|resource| hangs_on_servers(resource.kind) && !foreign(scope, resource))
        .filter(|resource| on_our_servers(scope, resource))
        .map(|resource| (resource.kind, resource.id))
        .collect();
    scope.attached.extend(attached);
}

fn judge(scope: &Scope, resource: &Resource) -> Verdict {
    if scope.labelled(resource) {
        return Verdict::Ours(format!("carries the label of `{}`", scope.sovereign));
    }
    if let Some(owner) = resource.labels.get(label::SOVEREIGN) {
        return if in_our_network(scope, resource) {
            Verdict::Spared(format!("is in the Sovereign's network and belongs to `{owner}`"))
        } else {
            Verdict::Unrelated
        };
    }
    match resource.kind {
        ResourceKind::Server => judge_member(scope, resource),
        ResourceKind::LoadBalancer => match judge_member(scope, resource) {
            Verdict::Unrelated => judge_targets(scope, resource),
            verdict => verdict,
        },
        ResourceKind::Snapshot if on_our_servers(scope, resource) => {
            Verdict::Ours("was made from one of the Sovereign's servers".into())
        }
        kind if hangs_on_servers(kind) && on_our_servers(scope, resource) => {
            Verdict::Ours("is attached to one of the Sovereign's servers".into())
        }
        kind if hangs_on_servers(kind)
            && scope.attached.contains(&(kind, resource.id))
            && resource.servers.is_empty() =>
        {
            Verdict::Ours("was attached to one of the Sovereign's servers".into())
        }
        ResourceKind::Volume if resource.servers.is_empty() && resource.name.starts_with("pvc-") => {
            Verdict::Spared("is a loose volume of some cluster; nothing says of which".into())
        }
        _ => Verdict::Unrelated,
    }
}

/// In our network and in no other. A machine that is in several, such as a way in for administrators, may be anybody's.
fn judge_member(scope: &Scope, resource: &Resource) -> Verdict {
    if !in_our_network(scope, resource) {
        Verdict::Unrelated
    } else if resource
        .networks
        .iter()
        .all(|network| scope.networks.contains(network))
    {
        Verdict::Ours("is in the Sovereign's network".into())
    } else {
        Verdict::Spared("is in the Sovereign's network and in others".into())
    }
}

/// Balances our servers and nobody else's.
fn judge_targets(scope: &Scope, balancer: &Resource) -> Verdict {
    let ours = balancer
        .servers
        .iter()
        .filter(|server| scope.servers.contains(server))
        .count();
    let selects = balancer
        .selectors
        .iter()
        .filter(|selector| selects_us(scope, selector))
        .count();
    if ours + selects == 0 {
        Verdict::Unrelated
    } else if ours == balancer.servers.len() && selects == balancer.selectors.len() {
        Verdict::Ours("balances the Sovereign's servers".into())
    } else if ours == balancer.servers.len() {
        Verdict::Spared("balances the Sovereign's servers and selects others".into())
    } else {
        Verdict::Spared("balances the Sovereign's servers and others".into())
    }
}

/// The selector asks for exactly our label.
fn selects_us(scope: &Scope, selector: &str) -> bool {
    selector.split(',').any(|term| {
        let Some((key, value)) = term.split_once('=') else {
            return false;
        };
        key.trim() == label::SOVEREIGN && value.trim_start_matches('=').trim() == scope.sovereign.as_str()
    })
}

fn hangs_on_servers(kind: ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::Volume | ResourceKind::PrimaryIp | ResourceKind::FloatingIp | ResourceKind::Snapshot
    )
}

fn foreign(scope: &Scope, resource: &Resource) -> bool {
    resource.labels.contains_key(label::SOVEREIGN) && !scope.labelled(resource)
}

fn in_our_network(scope: &Scope, resource: &Resource) -> bool {
    resource
        .networks
        .iter()
        .any(|network| scope.networks.contains(network))
}

fn on_our_servers(scope: &Scope, resource: &Resource) -> bool {
    resource
        .servers
        .iter()
        .any(|server| scope.servers.contains(server))
}
