//! What a controller tells, for people and for programs.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::list;
use crate::errors::CliError;
use crate::output;
use crate::render::time::moment;
use crate::wiring::App;

/// Something that a controller saw or did.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum HealthEvent {
    /// It begins.
    Watching {
        zone: String,
        check: String,
        regions: Vec<String>,
        interval_seconds: u64,
        rise: u32,
        fall: u32,
        /// How long caches keep an address that is led to no more.
        caches_keep_seconds: u32,
    },
    /// An address answers now.
    Answers { region: String, address: IpAddr },
    /// An address does not answer now.
    Fails {
        region: String,
        address: IpAddr,
        why: String,
    },
    /// This machine has no way to an address: it is taken to be as well as the rest of its region.
    NoWay {
        region: String,
        address: IpAddr,
        why: String,
    },
    /// The names lead there now, proven at every server and secondary.
    Led {
        addresses: BTreeSet<IpAddr>,
        came: BTreeSet<IpAddr>,
        went: BTreeSet<IpAddr>,
        caches_keep_seconds: u32,
    },
    /// The names lead there, and are to.
    Stands { addresses: BTreeSet<IpAddr> },
    /// Addresses stay although they do not answer: without them a family would have none.
    Kept { addresses: BTreeSet<IpAddr> },
    /// The names could not be looked at or led elsewhere; it is tried again.
    Failed { why: String },
    /// It ends because it was asked to. The names stay as they are.
    Stopped,
}

impl fmt::Display for HealthEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watching {
                zone,
                check,
                regions,
                interval_seconds,
                rise,
                fall,
                caches_keep_seconds,
            } => write!(
                f,
                "watching {} of zone {zone} by {check} every {interval_seconds} s: out after {fall} failures, back after {rise} answers; \
                 caches keep an address for {caches_keep_seconds} s",
                regions.join(" "),
            ),
            Self::Answers { region, address } => write!(f, "{region} {address} answers"),
            Self::Fails { region, address, why } => write!(f, "{region} {address} fails: {why}"),
            Self::NoWay { region, address, why } => write!(
                f,
                "{region} {address} cannot be asked from here ({why}): it is taken to be as well as the rest of {region}"
            ),
            Self::Led {
                addresses,
                went,
                caches_keep_seconds,
                ..
            } => {
                write!(f, "the names lead to {} now", list(addresses))?;
                if went.is_empty() {
                    return Ok(());
                }
                write!(
                    f,
                    "; caches may lead to {} for {caches_keep_seconds} s more",
                    list(went)
                )
            }
            Self::Stands { addresses } => write!(f, "the names lead to {}, as they are to", list(addresses)),
            Self::Kept { addresses } => write!(
                f,
                "{} stay although they fail: without them the names would have no such address",
                list(addresses)
            ),
            Self::Failed { why } => write!(f, "not done, and tried again: {why}"),
            Self::Stopped => f.write_str("stopped; the names stay as they are"),
        }
    }
}

impl HealthEvent {
    /// Tells it on standard output: a line, or an object in a line.
    pub(super) fn tell(&self, app: &App) -> Result<(), CliError> {
        let now = Timestamp::now();
        if app.global.json {
            output::json_line(&json!({ "at": now, "health": self }))
        } else {
            output::data(&format!("{} {self}", moment(now)))
        }
    }
}
