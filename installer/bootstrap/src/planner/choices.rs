//! Which of a group's server types and locations can be had, in the spec's order.

use sovereign_cloud::inventory::Inventory;
use sovereign_core::spec::{Candidate, NodeGroup};

use super::layout::PassedOver;
use crate::steps::ServerChoice;

/// Architecture of the programs that hosts get, as the cloud calls it.
const BROUGHT: &str = "x86";

/// Sorts a group's candidates. `zone` binds them to one network zone, where a private network does.
pub(super) fn sort(
    inventory: &Inventory,
    group: &NodeGroup,
    zone: Option<&str>,
) -> (Vec<ServerChoice>, Vec<PassedOver>) {
    let (mut choices, mut passed_over) = (Vec::new(), Vec::new());
    for candidate in group.candidates() {
        match judge(inventory, candidate, group.image(), zone) {
            Ok(choice) => choices.push(choice),
            Err(why) => passed_over.push(PassedOver {
                candidate: candidate.clone(),
                why,
            }),
        }
    }
    (choices, passed_over)
}

fn judge(
    inventory: &Inventory,
    candidate: &Candidate,
    image: &str,
    zone: Option<&str>,
) -> Result<ServerChoice, String> {
    let Candidate {
        server_type,
        location,
    } = candidate;
    let known = inventory.locations.iter().find(|known| known.name == *location);
    let place = known.ok_or("the cloud has no such location")?;
    if let Some(zone) = zone.filter(|zone| *zone != place.network_zone) {
        return Err(format!(
            "it is in network zone `{}`, the region's network in `{zone}`",
            place.network_zone
        ));
    }
    if inventory
        .server_types
        .iter()
        .all(|known| known.name != *server_type)
    {
        return Err("the cloud has no such server type".into());
    }
    let (kind, offer) = inventory
        .offer(candidate)
        .ok_or("the type is not offered there")?;
    if offer.deprecated {
        return Err("the type is being withdrawn there".into());
    }
    if !offer.available {
        return Err("sold out now".into());
    }
    if kind.architecture != BROUGHT {
        return Err(format!(
            "this installer brings programs for {BROUGHT}, and the type is {}",
            kind.architecture
        ));
    }
    let fits = |known: &&sovereign_cloud::inventory::Image| {
        known.name == image && known.architecture == kind.architecture
    };
    let found = inventory.images.iter().find(fits);
    let found = found.ok_or_else(|| format!("no image `{image}` for {}", kind.architecture))?;
    Ok(ServerChoice {
        candidate: candidate.clone(),
        image: found.id,
        monthly: offer.price.map(|price| price.monthly),
    })
}
