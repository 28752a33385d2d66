//! From files to a kit, with every problem at once.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sovereign_core::finding::Finding;
use sovereign_core::kit::GeneratedSecret;

use super::graph::{self, Flaw};
use super::texts::{COMPONENTS, KIT_FILE, LOCK_FILE, Texts, embedded, error, in_folder};
use super::{Chart, Component, ComponentFile, Kit, KitFile};

/// What charts were when a kit was packed. Digests of the kit's own files come before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Reference with digest, by component: `oci://host/repository:tag@sha256:...`.
    pub charts: BTreeMap<String, String>,
}

impl Kit {
    /// The kit in this program.
    pub fn standard() -> Result<Self, Vec<Finding>> {
        build(embedded(), None)
    }

    /// The kit in a folder.
    pub fn read(folder: &Path) -> Result<Self, Vec<Finding>> {
        build(in_folder(folder)?, Some(folder))
    }
}

/// A kit's files, read and not yet put together.
struct Draft {
    file: KitFile,
    lock: Lock,
    components: BTreeMap<String, ComponentFile>,
}

fn draft(texts: Texts, problems: &mut Vec<Finding>) -> Option<Draft> {
    let components: Vec<_> = texts
        .components
        .iter()
        .filter_map(|(name, text)| {
            let file = parse(&format!("{COMPONENTS}/{name}.yaml"), text, problems)?;
            Some((name.clone(), file))
        })
        .collect();
    let lock = texts.lock.map(|text| parse(LOCK_FILE, &text, problems));
    let file = texts.kit.and_then(|text| parse(KIT_FILE, &text, problems));
    Some(Draft {
        file: file?,
        lock: lock.flatten().unwrap_or_default(),
        components: components.into_iter().collect(),
    })
}

fn parse<T: DeserializeOwned>(path: &str, text: &str, problems: &mut Vec<Finding>) -> Option<T> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|cause| {
            let remedy = "`sovereign kit schema` prints what the files of a kit may hold";
            problems.push(error("kit.syntax", path, cause.to_string(), remedy));
        })
        .ok()
}

fn build(texts: Texts, folder: Option<&Path>) -> Result<Kit, Vec<Finding>> {
    let mut problems = Vec::new();
    let draft = draft(texts, &mut problems);
    let Some(mut draft) = draft.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    if let Some(folder) = folder {
        let charts = draft.file.charts.values_mut();
        let own = draft
            .components
            .values_mut()
            .filter_map(|file| file.chart.as_mut());
        charts.chain(own).for_each(|chart| chart.resolve(folder));
    }
    if draft.file.extends.is_some() {
        draft = extend(draft, &mut problems);
    }
    let kit = finish(draft, &mut problems);
    kit.filter(|_| problems.is_empty()).ok_or(problems)
}

impl Chart {
    fn resolve(&mut self, folder: &Path) {
        if let Self::Path { path } = self {
            *path = folder.join(&*path);
        }
    }
}

/// Puts a kit over the one in this program.
fn extend(own: Draft, problems: &mut Vec<Finding>) -> Draft {
    let Some(mut base) = draft(embedded(), problems) else {
        return own;
    };
    let file = own.file;
    let unknown = |name: &str| {
        error(
            "kit.unknown",
            KIT_FILE,
            format!("the kit to start from has no component `{name}`"),
            "`sovereign kit show` lists its components",
        )
    };
    for name in &file.without {
        if base.components.remove(name).is_none() {
            problems.push(unknown(name));
        }
    }
    base.components.extend(own.components);
    for (name, chart) in file.charts {
        match base.components.get_mut(&name) {
            Some(component) => component.chart = Some(chart),
            None => problems.push(unknown(&name)),
        }
    }
    base.lock.charts.extend(own.lock.charts);
    base.file.name = file.name;
    base.file.version = file.version.or(base.file.version);
    base.file.k3s = file.k3s.or(base.file.k3s);
    base.file.variables.extend(file.variables);
    base.file.outside.extend(file.outside);
    let replaced = |one: &GeneratedSecret| {
        let mut own = file.secrets.iter();
        own.any(|other| (&one.namespace, &one.name) == (&other.namespace, &other.name))
    };
    let is_used = |one: &GeneratedSecret| {
        let mut components = base.components.values();
        components.any(|component| component.namespace == one.namespace)
    };
    base.file.secrets.retain(|one| is_used(one) && !replaced(one));
    base.file.secrets.extend(file.secrets);
    base
}

fn finish(draft: Draft, problems: &mut Vec<Finding>) -> Option<Kit> {
    let Draft {
        file,
        lock,
        mut components,
    } = draft;
    for (key, name) in [
        ("charts", file.charts.keys().next()),
        ("without", file.without.first()),
    ] {
        if let Some(name) = name {
            problems.push(error(
                "kit.charts",
                KIT_FILE,
                format!("`{key}` names `{name}`, but there is no kit to start from"),
                "write `extends: default`, or say it in the component's own file",
            ));
        }
    }
    pin(&mut components, &lock);
    let order = order(&components, problems)?;
    let mut said = |value: Option<String>, key: &str| {
        if value.is_none() {
            problems.push(error(
                "kit.missing",
                KIT_FILE,
                format!("`{key}` is missing"),
                format!("write `{key}: ...`"),
            ));
        }
        value
    };
    let (version, k3s) = (said(file.version, "version"), said(file.k3s, "k3s"));
    let components = order.into_iter().filter_map(|name| {
        let file = components.remove(&name)?;
        Some(Component { name, file })
    });
    Some(Kit {
        name: file.name,
        version: version?,
        k3s: k3s?,
        variables: file.variables,
        secrets: file.secrets,
        outside: file.outside,
        components: components.collect(),
    })
}

/// Charts without a digest get the one that the lock has for exactly them.
fn pin(components: &mut BTreeMap<String, ComponentFile>, lock: &Lock) {
    for (name, reference) in &lock.charts {
        let chart = components.get_mut(name).and_then(|file| file.chart.as_mut());
        if let Some(Chart::Oci { oci, version, digest }) = chart
            && digest.is_none()
            && let Some((what, locked)) = reference.split_once('@')
            && what == format!("{oci}:{}", tag(version))
        {
            *digest = Some(locked.to_owned());
        }
    }
}

/// The tag that a chart's version has in a registry: a tag may have no `+`.
pub(super) fn tag(version: &str) -> String {
    version.replace('+', "_")
}

fn order(components: &BTreeMap<String, ComponentFile>, problems: &mut Vec<Finding>) -> Option<Vec<String>> {
    let needs: graph::Needs = components
        .iter()
        .map(|(name, file)| {
            (
                name.as_str(),
                file.depends_on.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    match graph::order(&needs) {
        Ok(order) => Some(order.into_iter().map(str::to_owned).collect()),
        Err(flaws) => {
            problems.extend(flaws.into_iter().map(|flaw| match flaw {
                Flaw::Missing { who, whom } => error(
                    "kit.graph",
                    &format!("{COMPONENTS}/{who}.yaml"),
                    format!("it depends on `{whom}`, which the kit does not have"),
                    format!("add `{COMPONENTS}/{whom}.yaml`, or take `{whom}` out of `dependsOn`"),
                ),
                Flaw::Cycle(names) => error(
                    "kit.graph",
                    COMPONENTS,
                    format!("these depend on each other: {}", names.join(", ")),
                    "take one of these dependencies away",
                ),
            }));
            None
        }
    }
}
