//! A kit: what a Sovereign is made of above k3s, as data.
//!
//! ```text
//!  kit.yaml, components/*.yaml ──► Kit ──► render ──► files: the tree that Flux reconciles, with its kit.json
//!  embedded, or a folder            │        ▲
//!                                   └─► lint ◄┘  charts, rendered by helm where it is there
//! ```
//!
//! - A component is one file. It is a Helm chart with values, or plain manifests; see [`ComponentFile`].
//! - Flux gets one Kustomization for each component. A `seed` is rendered when the kit is packed, so that whoever
//!   installs the kit and Flux apply the same objects; every other chart is a `HelmRelease`.
//! - Two sizes of every component are rendered, `solo` and `ha`. A profile is a folder of Kustomizations.
//! - Variables are written `${NAME}`; [`sovereign_core::kit::substitute`] is what replaces them.
//!
//! Nothing here reads a registry or runs a program: what charts hold comes in as [`Charts`].

mod dollar;
mod file;
mod graph;
mod lint;
mod load;
mod object;
mod place;
mod render;
mod texts;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sovereign_core::kit::{self as core, GeneratedSecret, KitManifest, Membership};
use sovereign_core::spec::KitProfile;

pub use self::file::{Chart, ComponentFile, KitFile, Sizes};
pub use self::lint::lint;
pub use self::load::Lock;
pub use self::object::Object;
pub use self::render::{Part, Rendering, render};
pub use self::texts::LOCK_FILE;
pub use self::yaml::{read as read_yaml, write as write_yaml};

/// A kit, whole: every dependency is there, and none leads back to itself.
#[derive(Debug, Clone)]
pub struct Kit {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The k3s release it is made for.
    pub k3s: String,
    /// Its variables: what each of them is, by name.
    pub variables: BTreeMap<String, String>,
    /// Secrets that are made at install.
    pub secrets: Vec<GeneratedSecret>,
    /// Hosts outside the Sovereign that it speaks to: why, by host.
    pub outside: BTreeMap<String, String>,
    /// Its components, each after those it depends on.
    pub components: Vec<Component>,
}

/// A component with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// What its file says.
    pub file: ComponentFile,
}

/// How large a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// One of everything.
    Solo,
    /// Replicated.
    Ha,
}

impl Size {
    /// Its name, as in [`KitProfile::size`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Solo => KitProfile::Solo.size(),
            Self::Ha => KitProfile::Ha.size(),
        }
    }
}

/// What is known of charts, by component.
pub type Charts = BTreeMap<String, ChartContent>;

/// What is known of a component's chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChartContent {
    /// Digest of the manifest in the registry, `sha256:...`.
    pub digest: Option<String>,
    /// The objects that it is rendered to with the component's values.
    pub objects: BTreeMap<Size, Vec<Value>>,
}

impl Component {
    /// The digest of its chart: the one that was found, or else the one that the kit names.
    pub fn pin(&self, charts: &Charts) -> Option<String> {
        let named = match &self.file.chart {
            Some(Chart::Oci { digest, .. }) => digest.clone(),
            _ => None,
        };
        let found = charts.get(&self.name).and_then(|content| content.digest.clone());
        found.or(named)
    }

    /// The sizes that some profile has it in.
    pub fn sizes(&self) -> &'static [Size] {
        match self.file.profile {
            Membership::Core => &[Size::Solo, Size::Ha],
            Membership::Extended => &[Size::Ha],
        }
    }

    /// The values of its chart: those of the size over the common ones.
    pub fn values(&self, size: Size) -> Value {
        let Sizes { common, solo, ha } = &self.file.values;
        let mut values = common.clone();
        let over = if size == Size::Solo { solo } else { ha };
        merge(&mut values, over);
        values
    }

    /// Its manifests: the common ones, with those of the size over the same objects or behind.
    pub fn manifests(&self, size: Size) -> Vec<Value> {
        let Sizes { common, solo, ha } = &self.file.manifests;
        let mut manifests = common.clone();
        for over in if size == Size::Solo { solo } else { ha } {
            let identity = Object(over).identity();
            match manifests
                .iter_mut()
                .find(|one| Object(one).identity() == identity)
            {
                Some(one) => merge(one, over),
                None => manifests.push(over.clone()),
            }
        }
        manifests
    }
}

/// Maps are merged, everything else is replaced; as Helm does it.
fn merge(values: &mut Value, over: &Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (key, over) in over {
                merge(values.entry(key).or_insert(Value::Null), over);
            }
        }
        (_, Value::Null) => {}
        (values, over) => *values = over.clone(),
    }
}

impl Kit {
    /// What the kit says of itself, with what is known of its charts.
    pub fn manifest(&self, charts: &Charts) -> KitManifest {
        let seeds = self.components.iter().filter(|one| one.file.seed);
        KitManifest {
            name: self.name.clone(),
            version: self.version.clone(),
            k3s: self.k3s.clone(),
            variables: self.variables.clone(),
            secrets: self.secrets.clone(),
            seeds: seeds
                .map(|one| core::Seed {
                    name: one.name.clone(),
                    path: render::folder(&one.name),
                    proofs: one.file.proofs.clone(),
                })
                .collect(),
            components: self
                .components
                .iter()
                .map(|one| core::Component {
                    name: one.name.clone(),
                    profile: one.file.profile,
                    depends_on: one.file.depends_on.clone(),
                    chart: one.pin(charts).filter(|_| !one.file.seed),
                    proofs: one.file.proofs.clone(),
                })
                .collect(),
        }
    }

    /// A component.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|one| one.name == name)
    }

    /// Everything that a component stands on.
    fn below<'a>(&'a self, component: &'a Component) -> BTreeSet<&'a str> {
        let mut below = BTreeSet::new();
        let mut next: Vec<&Component> = vec![component];
        while let Some(one) = next.pop() {
            let needed = one.file.depends_on.iter().filter_map(|name| self.component(name));
            next.extend(needed.filter(|one| below.insert(one.name.as_str())));
        }
        below
    }
}

/// JSON Schema of `kit.yaml`.
pub fn kit_schema() -> Value {
    schemars::schema_for!(KitFile).to_value()
}

/// JSON Schema of `components/<name>.yaml`.
pub fn component_schema() -> Value {
    schemars::schema_for!(ComponentFile).to_value()
}

#[cfg(test)]
mod tests;
