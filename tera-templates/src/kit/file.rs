//! The files of a kit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sovereign_core::kit::{GeneratedSecret, Membership, Proof};

/// `kit.yaml`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KitFile {
    /// Name of the kit.
    pub name: String,
    /// A kit to start from. This file and the folder `components` add to it and replace parts of it.
    pub extends: Option<Base>,
    /// Version of the kit.
    pub version: Option<String>,
    /// The k3s release that the kit is made for, such as `v1.35.7+k3s1`.
    pub k3s: Option<String>,
    /// What has to have a value when the kit is installed: what the value is, by name.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Secrets with random values, made when the kit is installed.
    #[serde(default)]
    pub secrets: Vec<GeneratedSecret>,
    /// Hosts outside the Sovereign that it speaks to when it runs: why, by host.
    #[serde(default)]
    pub outside: BTreeMap<String, String>,
    /// Charts in place of those of the kit to start from, by component.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ChartFile>")]
    pub charts: BTreeMap<String, Chart>,
    /// Components of the kit to start from that are left out.
    #[serde(default)]
    pub without: BTreeSet<String>,
}

/// A kit to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Base {
    /// The one in this program.
    Default,
}

/// `components/<name>.yaml`. The name of the file is the name of the component, of its Kustomization and of its release.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComponentFile {
    /// What it is, in one line.
    pub about: String,
    /// Its namespace. The first component of a namespace makes it.
    pub namespace: String,
    /// Which Sovereigns have it.
    #[serde(default)]
    pub profile: Membership,
    /// Components that have to be ready before.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// It is applied before Flux runs, and Flux then applies the very same objects.
    #[serde(default)]
    pub seed: bool,
    /// Flux removes what the kit no longer has. Never on for what everything else stands on. Namespaces and custom resource
    /// definitions stay in any case.
    #[serde(default = "yes")]
    pub prune: bool,
    /// How long it may take to be ready, such as `10m`.
    #[serde(default = "ten_minutes")]
    pub timeout: String,
    /// Its Helm chart.
    #[serde(default)]
    #[schemars(with = "Option<ChartFile>")]
    pub chart: Option<Chart>,
    /// Values of the chart.
    #[serde(default)]
    #[schemars(with = "Sizes<BTreeMap<String, Value>>")]
    pub values: Sizes<Value>,
    /// Objects beside the chart's or in its place. An object of a size is merged over the common one of the same kind,
    /// namespace and name.
    #[serde(default)]
    pub manifests: Sizes<Vec<Value>>,
    /// API groups of custom resources that are served once it is ready.
    #[serde(default)]
    pub provides: BTreeSet<String>,
    /// What proves that it runs. All of it has to be seen.
    pub proofs: Vec<Proof>,
}

fn yes() -> bool {
    true
}

fn ten_minutes() -> String {
    "10m".to_owned()
}

/// What all sizes have, and what one of them has besides.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sizes<T: Default> {
    /// Every size.
    #[serde(default)]
    pub common: T,
    /// A Sovereign with one control plane server.
    #[serde(default)]
    pub solo: T,
    /// A Sovereign with three.
    #[serde(default)]
    pub ha: T,
}

/// Where a chart comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ChartFile")]
pub enum Chart {
    /// A registry.
    Oci {
        /// Host and repository, such as `oci://quay.io/jetstack/charts/cert-manager`.
        oci: String,
        /// Version of the chart.
        version: String,
        /// Digest of the chart's manifest, `sha256:...`.
        digest: Option<String>,
    },
    /// A folder.
    Path {
        /// The folder. In a file it counts from the kit's folder.
        path: PathBuf,
    },
}

/// A chart as it is written: `oci` and `version`, or `path`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChartFile {
    /// Host and repository in a registry, such as `oci://quay.io/jetstack/charts/cert-manager`.
    oci: Option<String>,
    /// Version of the chart there.
    version: Option<String>,
    /// Digest of the chart's manifest there, `sha256:...`.
    digest: Option<String>,
    /// A folder with the chart; it counts from the kit's folder.
    path: Option<PathBuf>,
}

impl TryFrom<ChartFile> for Chart {
    type Error = &'static str;

    fn try_from(file: ChartFile) -> Result<Self, Self::Error> {
        match file {
            ChartFile {
                oci: Some(oci),
                version: Some(version),
                digest,
                path: None,
            } => Ok(Self::Oci { oci, version, digest }),
            ChartFile {
                oci: None,
                version: None,
                digest: None,
                path: Some(path),
            } => Ok(Self::Path { path }),
            _ => Err("a chart has `oci` and `version` and perhaps `digest`, or else `path`"),
        }
    }
}
