//! What concerns the account as a whole.

use sovereign_cloud::resource::ResourceKind;

use super::Check;

/// The token may write.
pub(super) fn check(check: &mut Check<'_>) {
    if !check.inventory.can_write {
        check.error(
            "token",
            "provider.token",
            "the API token may only read",
            "create an API token with read and write access",
        );
    }
    let there = |kind| {
        check
            .inventory
            .resources
            .iter()
            .filter(|resource| resource.kind == kind)
            .count()
    };
    let planned: u32 = check
        .spec
        .regions
        .iter()
        .map(|region| {
            region.control_plane.count + region.workers.iter().map(|group| group.count).sum::<u32>()
        })
        .sum();
    let message = format!(
        "servers: {} in the project, {planned} of the Sovereign; primary IPs: {} and {}",
        there(ResourceKind::Server),
        there(ResourceKind::PrimaryIp),
        2 * planned,
    );
    check.note(
        "quota",
        "provider",
        message,
        "compare with the limits in the cloud's console; the API does not tell them",
    );
}
