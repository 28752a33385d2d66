//! What is served: the archive, unpacked beside the old one and put in its place when all of it is right.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sovereign_core::k3s::Artifact;
use sovereign_core::registry::NodeRegistry;
use sovereign_images::archive::{ArchiveError, unpack};
use sovereign_images::{Layout, layout::LayoutError};

use super::archive;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "registry layout";

/// Folder of layouts, each named by the digest of its archive. Everyone on the host may read them: who serves them is nobody, and
/// what is served is no secret.
const FOLDER: &str = "/var/lib/sovereign-registry";
/// What is being unpacked.
const UNFINISHED: &str = "/var/lib/sovereign-registry/unfinished";

/// Where the layout of an archive is. It is there only once all of it is.
pub(crate) fn of(archive: &Artifact) -> String {
    format!("{FOLDER}/{}", archive.sha256)
}

pub(super) fn path(registry: &NodeRegistry) -> String {
    of(&registry.archive)
}

/// Whether the layout is there and every blob is what its name says. A damaged one is taken away.
pub(super) async fn is_whole(host: &Host, registry: &NodeRegistry) -> Result<bool, Fault> {
    let at = path(registry);
    if !host.root.exists(&at) {
        return Ok(false);
    }
    let folder = host.root.path(&at);
    let problem = aside(move || first_problem(&folder)).await?;
    let Some(problem) = problem else {
        return Ok(true);
    };
    tracing::warn!(
        problem,
        "what the registry serves is damaged, and is unpacked anew"
    );
    disk::remove_folder(&host.root.path(&at)).or_fault("removing", &at)?;
    Ok(false)
}

pub(super) async fn converge(host: &Host, registry: &NodeRegistry) -> Outcome {
    let at = path(registry);
    let there = host.root.exists(&at);
    if !there {
        let paths = [archive::path(registry), UNFINISHED.to_owned(), at.clone()];
        let [archive, unfinished, at] = paths.map(|path| host.root.path(&path));
        aside(move || place(&archive, &unfinished, &at)).await??;
    }
    archive::remove(host)?;
    let layout = Layout::open(host.root.path(&at)).map_err(|error| unreadable(&error))?;
    let catalog = layout.catalog().map_err(|error| unreadable(&error))?;
    let words = match catalog.repositories().count() {
        1 => "1 repository".to_owned(),
        many => format!("{many} repositories"),
    };
    Ok(Done::new(!there, words))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    disk::remove_folder(&host.root.path(FOLDER)).or_fault("removing", FOLDER)
}

/// Takes away every layout but the one that is served now.
pub(super) fn remove_others(host: &Host, registry: &NodeRegistry) -> Result<(), Fault> {
    let wanted = path(registry);
    for old in host.root.list(FOLDER).iter().filter(|old| **old != wanted) {
        disk::remove_folder(&host.root.path(old)).or_fault("removing", old)?;
    }
    Ok(())
}

/// Unpacks an archive; nothing is at `at` before all of it is right and on the disk.
fn place(archive: &Path, unfinished: &Path, at: &Path) -> Result<(), Fault> {
    let name = archive.display().to_string();
    let folder = unfinished.parent().unwrap_or(unfinished);
    disk::remove_folder(unfinished).or_fault("removing", UNFINISHED)?;
    disk::folder(folder, 0o755).or_fault("making", FOLDER)?;
    let file = File::open(archive).or_fault("reading", &name)?;
    unpack(file, unfinished).map_err(|error| unusable(&error))?;
    open_to_all(unfinished).or_fault("writing", UNFINISHED)?;
    fs::rename(unfinished, at).or_fault("writing", FOLDER)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .or_fault("writing", FOLDER)
}

fn open_to_all(path: &Path) -> io::Result<()> {
    let is_folder = path.is_dir();
    if is_folder {
        for entry in fs::read_dir(path)? {
            open_to_all(&entry?.path())?;
        }
    }
    fs::set_permissions(
        path,
        Permissions::from_mode(if is_folder { 0o755 } else { 0o644 }),
    )
}

fn first_problem(folder: &Path) -> Option<String> {
    match Layout::open(folder).and_then(|layout| layout.verify()) {
        Ok(report) => report.problems.first().map(ToString::to_string),
        Err(error) => Some(words(&error)),
    }
}

/// Reads and writes a lot on a thread of its own, so that the daemon goes on giving signs of life.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(format!("unpacking broke: {error}"), "please report this"))
}

fn unreadable(error: &LayoutError) -> Fault {
    Fault::new(words(error), error.remedy())
}

fn unusable(error: &ArchiveError) -> Fault {
    let cause = format!(
        "what the registry is to serve cannot be unpacked: {}",
        words(error)
    );
    let remedy = match error {
        ArchiveError::Layout(LayoutError::Io { .. } | LayoutError::DiskFull { .. }) => error.remedy(),
        _ => "the file given to the installer with `--kit` is not a whole OCI archive: give it another one",
    };
    Fault::new(cause, remedy)
}

/// An error with what is behind it.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}
