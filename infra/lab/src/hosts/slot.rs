//! A lab's slot: its number decides every name and address, so several labs run side by side.
//!
//! A slot is held by a lock that the kernel lets go when the lab's process ends, however it ends. Whoever takes a slot
//! whose file is still there removes first what the lab before it left behind.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{HostError, command, control_group};

/// How many labs with hosts a machine can carry: 198.18.0.0/15 in slices of a /22.
const SLOTS: u8 = 128;
/// Where the locks are. What is written into one is the scratch directory that goes with the lab.
const LOCKS: &str = "/run/sovereign-lab";

/// A slot, held until dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u8,
    /// Held open for its lock.
    _lock: File,
}

impl Slot {
    /// The first place of a slice that is handed out.
    pub(crate) const FIRST_PLACE: u16 = 16;
    /// The last one.
    pub(crate) const LAST_PLACE: u16 = 0x3fe;

    /// Takes the wanted slot, or the first that is free, having removed what dead labs left behind.
    pub(crate) async fn take(wanted: Option<u8>) -> Result<Self, HostError> {
        sweep().await?;
        if let Some(number) = wanted {
            return lock(number)?.ok_or(HostError::SlotTaken(number));
        }
        for number in 0..SLOTS {
            if let Some(slot) = lock(number)? {
                return Ok(slot);
            }
        }
        Err(HostError::NoSlot(SLOTS))
    }

    /// Notes a directory that goes with the lab, whoever removes it.
    pub(crate) fn note_scratch(&self, scratch: &Path) -> Result<(), HostError> {
        let path = lock_path(self.number);
        fs::write(&path, scratch.display().to_string())
            .map_err(HostError::system(format!("write {}", path.display())))
    }

    /// Removes everything that bears the slot's name, and the trace that it was ever taken.
    pub(crate) async fn give_back(&self) -> Result<(), HostError> {
        self.clear().await?;
        let path = lock_path(self.number);
        // The lock itself goes when the file is closed; nobody looks for one on a file without a name.
        fs::remove_file(&path).map_err(HostError::system(format!("remove {}", path.display())))
    }

    /// Processes first, as they hold on to everything else; mounts go with them.
    async fn clear(&self) -> Result<(), HostError> {
        let name = self.name();
        let group = name.clone();
        let ended = tokio::task::spawn_blocking(move || control_group::remove(&group)).await;
        ended
            .map_err(io::Error::other)
            .map_err(HostError::system("end processes"))?;
        for namespace in namespaces()? {
            if namespace == name || namespace.starts_with(&format!("{name}-")) {
                command::run("ip", ["netns", "delete", &namespace]).await?;
            }
        }
        if Path::new("/sys/class/net").join(&name).exists() {
            // It goes with its other end, which may take the kernel a moment.
            let _ = command::run("ip", ["link", "delete", &name]).await;
        }
        let noted = fs::read_to_string(lock_path(self.number)).unwrap_or_default();
        if !noted.is_empty() && Path::new(&noted).exists() {
            let failed = HostError::system(format!("remove {noted}"));
            fs::remove_dir_all(&noted).map_err(failed)?;
        }
        Ok(())
    }

    /// Which one it is.
    pub(crate) fn number(&self) -> u8 {
        self.number
    }

    /// Beginning of every name: namespaces, links of the root namespace, control groups.
    pub(crate) fn name(&self) -> String {
        format!("svl{}", self.number)
    }

    /// The namespace that routes between the root namespace, the hosts' public NICs and the metadata service.
    pub(crate) fn router(&self) -> String {
        self.name()
    }

    /// The namespace of a server or load balancer.
    pub(crate) fn host(&self, id: u64) -> String {
        format!("{}-{id}", self.name())
    }

    /// The namespace that routes a private network; holds its gateway address.
    pub(crate) fn network(&self, id: u64) -> String {
        format!("{}-n{id}", self.name())
    }

    /// The control group of a process the lab keeps.
    pub(crate) fn group(&self, process: &str) -> String {
        format!("{}/{process}", self.name())
    }

