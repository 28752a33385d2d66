//! What the agent keeps on the host's disk, and where.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;

/// Folder of the agent's configuration.
pub const CONFIG_DIR: &str = "/etc/sovereign-agent";
/// Folder of everything else; for root alone.
pub const STATE_DIR: &str = "/var/lib/sovereign-agent";
/// The event ledger.
pub const EVENTS: &str = "/var/lib/sovereign-agent/events.jsonl";
/// What the host is to be.
pub const HOST: Slot = Slot {
    desired: "/var/lib/sovereign-agent/desired.json",
    applied: "/var/lib/sovereign-agent/applied",
};
/// What its registry is to serve.
pub const REGISTRY: Slot = Slot {
    desired: "/var/lib/sovereign-agent/registry.json",
    applied: "/var/lib/sovereign-agent/registry-applied",
};
/// What it is to run of the cluster.
pub const K3S: Slot = Slot {
    desired: "/var/lib/sovereign-agent/k3s.json",
    applied: "/var/lib/sovereign-agent/k3s-applied",
};
/// The kit that it is to bring into the cluster.
pub const KIT: Slot = Slot {
    desired: "/var/lib/sovereign-agent/kit.json",
    applied: "/var/lib/sovereign-agent/kit-applied",
};
/// What it is to prove before it lets go.
pub const HAND_OFF: Slot = Slot {
    desired: "/var/lib/sovereign-agent/hand-off.json",
    applied: "/var/lib/sovereign-agent/handed-off",
};
/// There once the agent was told to leave.
pub const LEAVING: &str = "/var/lib/sovereign-agent/leaving";
/// Where `link` finds the daemon.
pub const SOCKET: &str = "/run/sovereign-agent/link.sock";

/// Reads the JSON document at `path`, or `None` if there is none.
pub(crate) fn read_json<T: DeserializeOwned>(root: &Root, path: &str) -> Result<Option<T>, Fault> {
    let Some(text) = root.read(path).or_fault("reading", path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Fault::new(
            format!("`{path}` cannot be read: {error}"),
            "it was written by another version or damaged: let the installer install the agent again",
        )
    })
}

/// Writes a JSON document that only root can read.
pub(crate) fn write_json<T: Serialize>(root: &Root, path: &str, value: &T) -> Result<(), Fault> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| {
        Fault::new(
            format!("`{path}` cannot be written: {error}"),
            "please report this",
        )
    })?;
    disk::write(&root.path(path), &bytes, 0o600).or_fault("writing", path)
}

/// What is wanted of a kind of document, and how far it is.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The document that is wanted. Written before anything is done about it.
    pub desired: &'static str,
    /// Digest of the document that was made true last, and whole.
    pub applied: &'static str,
}

impl Slot {
    /// What is wanted, if an installer ever said.
    pub fn desired<D: DeserializeOwned>(&self, root: &Root) -> Result<Option<D>, Fault> {
        read_json(root, self.desired)
    }

    /// Notes what is wanted.
    pub fn set_desired<D: Serialize>(&self, root: &Root, document: &D) -> Result<(), Fault> {
        write_json(root, self.desired, document)
    }

    /// Digest of the document that was made true last, and whole.
    pub fn applied(&self, root: &Root) -> Result<Option<String>, Fault> {
        let text = root.read(self.applied).or_fault("reading", self.applied)?;
        Ok(text
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()))
    }

    /// Notes that the document with this digest is true, or that none is, whole.
    pub fn set_applied(&self, root: &Root, digest: Option<&str>) -> Result<(), Fault> {
        let path = root.path(self.applied);
        match digest {
            Some(digest) => disk::write(&path, digest.as_bytes(), 0o600),
            None => disk::remove(&path).map(drop),
        }
        .or_fault("writing", self.applied)
    }
}

#[cfg(test)]
mod tests {
    use sovereign_core::hand_off::{CloudToken, HandOffOrder};
    use sovereign_core::k3s::JoinToken;
    use sovereign_core::secret::SentSecret;

    use super::*;
    use crate::testing::Bench;

    /// What an order says of secrets has to survive the death of the agent, and is for root alone.
    #[test]
    fn an_order_with_secrets_is_kept_whole_and_for_root_alone() {
        let test = Bench::new();
        let root = &test.host.root;
        let order = HandOffOrder {
            nodes: vec!["acme-fsn-cp-1".into()],
            api: "https://127.0.0.1:6443".into(),
            recipients: Vec::new(),
            inventory: String::new(),
            old_token: JoinToken::new("canary-join"),
            cloud_token: Some(CloudToken {
                token: SentSecret::new("canary-cloud"),
                network: None,
            }),
        };
        HAND_OFF.set_desired(root, &order).unwrap();
        let kept: HandOffOrder = HAND_OFF.desired(root).unwrap().unwrap();
        assert_eq!(kept, order);
        assert_eq!(disk::mode(&root.path(HAND_OFF.desired)).unwrap(), 0o600);
        assert!(!format!("{kept:?}").contains("canary"));
    }
}
