//! The zone of a name, taken away.

use super::deed::DeedError;
use super::fence::Fence;
use crate::name::DomainName;
use crate::publish::{ZoneHosts, nobody};
use crate::zone::ZoneMark;

/// Removes the zone from every server that has it with this mark, if the name is still the caller's to take away. Zones of others
/// are left alone; a missing one is success.
pub(super) async fn remove(
    hosts: &ZoneHosts,
    child: &DomainName,
    mark: &ZoneMark,
    fence: &mut Fence<'_>,
) -> Result<(), DeedError> {
    if hosts.is_empty() {
        return Err(nobody("withdraw", child).into());
    }
    for host in hosts {
        if host.find(child).await?.is_some_and(|zone| zone.is_of(mark)) {
            fence.pass().await?;
            host.delete(child).await?;
        }
    }
    Ok(())
}
