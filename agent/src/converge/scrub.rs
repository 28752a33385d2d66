//! What cloud-init left on the disk of the user data: it held our ticket or the host's first SSH key.
//!
//! Without its cached data source cloud-init would look for it again at the next boot, write the user data to the disk
//! again, and make new host keys where it does not find it. The agent keeps the host from here on, so cloud-init is
//! switched off for later boots, by the file its makers document for that.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use sovereign_core::host::HostConfig;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "scrub";

const OFF: &str = "/etc/cloud/cloud-init.disabled";
const INSTANCES: &str = "/var/lib/cloud/instances";
/// Names under an instance's folder that hold user data in one form or another.
const COPIES: [&str; 10] = [
    "user-data.txt",
    "user-data.txt.i",
    "vendor-data.txt",
    "vendor-data.txt.i",
    "vendor-data2.txt",
    "vendor-data2.txt.i",
    "cloud-config.txt",
    "vendor-cloud-config.txt",
    "vendor2-cloud-config.txt",
    "obj.pkl",
];
/// Outside of an instance's folder.
const LOOSE: [&str; 4] = [
    "/run/cloud-init/combined-cloud-config.json",
    "/run/cloud-init/instance-data-sensitive.json",
    "/var/lib/cloud/seed/nocloud/user-data",
    "/var/lib/cloud/seed/nocloud-net/user-data",
];
/// The file that user data of ours writes on every host, whatever its role and transport.
const MARK: &[u8] = b"/etc/sovereign/host.json";
/// User data is at most a few times 64 KiB, unpacked.
const LARGEST: u64 = 4 * 1024 * 1024;

pub(super) async fn converge(host: &Host, _config: &HostConfig) -> Outcome {
    let gone = scrub(host)?;
    Ok(Done::new(
        gone > 0,
        format!("{gone} copies of user data taken away"),
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace(OFF).map(drop)
}

/// Removes the copies of user data that are ours; how many there were.
pub(crate) fn scrub(host: &Host) -> Result<usize, Fault> {
    let mut copies: Vec<String> = Vec::new();
    for instance in host.root.list(INSTANCES) {
        let there: Vec<String> = COPIES
            .iter()
            .map(|name| format!("{instance}/{name}"))
            .filter(|path| host.root.exists(path))
            .collect();
        if there.iter().any(|path| is_ours(host, path)) {
            copies.extend(there);
        }
    }
    let mut loose: Vec<String> = LOOSE.iter().map(|&path| path.to_owned()).collect();
    if copies.is_empty() {
        loose.retain(|path| is_ours(host, path));
    } else {
        host.place(NAME, OFF, "The Sovereign's agent keeps this host.\n", 0o644)?;
    }
    let mut gone = 0;
    for path in copies.iter().chain(&loose) {
        if disk::remove(&host.root.path(path)).or_fault("removing", path)? {
            gone += 1;
        }
    }
    Ok(gone)
}

fn is_ours(host: &Host, path: &str) -> bool {
    let Ok(Some(bytes)) = host.root.read_bytes(path) else {
        return false;
    };
    holds_mark(&bytes) || unpacked(&bytes).is_some_and(|bytes| holds_mark(&bytes))
}

fn holds_mark(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

/// User data may be kept as it came: gzip, or base64 of gzip.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let packed = if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes.to_vec()
    } else {
        let text: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        STANDARD.decode(text).ok()?
    };
    let mut out = Vec::new();
    MultiGzDecoder::new(packed.as_slice())
        .take(LARGEST)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}
