//! What a Sovereign is fetched from: artifacts in an OCI layout on disk, signed, and served by a registry on its nodes.
//!
//! ```text
//!  registries ── client ──►                        ┌── registry ──► containerd, Flux, Helm
//!  folders, charts ── artifact ──►  layout on disk ┤
//!  keys ── signature ──►                           └── verify, sweep
//! ```
//!
//! | module | concept | feature |
//! | --- | --- | --- |
//! | [`digest`] | the SHA-256 that names a blob | |
//! | [`name`] | repositories, tags, targets | |
//! | [`reference`](mod@reference) | `oci://host/repository:tag@digest` | |
//! | [`layout`] | an OCI image layout on disk: put, resolve, verify, sweep | |
//! | [`archive`] | a layout in one file, packed and unpacked | |
//! | [`artifact`] | Flux artifacts and Helm charts, made and read back | |
//! | [`kit`] | a packed kit: found, read, its signatures checked |
//! | [`signature`] | cosign's signatures, by a key that lies still | |
//! | `certificate` | a CA for the registries and their certificates | `certificate` |
//! | `registry` | a read-only registry over a layout | `registry` |
//! | `client` | pulls from registries on the network | `client` |
//! | `download` | one file from the web into a folder, under its digest | `client` |
//!
//! The agent links this: what only the installer needs is behind a feature.

pub mod archive;
pub mod artifact;
mod canonical;
#[cfg(feature = "certificate")]
pub mod certificate;
#[cfg(feature = "client")]
pub mod client;
pub mod digest;
#[cfg(feature = "client")]
pub mod download;
pub mod kit;
pub mod layout;
pub mod name;
pub mod reference;
#[cfg(feature = "registry")]
pub mod registry;
pub mod signature;

pub use {
    digest::Digest,
    layout::Layout,
    name::{Repository, Tag, Target, Version},
    reference::Reference,
};
