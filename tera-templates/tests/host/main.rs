//! User data as a host gets them: whole texts, hostile values, the gate, the judgement of the real tools.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod fetch_agent;
mod gate;
mod hostile;
mod stand_ins;
mod texts;

use sovereign_core::host::HostRole;
use sovereign_templates::{CloudInit, Encoding, Reach, UserData, filler};

const ROLES: [HostRole; 3] = [
    HostRole::FirstControlPlane,
    HostRole::ControlPlane,
    HostRole::Worker,
];

/// SHA-256 of nothing; stands for an agent's.
const AGENT: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A host as most are.
fn host(role: HostRole, reach: Reach) -> CloudInit {
    CloudInit {
        hostname: "acme-eu-1".into(),
        sovereign: "acme".parse().unwrap(),
        organization: "ACME GmbH & Söhne".into(),
        fqdn: Some("acme.example.com".into()),
        role,
        authorized_keys: vec![
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ ops@acme"
                .into(),
        ],
        reach,
    }
}

/// Both ways an agent comes to a host.
fn reaches() -> [(&'static str, Reach); 2] {
    let https = filler::https("https://192.0.2.10:8443", AGENT);
    [("https", https), ("ssh", filler::ssh())]
}

fn plain(input: &CloudInit) -> String {
    UserData::render(input, Encoding::Plain)
        .unwrap()
        .expose()
        .to_owned()
}
