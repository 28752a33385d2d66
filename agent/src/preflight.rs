//! Looks at the host before anything is built on it: every check has what was seen, why it matters and what to do.
//! What the agent can mend, it mends.

mod clock;
mod cloud_init;
mod disk_space;
mod interface;
mod kernel;
mod metadata;
mod mtu;
mod private_nic;
mod reach;
mod registry;
mod resolvers;
mod routes;
mod size;

use sovereign_core::agent::{HostCheck, PreflightOrder, PreflightReport, Verdict};

use crate::host::Host;

/// Looks at the host, mends what can be mended, and tells `now` which check it is at.
pub async fn preflight(host: &Host, order: &PreflightOrder, now: &dyn Fn(&str)) -> PreflightReport {
    let interfaces = interface::all(host).await;
    let routes = routes::all(&host.root);
    let private = private_nic::find(&interfaces, order);
    let mut checks = vec![
        size::cpus(order),
        size::memory(order),
        disk_space::check(&host.root, order),
        private_nic::check(&interfaces, private, order),
        routes::default_route(&routes),
        mtu::check(&interfaces, private),
        resolvers::check(&host.root),
        clock::check(&host.root, order),
        registry::check(host),
    ];
    checks.extend(private.map(private_nic::link));
    checks.extend(kernel::checks(&host.root));
    checks.push(cloud_init::check(host).await);
    if order.metadata {
        now("metadata");
        checks.push(metadata::check(host, &routes, private).await);
    }
    now("reach");
    checks.extend(reach::checks(&order.reach).await);
    PreflightReport {
        checks,
        private_interface: private.map(|nic| nic.name.clone()),
    }
}

fn fine(name: &str, seen: impl Into<String>) -> HostCheck {
    HostCheck {
        name: name.to_owned(),
        seen: seen.into(),
        verdict: Verdict::Fine,
    }
}

fn healed(name: &str, seen: impl Into<String>, how: impl Into<String>) -> HostCheck {
    HostCheck {
        name: name.to_owned(),
        seen: seen.into(),
        verdict: Verdict::Healed { how: how.into() },
    }
}

fn warning(name: &str, seen: impl Into<String>, reason: &str, remedy: &str) -> HostCheck {
    let verdict = Verdict::Warning {
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    };
    HostCheck {
        name: name.to_owned(),
        seen: seen.into(),
        verdict,
    }
}

fn failed(name: &str, seen: impl Into<String>, reason: &str, remedy: &str) -> HostCheck {
    let verdict = Verdict::Failed {
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    };
    HostCheck {
        name: name.to_owned(),
        seen: seen.into(),
        verdict,
    }
}

#[cfg(test)]
mod tests;
