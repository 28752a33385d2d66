//! Ownership. Every resource the installer makes carries both label families of the platform.

use std::collections::BTreeMap;

/// Labels of a resource, by key.
pub type Labels = BTreeMap<String, String>;

/// Names the Sovereign a resource belongs to; the only key ownership is decided by.
pub const SOVEREIGN: &str = "catalyst.openova.io/sovereign";
/// `control-plane`, `worker`, `load-balancer`, `network`, ...
pub const ROLE: &str = "catalyst.openova.io/role";
/// Code of the cloud, for example `hz`.
pub const PROVIDER: &str = "openova.io/provider";
/// Name of the region in the spec.
pub const REGION: &str = "openova.io/region";
/// Name of the cluster.
pub const CLUSTER: &str = "openova.io/cluster";
/// Who made it.
pub const MANAGED_BY: &str = "openova.io/managed-by";
/// Digest of what was asked for, so that drift shows without comparing fields.
pub const REQUEST: &str = "catalyst.openova.io/request";

/// The labels of something made for a Sovereign.
pub fn owned(sovereign: &str, region: Option<&str>, role: &str) -> Labels {
    let mut labels = Labels::from([
        (SOVEREIGN.to_owned(), sovereign.to_owned()),
        (ROLE.to_owned(), role.to_owned()),
        (PROVIDER.to_owned(), "hz".to_owned()),
        (CLUSTER.to_owned(), sovereign.to_owned()),
        (MANAGED_BY.to_owned(), "sovereign".to_owned()),
    ]);
    if let Some(region) = region {
        labels.insert(REGION.to_owned(), region.to_owned());
    }
    labels
}

/// Whether `labels` say that the resource belongs to exactly this Sovereign.
pub fn belongs_to(labels: &Labels, sovereign: &str) -> bool {
    labels.get(SOVEREIGN).is_some_and(|owner| owner == sovereign)
}
