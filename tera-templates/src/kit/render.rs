//! From a kit to the tree that Flux reconciles.
//!
//! ```text
//! kit.json                                  what the kit says of itself
//! root.yaml                                 the tree's OCIRepository and the root Kustomization; applied by the installer
//! profiles/{solo,ha,extended}/<name>.yaml   Kustomization of a component
//! components/<name>/{solo,ha}/objects.yaml  what it applies
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sovereign_core::finding::Severity;
use sovereign_core::kit::{
    CHARTS, DIGEST, FILE, NAMESPACE, PROFILE, PUBLIC_KEY, Proof, REGISTRY, REGISTRY_CA, REPOSITORY, ROOT,
    ROOT_FILE,
};
use sovereign_core::spec::KitProfile;

use super::{Chart, Charts, Component, Kit, Object, Size, dollar, load, place, yaml};

/// How often Flux looks whether all is as it should be, and how soon it tries again if it is not.
const INTERVAL: &str = "5m";
const RETRY: &str = "15s";
/// Media type of a packaged chart.
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// A kit, rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// The tree: text by path.
    pub files: BTreeMap<String, String>,
    /// The objects of every component in every size it has.
    pub parts: Vec<Part>,
}

/// The objects of a component in one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The component.
    pub component: String,
    /// The size.
    pub size: Size,
    /// What the tree holds of it. Dollars of charts are not escaped here.
    pub tree: Vec<Value>,
    /// What its release makes, if it has one and the chart was rendered.
    pub release: Vec<Value>,
    /// Digest of its chart, if it has one that is pinned.
    pub digest: Option<String>,
    /// Whether that is all: it has no chart, or the chart was rendered.
    pub is_whole: bool,
}

impl Part {
    /// All of them.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.tree.iter().chain(&self.release).map(Object)
    }

    /// All of them, each with what a bad habit in it weighs: what a kit says itself can be mended, what a chart of others
    /// does may only be told.
    pub(super) fn weighed(&self) -> impl Iterator<Item = (Object<'_>, Severity)> {
        let tree = self.tree.iter().map(|object| (Object(object), Severity::Error));
        let release = self
            .release
            .iter()
            .map(|object| (Object(object), Severity::Warning));
        tree.chain(release)
    }
}

/// The folder of a component in the tree.
pub(super) fn folder(component: &str) -> String {
    format!("components/{component}")
}

/// Renders a kit. Of charts that are not known in `charts`, seeds hold nothing and sources name only the version.
pub fn render(kit: &Kit, charts: &Charts) -> Result<Rendering, String> {
    let mut files = BTreeMap::new();
    let mut parts = Vec::new();
    for component in &kit.components {
        for &size in component.sizes() {
            let (part, text) = part(kit, component, size, charts)?;
            files.insert(
                format!("{}/{}/objects.yaml", folder(&component.name), size.as_str()),
                text,
            );
            parts.push(part);
        }
    }
    let manifest = kit.manifest(charts);
    for profile in KitProfile::ALL {
        for one in manifest.components(profile) {
            let component = kit.component(&one.name).into_iter();
            let objects: Vec<Value> = component.map(|one| kustomization(one, profile)).collect();
            files.insert(
                format!("profiles/{}/{}.yaml", profile.as_str(), one.name),
                yaml::write(&objects)?,
            );
        }
    }
    files.insert(ROOT_FILE.to_owned(), yaml::write(&root())?);
    let manifest = serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())?;
    files.insert(FILE.to_owned(), manifest + "\n");
    Ok(Rendering { files, parts })
}

fn part(kit: &Kit, component: &Component, size: Size, charts: &Charts) -> Result<(Part, String), String> {
    let file = &component.file;
    let digest = component.pin(charts);
    let known = charts
        .get(&component.name)
        .and_then(|content| content.objects.get(&size));
    let rendered: Vec<Value> = known
        .into_iter()
        .flatten()
        .map(|object| complete(object.clone(), &file.namespace))
        .collect();
    let namespace: Vec<Value> = makes_namespace(kit, component)
        .then(|| namespace(&file.namespace))
        .into_iter()
        .collect();
    let (seeded, release) = if file.seed {
        (definitions_first(rendered), Vec::new())
    } else {
        // Tests run only when somebody asks for them.
        let is_test = |object: &Value| Object(object).hook().is_some_and(|hook| hook.starts_with("test"));
        (
            Vec::new(),
            rendered.into_iter().filter(|object| !is_test(object)).collect(),
        )
    };
    let mut own: Vec<Value> = Vec::new();
    if let Some(chart) = file.chart.as_ref().filter(|_| !file.seed) {
        own.push(source(component, chart, digest.as_deref()));
        own.push(helm_release(component, size));
    }
    own.extend(
        component
            .manifests(size)
            .into_iter()
            .map(|object| complete(object, &file.namespace)),
    );
    let own = definitions_first(own);
    let text = yaml::write(&namespace)?
        + &dollar::escape(&yaml::write(&seeded)?, &kit.variables)
        + &yaml::write(&own)?;
    let tree = [namespace, seeded, own].concat();
    let part = Part {
        component: component.name.clone(),
        size,
        tree,
        release,
        digest,
        is_whole: file.chart.is_none() || known.is_some(),
    };
    Ok((part, text))
}

