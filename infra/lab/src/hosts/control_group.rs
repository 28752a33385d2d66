//! Control groups: one for each process the lab keeps, below one for each lab.
//!
//! An init system believes that its control group is its own, so two hosts must not share one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::HostError;

/// The group of all labs.
const ALL: &str = "sovereign-lab";
/// The trees that an init system uses: the unified one alone, or that and the named one beside the old controllers.
const TREES: [&str; 3] = [
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/unified",
    "/sys/fs/cgroup/systemd",
];
/// How often a group is looked at while its processes end.
const PATIENCE: u32 = 200;
/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

fn trees() -> impl Iterator<Item = PathBuf> {
    TREES
        .iter()
        .map(PathBuf::from)
        .filter(|tree| tree.join("cgroup.procs").exists())
        .map(|tree| tree.join(ALL))
}

/// Makes a group in every tree and returns where it is.
pub(super) fn make(group: &str) -> Result<Vec<PathBuf>, HostError> {
    let paths: Vec<PathBuf> = trees().map(|tree| tree.join(group)).collect();
    for path in &paths {
        let failed = HostError::system(format!("make the control group {}", path.display()));
        fs::create_dir_all(path).map_err(failed)?;
    }
    Ok(paths)
}

/// Ends every process of a group and those below it, and removes them.
pub(super) fn remove(group: &str) {
    for tree in trees() {
        let path = tree.join(group);
        for _ in 0..PATIENCE {
            end(&path);
            match remove_tree(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(LOOK_AGAIN),
                _ => break,
            }
        }
    }
}

fn end(path: &Path) {
    let members = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    // Zero stands for a process that this namespace cannot see.
    for pid in members
        .lines()
        .filter_map(|line| line.parse().ok())
        .filter(|pid| *pid > 0)
    {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    for below in children(path) {
        end(&below);
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    for below in children(path) {
        remove_tree(&below)?;
    }
    fs::remove_dir(path)
}

fn children(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
