//! The host that is worked on: its files, its commands, and the list of what is ours on it.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::incoming::Incoming;
use crate::placed::{BEFORE_DIR, Before, PLACED, Placed, PlacedFile};
use crate::root::Root;
use crate::runner::{Command, Output, Runner, must};
use crate::state;

/// The host that is worked on.
#[derive(Debug)]
pub struct Host {
    /// Where its files are.
    pub root: Root,
    runner: Rc<dyn Runner>,
    placed: RefCell<Placed>,
    incoming: Rc<Incoming>,
}

impl Host {
    /// Reads what is ours on the host.
    pub fn open(root: Root, runner: Rc<dyn Runner>) -> Result<Self, Fault> {
        let placed = state::read_json(&root, PLACED)?.unwrap_or_default();
        Ok(Self {
            incoming: Rc::new(Incoming::new(root.clone())),
            root,
            runner,
            placed: RefCell::new(placed),
        })
    }

    /// Artifacts that the installer hands over.
    pub(crate) fn incoming(&self) -> Rc<Incoming> {
        Rc::clone(&self.incoming)
    }

    /// What is ours on the host.
    pub fn placed(&self) -> Ref<'_, Placed> {
        self.placed.borrow()
    }

    /// Changes the list of what is ours, on disk too.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Placed)) -> Result<(), Fault> {
        let mut next = self.placed.borrow().clone();
        change(&mut next);
        if next == *self.placed.borrow() {
            return Ok(());
        }
        state::write_json(&self.root, PLACED, &next)?;
        self.placed.replace(next);
        Ok(())
    }

    /// Runs a command, whatever its status.
    pub(crate) async fn run(&self, program: &str, args: &[&str]) -> Result<Output, Fault> {
        self.runner.run(&Command::new(program, args)).await
    }

    /// Runs a command whose status must be 0.
    pub(crate) async fn must(&self, program: &str, args: &[&str], remedy: &str) -> Result<Output, Fault> {
        must(&*self.runner, &Command::new(program, args), remedy).await
    }

    /// Runs a command that was put together before.
    pub(crate) async fn run_command(&self, command: &Command) -> Result<Output, Fault> {
        self.runner.run(command).await
    }

    /// Whether one of the places for programs has `name`.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        [
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
        ]
        .iter()
        .any(|folder| self.root.exists(&format!("{folder}/{name}")))
    }

    /// Whether the system has a unit file of this name.
    pub(crate) fn has_unit(&self, name: &str) -> bool {
        [
            "/etc/systemd/system",
            "/usr/lib/systemd/system",
            "/lib/systemd/system",
        ]
        .iter()
        .any(|folder| self.root.exists(&format!("{folder}/{name}")))
    }

    /// Puts a file of sub-step `part` in its place; whether anything had to change. What was there before is kept.
    pub(crate) fn place(&self, part: &str, path: &str, content: &str, mode: u32) -> Result<bool, Fault> {
        let ours = self.placed().files.contains_key(path);
        if !ours {
            let before = match self.root.read_bytes(path).or_fault("reading", path)? {
                Some(bytes) => Some(self.keep(path, &bytes)?),
                None => None,
            };
            let entry = PlacedFile {
                part: part.to_owned(),
                before,
                folders: self.missing_folders(path),
            };
            self.note(|placed| {
                placed.files.insert(path.to_owned(), entry);
            })?;
        }
        if self.is_there(path, content, mode)? {
            return Ok(false);
        }
        disk::write(&self.root.path(path), content.as_bytes(), mode).or_fault("writing", path)?;
        Ok(true)
    }

    /// Whether the file at `path` has this content and these permission bits.
    pub(crate) fn is_there(&self, path: &str, content: &str, mode: u32) -> Result<bool, Fault> {
        let there = self.root.read_bytes(path).or_fault("reading", path)?;
        Ok(there.as_deref() == Some(content.as_bytes())
            && disk::mode(&self.root.path(path)).or_fault("reading", path)? == mode)
    }

    /// Takes a file of ours away and puts back what was there before; whether it was ours.
    pub(crate) fn unplace(&self, path: &str) -> Result<bool, Fault> {
        let Some(entry) = self.placed().files.get(path).cloned() else {
            return Ok(false);
        };
        let at = self.root.path(path);
        let kept = match &entry.before {
            Some(before) => self
                .root
                .read_bytes(&before.kept_at)
                .or_fault("reading", &before.kept_at)?
                .map(|bytes| (before, bytes)),
            None => None,
        };
        match &kept {
            Some((before, bytes)) => disk::write(&at, bytes, before.mode).or_fault("restoring", path)?,
            None => {
                disk::remove(&at).or_fault("removing", path)?;
            }
        }
        for folder in entry.folders.iter().rev() {
            // By now it may hold something of somebody else, and stays.
            let _ = std::fs::remove_dir(self.root.path(folder));
        }
        self.note(|placed| {
            placed.files.remove(path);
        })?;
        if let Some((before, _)) = kept {
            disk::remove(&self.root.path(&before.kept_at)).or_fault("removing", &before.kept_at)?;
        }
        Ok(true)
    }

    /// Paths of the files that sub-step `part` placed.
    pub(crate) fn placed_by(&self, part: &str) -> Vec<String> {
        self.placed()
            .files
            .iter()
            .filter(|(_, file)| file.part == part)
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Takes away every file of `part` that `wanted` does not want any more; how many.
    pub(crate) fn unplace_others(&self, part: &str, wanted: impl Fn(&str) -> bool) -> Result<usize, Fault> {
        let old: Vec<String> = self
            .placed_by(part)
            .into_iter()
            .filter(|path| !wanted(path))
            .collect();
        for path in &old {
            self.unplace(path)?;
        }
        Ok(old.len())
    }

    /// Folders above `path` that are not there, the outermost first.
    fn missing_folders(&self, path: &str) -> Vec<String> {
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        ends.filter(|folder| !folder.is_empty() && !self.root.exists(folder))
            .map(str::to_owned)
            .collect()
    }

    fn keep(&self, path: &str, bytes: &[u8]) -> Result<Before, Fault> {
        let name = hex::encode(&Sha256::digest(path.as_bytes())[..16]);
        let kept_at = format!("{BEFORE_DIR}/{name}");
        disk::write(&self.root.path(&kept_at), bytes, 0o600).or_fault("keeping a copy of", path)?;
        let mode = disk::mode(&self.root.path(path)).or_fault("reading", path)?;
        Ok(Before { mode, kept_at })
    }
}
