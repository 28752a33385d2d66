//! What a request's path asks for.

use crate::digest::Digest;
use crate::name::{Repository, Version};

use super::refusal::Refusal;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `/v2/`: whether this is a registry.
    Base,
    /// Something in a repository.
    In(Repository, What),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Manifest(Version),
    Blob(Digest),
    Tags,
    Referrers(Digest),
}

impl Asked {
    /// Reads a path. A repository's name may have any number of parts, so a path is read from its end.
    pub(super) fn read(path: &str) -> Result<Self, Refusal> {
        let rest = path.strip_prefix("/v2").ok_or(Refusal::NoSuchPath)?;
        if matches!(rest, "" | "/") {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').ok_or(Refusal::NoSuchPath)?;
        let (rest, last) = rest.rsplit_once('/').ok_or(Refusal::NoSuchPath)?;
        let (name, kind) = rest.rsplit_once('/').ok_or(Refusal::NoSuchPath)?;
        let what = match (kind, last) {
            ("manifests", version) => What::Manifest(version.parse().map_err(|error| {
                if version.contains(':') {
                    Refusal::bad_digest(&error)
                } else {
                    Refusal::bad_tag(&error)
                }
            })?),
            ("blobs", digest) => What::Blob(digest.parse().map_err(|error| Refusal::bad_digest(&error))?),
            ("referrers", digest) => {
                What::Referrers(digest.parse().map_err(|error| Refusal::bad_digest(&error))?)
            }
            ("tags", "list") => What::Tags,
            // Where a write would begin. It is said to be refused, not to be unknown.
            ("uploads", _) => return Err(Refusal::ReadOnly),
            _ => return Err(Refusal::NoSuchPath),
        };
        let name = name.parse().map_err(|error| Refusal::bad_name(&error))?;
        Ok(Self::In(name, what))
    }
}
