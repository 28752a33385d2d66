//! What can be made to go wrong, at run time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::{HostFaults, Stage};

/// What a fault does to a request it matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum FaultEffect {
    /// Answers with an error and does nothing.
    Error {
        /// HTTP status.
        status: u16,
        /// The API's code.
        code: String,
    },
    /// Drops the connection before anything is done.
    DropRequest,
    /// Does what was asked and drops the connection.
    DropResponse,
    /// Answers later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The action ends in error; a server stays behind half-made.
    ActionFails {
        /// The action error's code.
        code: String,
    },
    /// The action cannot be found afterwards.
    ActionVanishes,
    /// The action takes longer.
    ActionSlow {
        /// Times as long.
        factor: f64,
    },
    /// The server comes up without its private networks.
    NoPrivateNic,
    /// The host's firmware takes longer. This and what follows needs real hosts.
    SlowBoot {
        /// Seconds between power and the first sign of life.
        seconds: u64,
    },
    /// The host has power and never comes up.
    DeadBoot,
    /// A stage of the host's cloud-init fails, and what needs it does not run.
    CloudInitFails {
        /// Which.
        stage: Stage,
    },
    /// The host's clock is off; for virtual machines only.
    ClockOff {
        /// By so many seconds.
        seconds: i64,
    },
    /// The host's disk is full.
    DiskFull {
        /// But for so many MiB.
        left_mib: u64,
    },
    /// The host's public NIC has no carrier.
    NoPublicLink,
    /// The host's private NICs have no carrier.
    NoPrivateLink,
    /// Once the host has its user data, a route sends metadata into the private network.
    WrongMetadataRoute,
}

impl FaultEffect {
    /// Notes what is wrong with a host; false for effects that concern none.
    pub(crate) fn note(&self, host: &mut HostFaults) -> bool {
        match self {
            Self::SlowBoot { seconds } => host.slow_seconds = *seconds,
            Self::DeadBoot => host.dead = true,
            Self::CloudInitFails { stage } => host.cloud_init_fails = Some(*stage),
            Self::ClockOff { seconds } => host.clock_offset = *seconds,
            Self::DiskFull { left_mib } => host.disk_left_mib = Some(*left_mib),
            Self::NoPublicLink => host.cut_public = true,
            Self::NoPrivateLink => host.cut_private = true,
            Self::WrongMetadataRoute => host.metadata_route = true,
            _ => return false,
        }
        true
    }
}

/// A fault and the requests it matches. Fields left out match everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Name to switch it off by.
    pub name: String,
    /// HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// Beginning of the path behind `/v1`, for example `/servers`.
    #[serde(default)]
    pub path: Option<String>,
    /// Text the `name` in the body contains.
    #[serde(default)]
    pub resource: Option<String>,
    /// `server_type` in the body.
    #[serde(default)]
    pub server_type: Option<String>,
    /// `location` in the body.
    #[serde(default)]
    pub location: Option<String>,
    /// Matches let through before it strikes.
    #[serde(default)]
    pub after: u32,
    /// Times it strikes; always without.
    #[serde(default)]
    pub times: Option<u32>,
    /// What it does.
    #[serde(flatten)]
    pub effect: FaultEffect,
}

impl Fault {
    /// Strikes every request with a method whose path begins so.
    pub fn on(name: &str, method: &str, path: &str, effect: FaultEffect) -> Self {
        Self {
            name: name.into(),
            method: Some(method.into()),
            path: Some(path.into()),
            resource: None,
            server_type: None,
            location: None,
            after: 0,
            times: None,
            effect,
        }
    }

    /// Strikes at most so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, method: &str, path: &str, body: &Value) -> bool {
        let field = |wanted: &Option<String>, name: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| body.get(name).and_then(Value::as_str) == Some(wanted))
        };
        self.method
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .as_ref()
                .is_none_or(|wanted| path.starts_with(wanted.as_str()))
            && self.resource.as_ref().is_none_or(|wanted| {
                body.get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|name| name.contains(wanted.as_str()))
            })
            && field(&self.server_type, "server_type")
            && field(&self.location, "location")
    }
}

/// The faults that are on.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn set(&mut self, fault: Fault) {
        self.clear(Some(&fault.name));
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self, name: Option<&str>) {
        self.0.retain(|fault| name.is_some_and(|name| fault.name != name));
    }

    pub(crate) fn list(&self) -> &[Fault] {
        &self.0
    }

    /// The effects that strike a request, having counted it.
    pub(crate) fn strike(&mut self, method: &str, path: &str, body: &Value) -> Vec<FaultEffect> {
        let mut effects = Vec::new();
        for fault in self
            .0
            .iter_mut()
            .filter(|fault| fault.matches(method, path, body))
        {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.times != Some(0) {
                fault.times = fault.times.map(|times| times - 1);
                effects.push(fault.effect.clone());
            }
        }
        effects
    }
}
