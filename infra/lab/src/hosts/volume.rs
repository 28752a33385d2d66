//! Volumes: sparse files that hosts see as the cloud's block devices.
//!
//! A machine gets a SCSI disk of vendor `HC`, product `Volume` and the volume's number as its serial, plugged in while
//! it runs, so that its own udev makes `/dev/disk/by-id/scsi-0HC_Volume_ID`. A container shares this machine's kernel
//! and has no udev: it gets a loop device, a real block device all the same, whose node is made inside it, and that
//! link. `automount` is for the operating system to do and is not done.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::vm::{Machine, Machines};
use super::{Finding, HostError, Part, Picture, command};

mod attachment;

use attachment::Attachment;

/// Bytes the vendor sells as a GB of a volume.
const GB: u64 = 1 << 30;

/// Keeps volumes, and attaches them to the servers that the API names.
#[derive(Debug)]
pub(crate) struct Volumes {
    directory: PathBuf,
    machines: Arc<Machines>,
    kept: BTreeMap<u64, Volume>,
}

#[derive(Debug, Default)]
struct Volume {
    bytes: u64,
    attached: Option<Attachment>,
}

/// A server that runs.
#[derive(Debug, Clone)]
enum Home {
    /// Shares this kernel; its first process.
    Container(u32),
    /// Has its own.
    Machine(Arc<Machine>),
}

impl Volumes {
    /// Keeps volumes in `directory`, which exists; `machines` are those a driver of machines runs.
    pub(crate) fn new(directory: impl Into<PathBuf>, machines: Arc<Machines>) -> Self {
        Self {
            directory: directory.into(),
            machines,
            kept: BTreeMap::new(),
        }
    }

    fn file(&self, id: u64) -> PathBuf {
        self.directory.join(format!("volume-{id}.raw"))
    }

    fn home(&self, picture: &Picture, server: u64) -> Option<Home> {
        let leader = picture.leaders.iter().find(|(id, _)| *id == server);
        leader
            .map(|(_, process)| Home::Container(*process))
            .or_else(|| self.machines.get(server).map(Home::Machine))
    }

    /// Brings one volume to its size and its server.
    async fn keep(&mut self, id: u64, volume: &Value, picture: &Picture) -> Result<(), HostError> {
        let file = self.file(id);
        let home = volume["server"]
            .as_u64()
            .and_then(|server| self.home(picture, server));
        let bytes = volume["size"].as_u64().unwrap_or_default() * GB;
        let kept = self.kept.entry(id).or_default();
        if kept.bytes != bytes {
            make(&file, bytes, volume["format"].as_str()).await?;
            kept.bytes = bytes;
            if let Some(attached) = &kept.attached {
                attached.grow(id, bytes).await?;
            }
        }
        let stays = match (&kept.attached, &home) {
            (Some(attached), Some(home)) => attached.is_at(home),
            (None, None) => true,
            _ => false,
        };
        if stays {
            return Ok(());
        }
        if let Some(before) = kept.attached.take() {
            before.end(id).await;
        }
        if let Some(home) = home {
            kept.attached = Some(Attachment::new(id, &file, home).await?);
        }
        Ok(())
    }
}

#[async_trait]
impl Part for Volumes {
    async fn follow(&mut self, picture: &Picture) -> Result<Vec<Finding>, HostError> {
        let wanted: BTreeMap<u64, &Value> = picture
            .volumes
            .iter()
            .filter_map(|volume| Some((volume["id"].as_u64()?, volume)))
            .collect();
        let gone = self.kept.keys().filter(|id| !wanted.contains_key(id));
        for id in gone.copied().collect::<Vec<_>>() {
            if let Some(attached) = self.kept.remove(&id).and_then(|volume| volume.attached) {
                attached.end(id).await;
            }
            let file = self.file(id);
            fs::remove_file(&file).map_err(HostError::system(format!("remove {}", file.display())))?;
        }
        for (id, volume) in wanted {
            self.keep(id, volume, picture).await?;
        }
        Ok(Vec::new())
    }

    /// Devices go with the hosts and this process; what is on the volumes stays.
    async fn stop(&mut self) {
        for (id, volume) in std::mem::take(&mut self.kept) {
            if let Some(attached) = volume.attached {
                attached.end(id).await;
            }
        }
    }
}

/// Makes a volume's file, with a file system where one was ordered, or makes it larger.
async fn make(file: &Path, bytes: u64, format: Option<&str>) -> Result<(), HostError> {
    let fresh = !file.exists();
    let sized = File::options().create(true).append(true).open(file);
    sized
        .and_then(|handle| grow(&handle, bytes))
        .map_err(HostError::system(format!("make {}", file.display())))?;
    let path = file.display().to_string();
    let made = match format.filter(|_| fresh) {
        Some("ext4") => command::run("mkfs.ext4", ["-q", "-F", &path]).await,
        Some("xfs") => command::run("mkfs.xfs", ["-q", "-f", &path]).await,
        _ => return Ok(()),
    };
    if made.is_err() {
        // The next attempt is to begin anew, and not to find a volume without a file system.
        let _ = fs::remove_file(file);
    }
    made.map(|_| ())
}

/// Volumes never shrink.
fn grow(file: &File, bytes: u64) -> io::Result<()> {
    if file.metadata()?.len() < bytes {
        file.set_len(bytes)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;
