//! Files that a program has to read again once they are changed. That it still has to is noted on disk before the change, and until it has:
//! whoever is cut off between the two finds the file as it is to be, and would take the old one in force for the new one.

use crate::fault::Fault;
use crate::host::Host;

/// Puts a file in its place; whether it is still to be read, for this change or for one before it.
pub(super) fn place(host: &Host, part: &str, path: &str, content: &str, mode: u32) -> Result<bool, Fault> {
    if !host.is_there(path, content, mode)? {
        note(host, path)?;
    }
    host.place(part, path, content, mode)?;
    Ok(is_due(host, path))
}

/// Takes a file away and puts back what was there before; whether that is still to be read.
pub(super) fn unplace(host: &Host, path: &str) -> Result<bool, Fault> {
    if host.placed().files.contains_key(path) {
        note(host, path)?;
    }
    host.unplace(path)?;
    Ok(is_due(host, path))
}

/// The program has read what is there now.
pub(super) fn done(host: &Host, path: &str) -> Result<(), Fault> {
    host.note(|placed| {
        placed.due.remove(path);
    })
}

fn note(host: &Host, path: &str) -> Result<(), Fault> {
    host.note(|placed| {
        placed.due.insert(path.to_owned());
    })
}

fn is_due(host: &Host, path: &str) -> bool {
    host.placed().due.contains(path)
}
