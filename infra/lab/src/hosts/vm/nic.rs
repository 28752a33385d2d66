//! A machine's NICs: taps, bridged to the ends that the lab's network has wired into the host's namespace.

use super::Responder;
use crate::hosts::dhcp::Lease;
use crate::hosts::network::private_nic;
use crate::hosts::{HostError, HostSpec, command};

/// The tap behind a link of the namespace.
pub(super) fn tap(link: &str) -> String {
    format!("tap-{link}")
}

fn bridge(link: &str) -> String {
    format!("br-{link}")
}

/// Bridges every NIC to a tap and answers DHCP on it.
pub(super) async fn plug(host: &HostSpec) -> Result<Vec<Responder>, HostError> {
    let public = host
        .public
        .iter()
        .map(|nic| ("eth0".to_owned(), Lease::public(nic, &host.resolvers)));
    let private = host.private.iter().enumerate();
    let lease = |nic| Lease::private(nic).with_wrong_metadata_route(host.defects.wrong_metadata_route);
    let private = private.map(|(place, nic)| (private_nic(place), Some(lease(nic))));
    let mut responders = Vec::new();
    for (place, (link, lease)) in public.chain(private).enumerate() {
        connect(&host.namespace, &link, place).await?;
        if let Some(lease) = lease {
            responders.push(Responder::start(&host.namespace, &bridge(&link), lease).await?);
        }
    }
    Ok(responders)
}

async fn connect(namespace: &str, link: &str, place: usize) -> Result<(), HostError> {
    let (tap, bridge) = (tap(link), bridge(link));
    for old in [&tap, &bridge] {
        // From an earlier boot, if there was one.
        let _ = command::run("ip", ["-n", namespace, "link", "delete", old]).await;
    }
    // The link gives its hardware address up to the machine's NIC behind it.
    let lines = format!(
        "link set dev {link} address 02:00:00:00:00:{place:02x} addrgenmode none\n\
         tuntap add dev {tap} mode tap\n\
         link add {bridge} type bridge forward_delay 0\n\
         link set dev {bridge} addrgenmode none\n\
         link set dev {tap} addrgenmode none\n\
         link set dev {link} master {bridge}\n\
         link set dev {tap} master {bridge} up\n\
         link set dev {bridge} up\n"
    );
    command::feed("ip", ["-n", namespace, "-batch", "-"], &lines).await?;
    Ok(())
}