    /// Where hosts reach the installer: the root namespace's own address of the slice.
    pub(crate) fn gateway(&self) -> Ipv4Addr {
        ipv4(self.number, 1)
    }

    /// The same for IPv6.
    pub(crate) fn gateway6(&self) -> Ipv6Addr {
        Ipv6Addr::from(u128::from(ipv6(self.number, 1)) | 1)
    }

    /// The router's own address.
    pub(crate) fn router_address(&self) -> Ipv4Addr {
        ipv4(self.number, 2)
    }

    /// All IPv4 addresses of the slot.
    pub(crate) fn range(&self) -> Ipv4Net {
        Ipv4Net::new_assert(ipv4(self.number, 0), 22)
    }

    /// All IPv6 addresses of the slot.
    pub(crate) fn range6(&self) -> Ipv6Net {
        Ipv6Net::new_assert(ipv6(self.number, 0), 48)
    }
}

/// An address of a slot's slice by its place: 1 is the root namespace's, 2 the router's, the others are handed out.
pub(crate) fn ipv4(slot: u8, place: u16) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    Ipv4Addr::from(first | u32::from(slot) << 10 | u32::from(place & 0x3ff))
}

/// The /64 of a slot by its place.
pub(crate) fn ipv6(slot: u8, place: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, u16::from(slot), place, 0, 0, 0, 0)
}

/// The part of a slot's addresses that a project hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    slot: u8,
    first: u16,
    last: u16,
}

impl Slice {
    /// The `index`th of `number` equal parts.
    pub(crate) fn of(slot: u8, index: usize, number: usize) -> Self {
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let size = (Slot::LAST_PLACE - Slot::FIRST_PLACE) / small(number.max(1));
        let first = Slot::FIRST_PLACE + small(index) * size;
        Self {
            slot,
            first,
            last: first + size - 1,
        }
    }

    /// The places in it.
    pub(crate) fn places(&self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    /// The address at a place.
    pub(crate) fn ipv4(&self, place: u16) -> Ipv4Addr {
        ipv4(self.slot, place)
    }

    /// The /64 at a place.
    pub(crate) fn ipv6(&self, place: u16) -> Ipv6Addr {
        ipv6(self.slot, place)
    }
}

fn lock_path(number: u8) -> PathBuf {
    PathBuf::from(LOCKS).join(number.to_string())
}

/// A slot that nobody holds, locked; none if somebody does.
fn lock(number: u8) -> Result<Option<Slot>, HostError> {
    let path = lock_path(number);
    let failed = |source| HostError::system(format!("lock {}", path.display()))(source);
    fs::create_dir_all(LOCKS).map_err(failed)?;
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    // Its holder may have removed it between our opening and our locking it.
    let ours = file.metadata().map_err(failed)?.ino();
    let named = fs::metadata(&path).map(|named| named.ino());
    Ok(named
        .is_ok_and(|named| named == ours)
        .then_some(Slot { number, _lock: file }))
}

/// Removes what labs left behind that ended without cleaning up.
pub(crate) async fn sweep() -> Result<(), HostError> {
    let entries = fs::read_dir(LOCKS).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u8>().ok());
    for number in numbers.collect::<Vec<_>>() {
        if let Some(slot) = lock(number)? {
            slot.give_back().await?;
        }
    }
    Ok(())
}

fn namespaces() -> Result<Vec<String>, HostError> {
    match fs::read_dir("/run/netns") {
        Ok(entries) => Ok(entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(HostError::system("list /run/netns")(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn slots_share_no_address() {
        let places = [0, 1, 2, Slot::FIRST_PLACE, Slot::LAST_PLACE, 0x3ff];
        let mut seen = BTreeSet::new();
        let whole: Ipv4Net = "198.18.0.0/15".parse().expect("a range");
        for slot in 0..SLOTS {
            for place in places {
                assert!(whole.contains(&ipv4(slot, place)));
                assert!(seen.insert(ipv4(slot, place)), "{slot} {place}");
            }
        }
    }
}
