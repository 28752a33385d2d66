//! The kit as it lies in the node's registry.

use sovereign_core::kit_order::KitOrder;
use sovereign_images::kit::PackedKit;
use sovereign_images::signature::PublicKey;
use sovereign_images::{Digest, Layout};

use crate::fault::Fault;
use crate::host::Host;
use crate::registry;

const REMEDY: &str = "pack the kit anew with `sovereign kit pack` and run `sovereign up` again";

/// Reads the kit from the registry's own folder: digest and signatures are checked before anything in it is believed.
pub(super) fn open(host: &Host, order: &KitOrder) -> Result<PackedKit, Fault> {
    let folder = host.root.path(&registry::layout::of(&order.archive));
    let layout = Layout::open(folder).map_err(|error| unusable(&error))?;
    let digest: Digest = order.kit.parse().map_err(|error| unusable(&error))?;
    let key = PublicKey::from_pem(&order.signer).map_err(|error| unusable(&error))?;
    let kit = PackedKit::at(&layout, digest).map_err(|error| unusable(&error))?;
    kit.verify(&key).map_err(|error| unusable(&error))?;
    Ok(kit)
}

pub(super) fn unusable(cause: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        format!("the kit in the node registry cannot be used: {cause}"),
        REMEDY,
    )
}
