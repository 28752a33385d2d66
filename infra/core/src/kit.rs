//! What a kit says of itself: the file [`FILE`] at the root of its tree, which the agent and everybody else go by.

mod substitute;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::substitute::{BadValue, SubstituteError, check_value, substitute};
use crate::spec::KitProfile;

/// Where a kit's tree holds its [`KitManifest`].
pub const FILE: &str = "kit.json";
/// Where a kit's tree holds the objects that start it: the tree's `OCIRepository` and the root [`ROOT`]. Whoever installs
/// the kit substitutes its variables, [`DIGEST`] and [`PROFILE`] among them, and applies it last.
pub const ROOT_FILE: &str = "root.yaml";
/// Name of the root's Kustomization, of the tree's `OCIRepository`, and of the `ConfigMap` with the variables' values.
pub const ROOT: &str = "sovereign";
/// Namespace of everything that Flux reads.
pub const NAMESPACE: &str = "flux-system";
/// The variable of [`ROOT_FILE`] that is the digest of the tree's manifest, `sha256:...`.
pub const DIGEST: &str = "KIT_DIGEST";
/// The variable of [`ROOT_FILE`] that is the profile.
pub const PROFILE: &str = "KIT_PROFILE";
/// Where every node's agent serves the node registry, to pods as well: an address of the node itself.
pub const REGISTRY: &str = "169.254.20.20:5443";
/// Repository of the tree in the node registry.
pub const REPOSITORY: &str = "sovereign/kit";
/// Folder of the charts' repositories in the node registry: `charts/<component>`.
pub const CHARTS: &str = "charts";
/// Secret in [`NAMESPACE`] whose `ca.crt` is the CA of the node registry.
pub const REGISTRY_CA: &str = "registry-ca";
/// Secret in [`NAMESPACE`] whose `cosign.pub` is the key that the kit is signed by.
pub const PUBLIC_KEY: &str = "cosign-pub";

/// A kit: what it is made of, what it needs, and what proves that it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KitManifest {
    /// Name of the kit.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The k3s release that it is made for, such as `v1.35.7+k3s1`.
    pub k3s: String,
    /// What has to have a value, by name. Its text says what the value is.
    pub variables: BTreeMap<String, String>,
    /// Secrets that are made at install and applied before Flux runs.
    pub secrets: Vec<GeneratedSecret>,
    /// What is applied before Flux runs, in this order.
    pub seeds: Vec<Seed>,
    /// All components, each after those it depends on; seeds are among them.
    pub components: Vec<Component>,
}

impl KitManifest {
    /// The components of a profile, each after those it depends on.
    pub fn components(&self, profile: KitProfile) -> impl Iterator<Item = &Component> {
        self.components
            .iter()
            .filter(move |one| one.profile.is_in(profile))
    }

    /// The secrets of a profile.
    pub fn secrets(&self, profile: KitProfile) -> impl Iterator<Item = &GeneratedSecret> {
        self.secrets.iter().filter(move |one| one.profile.is_in(profile))
    }

    /// Names of the Flux Kustomizations in [`NAMESPACE`] that a Sovereign of this profile has: these and no others. The
    /// root is the first, then each comes after those it depends on.
    pub fn kustomizations(&self, profile: KitProfile) -> Vec<&str> {
        let components = self.components(profile).map(|one| one.name.as_str());
        std::iter::once(ROOT).chain(components).collect()
    }
}

/// Which Sovereigns have a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Membership {
    /// All.
    #[default]
    Core,
    /// Those of the profile `extended`.
    Extended,
}

impl Membership {
    /// Whether a Sovereign of a profile has it.
    pub fn is_in(self, profile: KitProfile) -> bool {
        self == Self::Core || profile == KitProfile::Extended
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Extended => "extended",
        }
    }
}

/// A Secret with random values. Each is 64 lower-case hexadecimal digits of 256 random bits, made once and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeneratedSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who has it.
    #[serde(default)]
    pub profile: Membership,
    /// Keys that get a random value.
    pub keys: Vec<String>,
    /// Keys whose value is no secret, such as a user's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, String>,
}

/// A component that is applied before Flux runs. Flux then applies the very same objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seed {
    /// Name of the component.
    pub name: String,
    /// Its folder in the tree. See [`Seed::file`].
    pub path: String,
    /// What proves that it runs, all of it.
    pub proofs: Vec<Proof>,
}

impl Seed {
    /// The file in the tree with its objects for a profile, in the order in which they are applied.
    pub fn file(&self, profile: KitProfile) -> String {
        format!("{}/{}/objects.yaml", self.path, profile.size())
    }
}

/// A part of the kit: one Flux Kustomization of the same name in [`NAMESPACE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Who has it.
    pub profile: Membership,
    /// Components that have to be ready before.
    pub depends_on: Vec<String>,
    /// Digest of its chart's manifest in the repository `charts/<name>`, if Flux makes a release of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
    /// What proves that it runs, all of it.
    pub proofs: Vec<Proof>,
}

/// An observation of the cluster that shows that something runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "proof",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Proof {
    /// An object has a condition, observed at its present generation.
    Condition {
        /// Such as `fluxcd.controlplane.io/v1`.
        api_version: String,
        /// Such as `FluxInstance`.
        kind: String,
        /// None if the kind has no namespaces.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// Name of the object.
        name: String,
        /// Such as `Ready`.
        r#type: String,
        /// `True`, `False` or `Unknown`.
        status: String,
    },
    /// Every replica that is wanted runs at the present generation, and there is at least one.
    Rollout {
        /// Of what kind.
        kind: Workload,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A `CustomResourceDefinition` is served.
    Established {
        /// Its name, such as `gateways.gateway.networking.k8s.io`.
        name: String,
    },
    /// A `PersistentVolumeClaim` has its volume.
    Bound {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Kinds that run pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Workload {
    /// `apps/v1` `Deployment`.
    Deployment,
    /// `apps/v1` `DaemonSet`.
    DaemonSet,
    /// `apps/v1` `StatefulSet`.
    StatefulSet,
}

impl Workload {
    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::DaemonSet => "DaemonSet",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition {
                kind,
                namespace,
                name,
                r#type,
                status,
                ..
            } => match namespace {
                Some(namespace) => write!(f, "{kind} {namespace}/{name} has {type}={status}"),
                None => write!(f, "{kind} {name} has {type}={status}"),
            },
            Self::Rollout {
                kind,
                namespace,
                name,
            } => write!(f, "{} {namespace}/{name} is rolled out", kind.as_str()),
            Self::Established { name } => write!(f, "CustomResourceDefinition {name} is served"),
            Self::Bound { namespace, name } => {
                write!(f, "PersistentVolumeClaim {namespace}/{name} is bound")
            }
        }
    }
}

impl KitProfile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Solo, Self::Ha, Self::Extended];

    /// Its name, which is also its folder under `profiles/` in a kit's tree.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Ha => "ha",
            Self::Extended => "extended",
        }
    }

    /// How large its components are: `solo` or `ha`. It is their folder in a kit's tree.
    pub fn size(self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Ha | Self::Extended => "ha",
        }
    }
}

#[cfg(test)]
mod tests;
