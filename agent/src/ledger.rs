//! The event ledger: every event of this host under its own number, on disk before anyone hears of it.
//!
//! One JSON object a line, appended and flushed to the disk one at a time. A power cut can therefore tear the last line
//! only, and that line was never told: it is dropped, and its number goes to the next event. Whoever listens takes the
//! numbers one by one, so there are no gaps, and what was told once never changes.

mod keep;
mod replay;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::fcntl::{FallocateFlags, fallocate};
use sovereign_core::agent::{AgentEvent, AgentEventKind};

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::ledger::keep::keep;
use crate::ledger::replay::{Replay, replay};

/// Size at which the ledger is cut down to about half of it, in bytes. What no installer has noted yet may have twice that.
const LIMIT: u64 = 512 * 1024;

/// The event ledger of a host.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    size: u64,
    limit: u64,
    /// Size at which it is cut down next: what had to stay the last time must not make every event a rewrite.
    cut_at: u64,
    noted: u64,
    events: Vec<AgentEvent>,
    /// The file holds a line that is not whole; it goes when the next event is written.
    damaged: bool,
}

impl Ledger {
    /// Opens the ledger at `path`, or begins it. A torn tail is dropped.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Self::open_with(path, LIMIT)
    }

    /// The same, cut down at `limit` bytes.
    pub fn open_with(path: &Path, limit: u64) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let bytes = read(path).or_fault("reading", &name)?;
        let Replay { events, damaged } = replay(&bytes);
        let file = append_to(path, limit).or_fault("opening", &name)?;
        let size = file.metadata().or_fault("reading", &name)?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            limit,
            cut_at: limit,
            noted: 0,
            events,
            damaged,
        })
    }

    /// Number of the last event, 0 if there was none.
    pub fn last_seq(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq)
    }

    /// Events after number `after` that are still held, oldest first.
    pub fn after(&self, after: u64) -> &[AgentEvent] {
        let from = self.events.partition_point(|event| event.seq <= after);
        &self.events[from..]
    }

    /// An installer has noted everything up to number `seq`: older events may go when room is needed.
    pub fn noted(&mut self, seq: u64) {
        self.noted = self.noted.max(seq);
    }

    /// Writes an event down; when this returns, the event survives a power cut.
    pub fn append(&mut self, at: Timestamp, kind: AgentEventKind) -> Result<AgentEvent, Fault> {
        let event = AgentEvent {
            seq: self.last_seq() + 1,
            at,
            kind,
        };
        let written = self.write(&event);
        written.or_fault("writing to", &self.path.display().to_string())?;
        self.events.push(event.clone());
        if self.size > self.cut_at
            && let Err(error) = self.compact()
        {
            // The event itself is safe, and the next one tries again.
            tracing::warn!(%error, "the event ledger could not be cut down");
        }
        Ok(event)
    }

    fn write(&mut self, event: &AgentEvent) -> io::Result<()> {
        if self.damaged {
            let bytes = lines(self.events.iter().chain([event]))?;
            self.write_anew(&bytes)?;
            self.damaged = false;
            return Ok(());
        }
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not run into the next one.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += line.len() as u64;
        Ok(())
    }

    fn compact(&mut self) -> io::Result<()> {
        let kept = keep(self.events.clone(), self.noted, self.limit / 2, self.limit * 2);
        self.write_anew(&lines(&kept)?)?;
        self.events = kept;
        self.cut_at = self.limit.max(self.size + self.limit / 2);
        Ok(())
    }

    fn write_anew(&mut self, bytes: &[u8]) -> io::Result<()> {
        disk::write(&self.path, bytes, 0o600)?;
        self.file = append_to(&self.path, self.limit)?;
        self.size = bytes.len() as u64;
        Ok(())
    }
}

/// Reads the events at `path` without touching them, for whoever looks on.
pub fn read_only(path: &Path) -> Result<Vec<AgentEvent>, Fault> {
    let bytes = read(path).or_fault("reading", &path.display().to_string())?;
    Ok(replay(&bytes).events)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Opens the file and sets room aside, so that the news of a full disk can still be written down.
fn append_to(path: &Path, room: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    if let Ok(room) = i64::try_from(room) {
        // Not every file system can; then there is just no room set aside.
        let _ = fallocate(&file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, room);
    }
    Ok(file)
}

fn lines<'a>(events: impl IntoIterator<Item = &'a AgentEvent>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for event in events {
        serde_json::to_writer(&mut bytes, event)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
