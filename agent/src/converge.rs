//! Makes the host what a [`HostConfig`] says, part by part. Every part looks first, changes what differs, and looks again;
//! so all of it may be repeated, and may be cut off anywhere.
#![expect(
    clippy::unused_async,
    reason = "parts have one shape, whether or not they wait for a command"
)]

mod due;
mod fail2ban;
mod files;
mod firewall;
mod hostname;
mod modules;
mod scrub;
mod service;
mod ssh;
mod swap;
mod sysctl;
mod time;
mod units;
mod upgrades;

use sovereign_core::host::HostConfig;

use crate::part::Part;

pub(crate) use scrub::scrub;
pub(crate) use ssh::{leave_to, reload as reload_ssh};

macro_rules! part {
    ($module:ident) => {
        Part {
            name: $module::NAME,
            converge: |host, config| Box::pin($module::converge(host, config)),
            undo: |host| Box::pin($module::undo(host)),
        }
    };
}
pub(crate) use part;

/// Every part, in the order of work; taking away goes the other way.
pub const PARTS: [Part<HostConfig>; 12] = [
    part!(hostname),
    part!(modules),
    part!(sysctl),
    part!(swap),
    part!(ssh),
    part!(firewall),
    part!(time),
    part!(upgrades),
    part!(fail2ban),
    part!(files),
    part!(units),
    part!(scrub),
];

#[cfg(test)]
mod tests;
