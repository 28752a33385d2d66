//! The k3s binary, by its digest.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sovereign_core::k3s::K3sNode;

use super::BINARY;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::placed::PlacedFile;

pub(super) const NAME: &str = "k3s binary";

pub(super) async fn converge(host: &Host, node: &K3sNode) -> Outcome {
    let at = host.root.path(BINARY);
    let there = at.exists();
    if there && !host.placed().files.contains_key(BINARY) {
        return Err(Fault::new(
            format!("`{BINARY}` is there and was not put there by a Sovereign"),
            "this host is part of another cluster, or was: run `k3s-uninstall.sh` on it, or use another host",
        ));
    }
    let right = there && disk::digest(&at).or_fault("reading", BINARY)? == node.binary.sha256;
    if right {
        return Ok(Done::new(false, asked_for(host, BINARY, node).await?));
    }
    let came = host.incoming().fetch(&node.binary).await?;
    fs::set_permissions(&came, fs::Permissions::from_mode(0o755)).or_fault("writing", BINARY)?;
    // Before it takes the place of one that may run.
    let version = asked_for(host, &came.display().to_string(), node).await?;
    note(host)?;
    move_to(&came, &at).or_fault("writing", BINARY)?;
    Ok(Done::new(true, version))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace(BINARY).map(drop)
}

/// Ours, before it is there.
fn note(host: &Host) -> Result<(), Fault> {
    host.note(|placed| {
        placed.files.insert(
            BINARY.to_owned(),
            PlacedFile {
                part: NAME.to_owned(),
                before: None,
                folders: Vec::new(),
            },
        );
    })
}

/// The folders may be on different file systems; beside its place the file is on the right one. A running k3s keeps the old file.
fn move_to(came: &Path, at: &Path) -> io::Result<()> {
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::rename(came, at).is_ok() {
        return Ok(());
    }
    let beside = at.with_extension("sovereign-new");
    fs::copy(came, &beside)?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, at)?;
    fs::remove_file(came)
}

/// What a binary says it is, if that is what was asked for.
async fn asked_for(host: &Host, program: &str, node: &K3sNode) -> Result<String, Fault> {
    let (version, wanted) = (version(host, program).await?, &node.version);
    if version == *wanted {
        return Ok(version);
    }
    Err(Fault::new(
        format!("the binary that came is k3s {version}, and the spec asks for {wanted}"),
        format!(
            "give the installer the k3s {wanted} with `--k3s`, or write `kubernetes.version: {version}` into the spec \
             if the kit is made for that one"
        ),
    ))
}

/// What a binary says it is. One that cannot run here says so now, and not as a unit that fails.
async fn version(host: &Host, program: &str) -> Result<String, Fault> {
    let remedy = "see that the k3s given to the installer is the one for this host's architecture";
    let told = host.must(program, &["--version"], remedy).await?;
    let first = told.stdout.lines().next().unwrap_or_default();
    let version = first
        .strip_prefix("k3s version ")
        .and_then(|rest| rest.split(' ').next());
    version.map(str::to_owned).ok_or_else(|| {
        Fault::new(
            format!("the binary that came is not k3s: asked for its version, it said `{first}`"),
            "give the installer the k3s binary itself, not an archive or an image",
        )
    })
}
