//! Which node of which Sovereign.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use thiserror::Error;

/// A text that names no node.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` names no node; it is `SOVEREIGN/SERVER`")]
pub struct NotANode(String);

/// Which node of which Sovereign: `acme/acme-eu-cp-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId {
    /// The Sovereign.
    pub sovereign: SovereignName,
    /// The server's name in the plan.
    pub node: String,
}

impl NodeId {
    /// The identity that stands in the node's certificate: `spiffe://acme/node/acme-eu-cp-1`.
    pub fn uri(&self) -> String {
        format!("spiffe://{}/node/{}", self.sovereign, self.node)
    }

    /// Reads [`Self::uri`].
    pub fn from_uri(uri: &str) -> Result<Self, NotANode> {
        let rest = uri.strip_prefix("spiffe://").unwrap_or_default();
        let parts = rest.split_once("/node/");
        parts.and_then(Self::of).ok_or_else(|| NotANode(uri.to_owned()))
    }

    fn of((sovereign, node): (&str, &str)) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let named = (1..=253).contains(&node.len()) && node.chars().all(allowed);
        let sovereign = sovereign.parse().ok()?;
        named.then(|| Self {
            sovereign,
            node: node.to_owned(),
        })
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.sovereign, self.node)
    }
}

impl FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        let parts = text.split_once('/');
        parts.and_then(Self::of).ok_or_else(|| NotANode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_as_it_was_written() {
        let node: NodeId = "acme/acme-eu-cp-1".parse().unwrap();
        assert_eq!(node.to_string(), "acme/acme-eu-cp-1");
        assert_eq!(NodeId::from_uri(&node.uri()), Ok(node));
    }

    #[test]
    fn what_could_break_out_of_a_path_or_a_command_is_no_node() {
        for text in [
            "acme",
            "acme/",
            "/n",
            "acme/a b",
            "acme/../x",
            "acme/x/y",
            "acme/$(x)",
            "A/x",
            "acme/x\n",
        ] {
            assert!(text.parse::<NodeId>().is_err(), "{text:?}");
        }
        for uri in [
            "acme/node/x",
            "spiffe://acme/x",
            "https://acme/node/x",
            "spiffe://acme/node/x/node/y",
        ] {
            assert!(NodeId::from_uri(uri).is_err(), "{uri:?}");
        }
    }
}
