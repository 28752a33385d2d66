//! Takes everything away that was put on this host, the agent last.

use crate::converge::PARTS;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::install::{self, BINARY};
use crate::part::Part;
use crate::state::{CONFIG_DIR, LEAVING, STATE_DIR};
use crate::{k3s, registry};

/// Folder of what the host was given at its first boot: the CA certificate and who it is.
pub(crate) const BOOT_DIR: &str = "/etc/sovereign";

/// Whether the agent was told to leave.
pub fn is_leaving(host: &Host) -> bool {
    host.root.exists(LEAVING)
}

/// Notes that the agent was told to leave; from now on it goes on leaving, whatever happens.
pub fn set_leaving(host: &Host) -> Result<(), Fault> {
    disk::write(&host.root.path(LEAVING), b"", 0o600).or_fault("writing", LEAVING)
}

/// Takes what was put on the host away and puts back what was there before. `now` is told each part.
pub async fn undo_all(host: &Host, now: &dyn Fn(&str)) -> Result<(), Fault> {
    undo(&k3s::PARTS, host, now).await?;
    undo(&registry::PARTS, host, now).await?;
    undo(&PARTS, host, now).await?;
    let left: Vec<String> = host.placed().files.keys().cloned().collect();
    left.iter().try_for_each(|path| host.unplace(path).map(drop))
}

/// Takes the parts of a document away, the last first.
async fn undo<D>(parts: &[Part<D>], host: &Host, now: &dyn Fn(&str)) -> Result<(), Fault> {
    for part in parts.iter().rev() {
        now(part.name);
        part.undo(host).await?;
    }
    Ok(())
}

/// Takes the agent itself away, the note that it leaves and its binary last: cut off anywhere before that, it goes on at its next start.
pub async fn remove_agent(host: &Host) -> Result<(), Fault> {
    remove_folder(host, BOOT_DIR)?;
    remove_folder(host, CONFIG_DIR)?;
    install::remove_unit(host).await?;
    remove_folder(host, STATE_DIR)?;
    disk::remove(&host.root.path(BINARY)).or_fault("removing", BINARY)?;
    install::forget_unit(host).await
}

fn remove_folder(host: &Host, path: &str) -> Result<(), Fault> {
    disk::remove_folder(&host.root.path(path)).or_fault("removing", path)
}
