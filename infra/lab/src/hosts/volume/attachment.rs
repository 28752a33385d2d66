//! A volume at a server.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use nix::sys::stat::{major, minor};
use serde_json::json;

use super::Home;
use crate::hosts::vm::Machine;
use crate::hosts::{HostError, command};

/// Makes the node of a loop device inside a container, and the name that goes by the volume's number.
const MAKE_NODE: &str = r#"mkdir -p /dev/disk/by-id; rm -f "/dev/volume$1"; mknod "/dev/volume$1" b "$2" "$3" &&
    chmod 660 "/dev/volume$1" && ln -sf "../../volume$1" "/dev/disk/by-id/scsi-0HC_Volume_$1""#;
const REMOVE_NODE: &str = r#"rm -f "/dev/volume$1" "/dev/disk/by-id/scsi-0HC_Volume_$1""#;

/// A volume at a server that runs.
#[derive(Debug)]
pub(super) enum Attachment {
    /// A loop device with a node inside a container. The device goes when nobody has it open any more: we, the
    /// container.
    Loop {
        process: u32,
        device: String,
        _open: File,
    },
    /// A disk of a machine, which goes with the machine.
    Disk(Arc<Machine>),
}

impl Attachment {
    /// Attaches a volume's file.
    pub(super) async fn new(id: u64, file: &Path, home: Home) -> Result<Self, HostError> {
        match home {
            Home::Container(process) => attach_loop(id, file, process).await,
            Home::Machine(machine) => {
                attach_disk(id, file, &machine).await?;
                Ok(Self::Disk(machine))
            }
        }
    }

    /// Whether it is where it should be; a server that has booted again is another place.
    pub(super) fn is_at(&self, home: &Home) -> bool {
        match (self, home) {
            (Self::Loop { process, .. }, Home::Container(wanted)) => process == wanted,
            (Self::Disk(machine), Home::Machine(wanted)) => machine.process() == wanted.process(),
            _ => false,
        }
    }

    /// Tells the server that its volume has grown.
    pub(super) async fn grow(&self, id: u64, bytes: u64) -> Result<(), HostError> {
        match self {
            Self::Loop { device, .. } => command::run("losetup", ["--set-capacity", device])
                .await
                .map(|_| ()),
            Self::Disk(machine) => {
                let arguments = json!({"node-name": format!("volume{id}"), "size": bytes});
                machine.execute("block_resize", arguments).await.map(|_| ())
            }
        }
    }

    /// Takes it away. A server that has gone meanwhile has nothing to take it from, which is as good.
    pub(super) async fn end(self, id: u64) {
        match self {
            Self::Loop { process, .. } => {
                let _ = inside(process, REMOVE_NODE, &[id.to_string()]).await;
            }
            Self::Disk(machine) => {
                let name = format!("volume{id}");
                let _ = machine.execute("device_del", json!({"id": name})).await;
                let _ = machine.execute("blockdev-del", json!({"node-name": name})).await;
            }
        }
    }
}

async fn attach_loop(id: u64, file: &Path, process: u32) -> Result<Attachment, HostError> {
    let path = file.display().to_string();
    let device = command::run("losetup", ["--find", "--show", &path])
        .await?
        .trim()
        .to_owned();
    let open = File::open(&device).map_err(HostError::system(format!("open {device}")));
    // While it is open this does not detach it, but makes the kernel do so once nobody has it open.
    let detached = command::run("losetup", ["--detach", &device]).await;
    let open = open?;
    detached?;
    let number = open
        .metadata()
        .map_err(HostError::system(format!("look at {device}")))?
        .rdev();
    let arguments = [
        id.to_string(),
        major(number).to_string(),
        minor(number).to_string(),
    ];
    inside(process, MAKE_NODE, &arguments).await?;
    Ok(Attachment::Loop {
        process,
        device,
        _open: open,
    })
}

/// Runs a script inside a container.
async fn inside(process: u32, script: &str, arguments: &[String]) -> Result<(), HostError> {
    let target = process.to_string();
    let enter = ["--target", &target, "--mount", "--", "sh", "-c", script, "lab"];
    let line = enter.into_iter().chain(arguments.iter().map(String::as_str));
    command::run("nsenter", line).await.map(|_| ())
}

async fn attach_disk(id: u64, file: &Path, machine: &Machine) -> Result<(), HostError> {
    let name = format!("volume{id}");
    let node = json!({
        "driver": "raw", "node-name": name, "discard": "unmap", "file": {"driver": "file", "filename": file},
    });
    machine.execute("blockdev-add", node).await?;
    let device = json!({
        "driver": "scsi-hd", "id": name, "bus": "scsi.0", "drive": name,
        "vendor": "HC", "product": "Volume", "serial": id.to_string(), "device_id": id.to_string(),
    });
    machine.execute("device_add", device).await.map(|_| ())
}
