//! The gate: what a cloud takes, and how much of it we allow ourselves.

use std::fmt;

use serde::{Deserialize, Serialize};
use sovereign_core::host::HostRole;
use thiserror::Error;

use crate::user_data::{Encoding, Part, UserData};

/// Parts that a refusal names.
const NAMED: usize = 3;

/// What a cloud takes as user data. The budget stays below the limit, so that a template which grows is seen before a
/// cloud refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most bytes that we send.
    pub bytes: usize,
    /// Most bytes that the cloud takes.
    pub limit: usize,
    /// How they travel.
    pub encoding: Encoding,
    /// What the cloud counts.
    pub counted: Counted,
}

/// What a cloud counts against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The text as sent.
    Text,
    /// What base64 holds.
    Decoded,
}

/// How much of a budget is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// What the host does.
    pub role: HostRole,
    /// Bytes as the cloud counts them.
    pub bytes: usize,
    /// Most bytes that we send.
    pub budget: usize,
    /// Most bytes that the cloud takes.
    pub limit: usize,
}

/// User data are larger than their budget.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "user data too large: {meter}, {} too many; biggest parts: {}; shorten these: fewer SSH keys, or Ed25519 in place of RSA",
    .meter.bytes - .meter.budget,
    list(.biggest)
)]
pub struct TooLarge {
    /// How much there is.
    pub meter: Meter,
    /// The biggest parts, biggest first.
    pub biggest: Vec<Part>,
}

impl Budget {
    /// Hetzner Cloud stores text and counts it; base64 makes 24 KiB of 18 KiB of gzip.
    pub const fn hetzner() -> Self {
        Self {
            bytes: 24 * 1024,
            limit: 32_768,
            encoding: Encoding::GzipBase64,
            counted: Counted::Text,
        }
    }

    /// Amazon EC2 wants base64 and counts what it holds.
    pub const fn aws() -> Self {
        Self {
            bytes: 12 * 1024,
            limit: 16_384,
            encoding: Encoding::GzipBase64,
            counted: Counted::Decoded,
        }
    }

    /// Lets user data pass that are within the budget.
    pub fn check(&self, user_data: &UserData) -> Result<Meter, TooLarge> {
        let meter = Meter {
            role: user_data.role(),
            bytes: match self.counted {
                Counted::Text => user_data.size(),
                Counted::Decoded => user_data.decoded_size(),
            },
            budget: self.bytes,
            limit: self.limit,
        };
        if meter.bytes <= meter.budget {
            return Ok(meter);
        }
        let mut biggest = user_data.parts();
        biggest.truncate(NAMED);
        Err(TooLarge { meter, biggest })
    }
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            HostRole::FirstControlPlane => "first control plane",
            HostRole::ControlPlane => "control plane",
            HostRole::Worker => "worker",
        };
        let Self {
            bytes, budget, limit, ..
        } = self;
        write!(f, "{role} {bytes} of {budget} bytes (the cloud takes {limit})")
    }
}

fn list(parts: &[Part]) -> String {
    let words: Vec<String> = parts
        .iter()
        .map(|part| format!("`{}` {} bytes", part.name, part.bytes))
        .collect();
    words.join(", ")
}
