//! An SSH host key that nobody else knows. The first one may have come with the user data, so the installer knew it, and
//! so may others.
//!
//! The key is made and put aside, and taken into use only when the installer says so: by then it has noted the new one, and
//! whatever breaks in between, it still knows the host.

use serde::{Deserialize, Serialize};

use crate::converge::reload_ssh;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::state;

const NOTE: &str = "/var/lib/sovereign-agent/host-key.json";
const ASIDE: &str = "/var/lib/sovereign-agent/host-key";
const ASIDE_PUBLIC: &str = "/var/lib/sovereign-agent/host-key.pub";
const IN_USE: &str = "/etc/ssh/ssh_host_ed25519_key";
const IN_USE_PUBLIC: &str = "/etc/ssh/ssh_host_ed25519_key.pub";
/// Kinds that a system makes at its first boot besides; nobody has noted them.
const OTHERS: [&str; 3] = ["rsa", "ecdsa", "dsa"];

/// The host key that was made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnKey {
    /// The public key in OpenSSH form.
    pub(crate) public: String,
    /// How far it has come.
    pub(crate) stage: Stage,
}

/// How far a host key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// Put aside.
    Made,
    /// The installer has noted it: it is to be used.
    Wanted,
    /// The SSH server uses it and no other.
    InUse,
}

impl OwnKey {
    /// The key that was made here, if any.
    pub(crate) fn load(host: &Host) -> Result<Option<Self>, Fault> {
        state::read_json(&host.root, NOTE)
    }

    /// The key that was made here, or a new one.
    pub(crate) async fn make(host: &Host) -> Result<Self, Fault> {
        if let Some(key) = Self::load(host)? {
            return Ok(key);
        }
        for path in [ASIDE, ASIDE_PUBLIC] {
            disk::remove(&host.root.path(path)).or_fault("removing", path)?;
        }
        let path = host.root.path(ASIDE).display().to_string();
        let remedy = "put the package `openssh-client` into the image";
        host.must(
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &path],
            remedy,
        )
        .await?;
        let public = host.root.read(ASIDE_PUBLIC).or_fault("reading", ASIDE_PUBLIC)?;
        let key = Self {
            public: public.unwrap_or_default().trim().to_owned(),
            stage: Stage::Made,
        };
        key.save(host)?;
        Ok(key)
    }

    /// Lets the SSH server use the key and no other. What a crash cuts off goes on at the next start.
    pub(crate) async fn put_to_use(host: &Host) -> Result<(), Fault> {
        let Some(mut key) = Self::load(host)? else {
            return Err(Fault::new(
                "no host key was made here that could be used",
                "ask for one first",
            ));
        };
        if key.stage == Stage::InUse {
            return Ok(());
        }
        key.stage = Stage::Wanted;
        key.save(host)?;
        // Gone if a crash came after it was removed below; then it is in its place already.
        if let Some(private) = host.root.read_bytes(ASIDE).or_fault("reading", ASIDE)? {
            disk::write(&host.root.path(IN_USE), &private, 0o600).or_fault("writing", IN_USE)?;
            let public = format!("{}\n", key.public);
            disk::write(&host.root.path(IN_USE_PUBLIC), public.as_bytes(), 0o644)
                .or_fault("writing", IN_USE_PUBLIC)?;
        }
        for kind in OTHERS {
            for end in ["", ".pub"] {
                let path = format!("/etc/ssh/ssh_host_{kind}_key{end}");
                disk::remove(&host.root.path(&path)).or_fault("removing", &path)?;
            }
        }
        reload_ssh(host).await?;
        for path in [ASIDE, ASIDE_PUBLIC] {
            disk::remove(&host.root.path(path)).or_fault("removing", path)?;
        }
        key.stage = Stage::InUse;
        key.save(host)
    }

    fn save(&self, host: &Host) -> Result<(), Fault> {
        state::write_json(&host.root, NOTE, self)
    }
}
