//! Where something is on the network: `oci://host/repository:tag@digest`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::Digest;
use crate::name::{BadName, Repository, Tag, Target, Version};

/// The registry of names without a host, and the folder of those without a folder.
const HUB: &str = "docker.io";
const HUB_FOLDER: &str = "library";

/// An artifact in a registry. It names a tag, a digest, or both; then the digest counts, and the tag is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    host: String,
    repository: Repository,
    pin: Pin,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Pin {
    Tag(Tag),
    Digest(Digest),
    Both(Tag, Digest),
}

/// A text that refers to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` refers to no artifact: {why}")]
pub struct BadReference {
    text: String,
    why: String,
}

impl Reference {
    /// Host and perhaps port of the registry.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository there.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag.
    pub fn tag(&self) -> Option<&Tag> {
        match &self.pin {
            Pin::Tag(tag) | Pin::Both(tag, _) => Some(tag),
            Pin::Digest(_) => None,
        }
    }

    /// The digest of the manifest.
    pub fn digest(&self) -> Option<Digest> {
        match self.pin {
            Pin::Digest(digest) | Pin::Both(_, digest) => Some(digest),
            Pin::Tag(_) => None,
        }
    }

    /// The same, pinned to a manifest.
    #[must_use]
    pub fn pinned(mut self, digest: Digest) -> Self {
        self.pin = match self.pin {
            Pin::Tag(tag) | Pin::Both(tag, _) => Pin::Both(tag, digest),
            Pin::Digest(_) => Pin::Digest(digest),
        };
        self
    }

    /// What is asked for at the registry: the digest where there is one.
    pub fn version(&self) -> Version {
        match &self.pin {
            Pin::Tag(tag) => Version::Tag(tag.clone()),
            Pin::Digest(digest) | Pin::Both(_, digest) => Version::Digest(*digest),
        }
    }

    /// The repository that holds a copy of this in a layout: host and repository, a port's `:` written `_`. A registry that
    /// serves the layout finds it again by the `ns` parameter that containerd sends to mirrors.
    pub fn copy(&self) -> Result<Repository, BadName> {
        copy_of(&self.host, self.repository.as_str())
    }

    /// The manifest's name in a layout that holds a copy.
    pub fn copy_target(&self) -> Result<Target, BadName> {
        let repository = self.copy()?;
        let version = self.tag().cloned().map_or_else(|| self.version(), Version::Tag);
        Ok(Target { repository, version })
    }
}

/// See [`Reference::copy`].
pub(crate) fn copy_of(host: &str, repository: &str) -> Result<Repository, BadName> {
    let host = host.to_ascii_lowercase().replace(':', "_");
    format!("{host}/{repository}").parse()
}

impl FromStr for Reference {
    type Err = BadReference;

    /// Reads a reference as people and manifests write it: `oci://` in front is allowed, a name without a host is Docker Hub's.
    /// A name without tag and digest is refused, because it means another thing tomorrow.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let bad = |why: String| BadReference {
            text: text.to_owned(),
            why,
        };
        let rest = text.strip_prefix("oci://").unwrap_or(text);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (
                rest,
                Some(
                    digest
                        .parse()
                        .map_err(|e: crate::digest::BadDigest| bad(e.to_string()))?,
                ),
            ),
            None => (rest, None),
        };
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (rest, tag) = match rest[slash..].find(':') {
            Some(at) => {
                let tag = rest[slash + at + 1..].parse();
                (
                    &rest[..slash + at],
                    Some(tag.map_err(|e: BadName| bad(e.to_string()))?),
                )
            }
            None => (rest, None),
        };
        let pin = match (tag, digest) {
            (Some(tag), Some(digest)) => Pin::Both(tag, digest),
            (Some(tag), None) => Pin::Tag(tag),
            (None, Some(digest)) => Pin::Digest(digest),
            (None, None) => return Err(bad("it needs a tag or, better, a digest".to_owned())),
        };
        let (host, repository) = located(rest);
        if !is_host(&host) {
            return Err(bad(format!("`{host}` is no host")));
        }
        Ok(Self {
            host,
            repository: repository.parse().map_err(|e: BadName| bad(e.to_string()))?,
            pin,
        })
    }
}

/// Host and repository of a name that may have no host.
fn located(name: &str) -> (String, String) {
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            (host.to_owned(), rest.to_owned())
        }
        Some(_) => (HUB.to_owned(), name.to_owned()),
        None => (HUB.to_owned(), format!("{HUB_FOLDER}/{name}")),
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "1"));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(label) && port.parse::<u16>().is_ok_and(|port| port != 0)
}

impl TryFrom<String> for Reference {
    type Error = BadReference;

    fn try_from(text: String) -> Result<Self, BadReference> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.host, self.repository)?;
        if let Some(tag) = self.tag() {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest() {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