/// Whether a component is the first one in its namespace.
fn makes_namespace(kit: &Kit, component: &Component) -> bool {
    let namespace = &component.file.namespace;
    let first = kit.components.iter().find(|one| one.file.namespace == *namespace);
    !place::is_always_there(namespace) && first.is_some_and(|first| first.name == component.name)
}

fn namespace(name: &str) -> Value {
    keep(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

/// Flux never removes it.
fn keep(mut object: Value) -> Value {
    object["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] = "disabled".into();
    object
}

/// With the namespace that Helm would put it into, and kept if everything of a kind would go with it.
fn complete(mut object: Value, namespace: &str) -> Value {
    let look = Object(&object);
    let homeless = look.is_built_in_and_namespaced() && look.namespace().is_none();
    let is_kept = look.is_definition() || look.is_namespace();
    if homeless {
        object["metadata"]["namespace"] = namespace.into();
    }
    if is_kept { keep(object) } else { object }
}

/// Namespaces and definitions before what may be in or of them; else as they were.
fn definitions_first(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| match Object(object) {
        object if object.is_namespace() => 0,
        object if object.is_definition() => 1,
        _ => 2,
    });
    objects
}

/// Where Flux fetches something from: the node registry, over TLS by its CA, signed by the kit's key.
fn oci_repository(name: &str, repository: &str, at: &Value) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": INTERVAL,
            "url": format!("oci://{REGISTRY}/{repository}"),
            "ref": at,
            "certSecretRef": {"name": REGISTRY_CA},
            "verify": {"provider": "cosign", "secretRef": {"name": PUBLIC_KEY}},
        },
    })
}

fn source(component: &Component, chart: &Chart, digest: Option<&str>) -> Value {
    let at = match (digest, chart) {
        (Some(digest), _) => json!({"digest": digest}),
        (None, Chart::Oci { version, .. }) => json!({"tag": load::tag(version)}),
        (None, Chart::Path { .. }) => json!({"tag": "not-packed"}),
    };
    let mut source = oci_repository(&component.name, &format!("{CHARTS}/{}", component.name), &at);
    source["spec"]["layerSelector"] = json!({"mediaType": CHART_LAYER, "operation": "copy"});
    source
}

fn helm_release(component: &Component, size: Size) -> Value {
    let (name, file) = (&component.name, &component.file);
    // Never uninstalled to try again: that would take away what others stand on, and data with it.
    let strategy = json!({"name": "RetryOnFailure", "retryInterval": RETRY});
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": INTERVAL,
            "timeout": file.timeout,
            "chartRef": {"kind": "OCIRepository", "name": name},
            "releaseName": name,
            "targetNamespace": file.namespace,
            "storageNamespace": file.namespace,
            "install": {"crds": "CreateReplace", "strategy": strategy},
            "upgrade": {"crds": "CreateReplace", "strategy": strategy},
            "driftDetection": {"mode": "enabled"},
            "values": component.values(size),
        },
    })
}

fn kustomization(component: &Component, profile: KitProfile) -> Value {
    let (name, file) = (&component.name, &component.file);
    let on: Vec<Value> = file.depends_on.iter().map(|name| json!({"name": name})).collect();
    let mut object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": INTERVAL,
            "retryInterval": RETRY,
            "timeout": file.timeout,
            "path": format!("./{}/{}", folder(name), profile.size()),
            "prune": file.prune,
            "wait": true,
            "sourceRef": {"kind": "OCIRepository", "name": ROOT},
            "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": ROOT}]},
        },
    });
    if !on.is_empty() {
        object["spec"]["dependsOn"] = on.into();
    }
    let health = health(component);
    if !health.is_empty() {
        object["spec"]["healthCheckExprs"] = health.into();
    }
    object
}

/// A custom resource without conditions counts as ready; so what has to be seen is said, once for each kind.
fn health(component: &Component) -> Vec<Value> {
    let mut conditions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for proof in &component.file.proofs {
        if let Proof::Condition {
            api_version,
            kind,
            r#type,
            status,
            ..
        } = proof
        {
            let seen = format!("status.conditions.exists(e, e.type == '{type}' && e.status == '{status}')");
            conditions.entry((api_version, kind)).or_default().insert(seen);
        }
    }
    let one = |((api_version, kind), seen): ((&String, &String), BTreeSet<String>)| {
        let current = seen.into_iter().collect::<Vec<_>>().join(" && ");
        json!({"apiVersion": api_version, "kind": kind, "current": current})
    };
    conditions.into_iter().map(one).collect()
}

fn root() -> [Value; 2] {
    let source = oci_repository(ROOT, REPOSITORY, &json!({"digest": format!("${{{DIGEST}}}")}));
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": ROOT, "namespace": NAMESPACE},
        "spec": {
            "interval": INTERVAL,
            "retryInterval": RETRY,
            "timeout": "2m",
            "path": format!("./profiles/${{{PROFILE}}}"),
            "prune": true,
            "sourceRef": {"kind": "OCIRepository", "name": ROOT},
        },
    });
    [source, kustomization]
}
