//! The daemon: keeps links to the installer, does what it says, and goes on by itself after a crash.
//!
//! One thread: the links, the worker and the watchdog share it, so a sign of life means that all of them get their turn.

mod backoff;
mod desk;
mod dialer;
mod identity;
mod inbox;
mod session;
mod socket;
mod worker;

use std::path::Path;
use std::rc::Rc;

use sovereign_core::agent::AgentEventKind;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{AgentConfig, Transport};
use crate::daemon::desk::Desk;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::install;
use crate::leave;
use crate::ledger::Ledger;
use crate::release;
use crate::root::Root;
use crate::runner::HostRunner;
use crate::signs;
use crate::state::{EVENTS, SOCKET, STATE_DIR};
use crate::who::Who;

/// Runs until it is asked to stop, or has left the host.
pub async fn run(root: Root) -> Result<(), Fault> {
    disk::folder(&root.path(STATE_DIR), 0o700).or_fault("making", STATE_DIR)?;
    let host = Rc::new(Host::open(root.clone(), Rc::new(HostRunner))?);
    let config = match AgentConfig::load(&root) {
        Ok(config) => config,
        Err(_) if is_going(&host) => return end_going(&host).await,
        Err(fault) => return Err(fault),
    };
    let who = Who::of(&root)?;
    let ledger = Ledger::open(Path::new(&root.path(EVENTS)))?;
    let desk = Rc::new(Desk::new(&host, config.node.clone(), who.clone(), ledger));
    desk.tell(AgentEventKind::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: who.boot_id,
    });
    let listener = socket::listen(&desk.root.path(SOCKET)).or_fault("listening at", SOCKET)?;
    // The first boot left more than this agent needs to be reached after a loss of power: keys to log in, and those of the SSH server.
    nix::unistd::sync();
    let mut stop = signal(SignalKind::terminate()).or_fault("waiting for", "SIGTERM")?;
    signs::ready();
    let ending = tokio::select! {
        done = worker::work(&desk, &host) => done,
        never = dial(&desk, &host, &config) => never,
        never = socket::serve(&desk, listener) => never,
        never = signs::watchdog() => never,
        _ = stop.recv() => Ok(()),
    };
    signs::stopping();
    ending
}

/// Whether a process before this one was cut off on its way from the host, after the configuration had gone.
fn is_going(host: &Host) -> bool {
    leave::is_leaving(host) || release::is_under_way(host) || install::is_without_unit(host)
}

/// Ends what was cut off. The notes may be gone already: then what was put on the host tells whether any of it was to stay.
async fn end_going(host: &Host) -> Result<(), Fault> {
    let stays = release::is_under_way(host) || !host.placed().files.is_empty();
    if stays && !leave::is_leaving(host) {
        return release::remove_daemon(host).await;
    }
    leave::undo_all(host, &|_| ()).await?;
    leave::remove_agent(host).await
}

async fn dial(desk: &Rc<Desk>, host: &Host, config: &AgentConfig) -> Result<(), Fault> {
    match &config.transport {
        Transport::Https { url, ca, ticket_file } => dialer::dial(desk, host, url, ca, ticket_file).await,
        Transport::Ssh => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
