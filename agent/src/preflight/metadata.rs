//! The cloud's metadata service. DHCP servers of private networks have been seen to hand out a route that swallows it.

use std::net::Ipv4Addr;

use sovereign_core::agent::HostCheck;

use super::interface::Interface;
use super::reach::connect;
use super::routes::{Route, default_of};
use super::{failed, fine, healed};
use crate::fault::Fault;
use crate::host::Host;

const NAME: &str = "metadata";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const SERVICE: &str = "169.254.169.254:80";
const REMEDY: &str = "see `ip route get 169.254.169.254` on the host; it must leave by the public interface";

pub(super) async fn check(host: &Host, routes: &[Route], private: Option<&Interface>) -> HostCheck {
    let Err(why) = connect(SERVICE).await else {
        return fine(NAME, "answers");
    };
    let reason = "the cloud's own services on this host need it";
    let Some(bad) = bad_route(routes, private) else {
        return failed(NAME, why, reason, REMEDY);
    };
    let seen = format!("swallowed by the route {}", describe(bad));
    match heal(host, routes, bad).await {
        Ok(how) => match connect(SERVICE).await {
            Ok(()) => healed(NAME, seen, how),
            Err(why) => failed(NAME, format!("{seen}; {how}, and still: {why}"), reason, REMEDY),
        },
        Err(fault) => failed(NAME, format!("{seen}; {fault}"), reason, REMEDY),
    }
}

/// The winning route to the service, if it refuses or leads into the private network.
pub(super) fn bad_route<'a>(routes: &'a [Route], private: Option<&Interface>) -> Option<&'a Route> {
    let wins = routes
        .iter()
        .find(|route| route.to.contains(&ADDRESS) && route.to.prefix_len() > 0)?;
    let public = default_of(routes).and_then(|route| route.interface.as_deref());
    match wins.interface.as_deref() {
        None => Some(wins),
        Some(name) if private.is_some_and(|nic| nic.name == name) && public != Some(name) => Some(wins),
        // Without a private network to compare with, anything that is not where the default leads.
        Some(name) if private.is_none() && public.is_some_and(|public| public != name) => Some(wins),
        Some(_) => None,
    }
}

async fn heal(host: &Host, routes: &[Route], bad: &Route) -> Result<String, Fault> {
    let to = bad.to.to_string();
    let mut delete = vec!["route", "del"];
    match &bad.interface {
        None => delete.extend(["blackhole", &to]),
        Some(interface) => delete.extend([to.as_str(), "dev", interface]),
    }
    let metric = bad.metric.to_string();
    delete.extend(["metric", &metric]);
    let gone = host.run("ip", &delete).await?;
    if !gone.success() && bad.interface.is_none() {
        // `unreachable` and `prohibit` look the same in the kernel's table.
        for kind in ["unreachable", "prohibit"] {
            host.run("ip", &["route", "del", kind, &to, "metric", &metric])
                .await?;
        }
    }
    let Some(Route {
        interface: Some(public),
        gateway,
        ..
    }) = default_of(routes)
    else {
        return Ok(format!("took the route {} away", describe(bad)));
    };
    let gateway = gateway.map(|gateway| gateway.to_string());
    let service = format!("{ADDRESS}/32");
    // With metric 0 it wins over the one that DHCP brings again.
    let mut add = vec!["route", "replace", service.as_str()];
    if let Some(gateway) = &gateway {
        add.extend(["via", gateway]);
    }
    add.extend(["dev", public, "onlink"]);
    host.must("ip", &add, REMEDY).await?;
    Ok(format!("took it away and set a route to {ADDRESS} on {public}"))
}

fn describe(route: &Route) -> String {
    match (&route.interface, route.gateway) {
        (None, _) => format!("{} that refuses", route.to),
        (Some(interface), Some(gateway)) => format!("{} via {gateway} on {interface}", route.to),
        (Some(interface), None) => format!("{} on {interface}", route.to),
    }
}
