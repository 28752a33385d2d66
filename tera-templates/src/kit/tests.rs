use std::fs;
use std::path::Path;

use serde_json::json;
use sovereign_core::finding::{Finding, Severity};

use super::*;

const KIT: &str = "{name: test, version: 1.0.0, k3s: v1.35.7+k3s1}";
const BASE: &str = "
about: the ground
namespace: ground
provides: [ground.example]
manifests:
  common:
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
proofs: [{proof: bound, namespace: ground, name: a}]
";

#[test]
fn a_spec_that_names_no_k3s_gets_the_one_that_the_standard_kit_is_made_for() {
    assert_eq!(Kit::standard().unwrap().k3s, sovereign_core::spec::K3S_VERSION);
}

fn errors(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{} {}: {}", finding.code, finding.path, finding.message))
        .collect()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("components")).unwrap();
    for (path, text) in files {
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

fn read(files: &[(&str, &str)]) -> Result<Kit, Vec<String>> {
    Kit::read(folder(files).path()).map_err(|problems| errors(&problems))
}

/// What is wrong with a component `x` that stands on `base`.
fn lint_of(component: &str) -> Vec<String> {
    lint_with(component, &Charts::new())
}

fn lint_with(component: &str, charts: &Charts) -> Vec<String> {
    let proven = BASE.replace("kind: ConfigMap", "kind: PersistentVolumeClaim");
    let files = [
        ("kit.yaml", KIT),
        ("components/base.yaml", proven.as_str()),
        ("components/x.yaml", component),
    ];
    let kit = read(&files).unwrap();
    let rendering = render(&kit, charts).unwrap();
    errors(&lint(&kit, &rendering))
}

#[test]
fn the_kit_in_this_program_has_the_twelve_and_no_problem() {
    let kit = Kit::standard().unwrap_or_else(|problems| panic!("{:#?}", errors(&problems)));
    let rendering = render(&kit, &Charts::new()).unwrap();
    assert_eq!(errors(&lint(&kit, &rendering)), Vec::<String>::new());
    let manifest = kit.manifest(&Charts::new());
    let core: Vec<_> = manifest
        .components(KitProfile::Solo)
        .map(|one| one.name.as_str())
        .collect();
    for name in [
        "cilium",
        "cert-manager",
        "flux",
        "crossplane",
        "sealed-secrets",
        "spire",
        "nats-jetstream",
        "openbao",
        "keycloak",
        "gitea",
        "powerdns",
        "catalyst-platform",
    ] {
        assert!(core.contains(&name), "{name}");
    }
    let seeds: Vec<_> = manifest.seeds.iter().map(|seed| seed.name.as_str()).collect();
    assert_eq!(seeds, ["gateway-api-crds", "cilium", "flux-operator", "flux"]);
}

#[test]
fn a_component_becomes_a_kustomization_a_source_and_a_release() {
    let component = "
about: x
namespace: x
dependsOn: [base]
chart: {oci: oci://a.example/charts/x, version: 1.0.0+2}
values: {common: {a: 1, b: {c: 1}}, ha: {b: {d: 2}}}
proofs: [{proof: rollout, kind: Deployment, namespace: x, name: x}]
";
    let kit = read(&[
        ("kit.yaml", KIT),
        ("components/base.yaml", BASE),
        ("components/x.yaml", component),
    ])
    .unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    let content = ChartContent {
        digest: Some(digest.clone()),
        objects: BTreeMap::new(),
    };
    let rendering = render(&kit, &Charts::from([("x".to_owned(), content)])).unwrap();
    insta::assert_snapshot!(
        [
            &rendering.files["profiles/ha/x.yaml"],
            &rendering.files["components/x/ha/objects.yaml"],
            &rendering.files["root.yaml"],
        ]
        .map(String::as_str)
        .join("\n")
    );
    let unpinned = render(&kit, &Charts::new()).unwrap();
    assert!(unpinned.files["components/x/solo/objects.yaml"].contains("1.0.0_2"));
    assert!(!unpinned.files["components/x/solo/objects.yaml"].contains("\n      d: 2"));
}

#[test]
fn a_seed_is_plain_and_its_dollars_are_its_own() {
    let kit = "{name: test, version: 1.0.0, k3s: v1.35.7+k3s1, variables: {NAME: its name}}";
    let seed = "
about: x
namespace: x
seed: true
prune: false
provides: [x.example]
chart: {path: ../charts/x}
proofs: [{proof: established, name: xs.x.example}]
";
    let kit = read(&[("kit.yaml", kit), ("components/x.yaml", seed)]).unwrap();
    let objects = vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "${NAME} ${BIN}"}}),
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "xs.x.example"}, "spec": {"group": "x.example"}}),
    ];
    let content = ChartContent {
        digest: None,
        objects: BTreeMap::from([(Size::Solo, objects.clone()), (Size::Ha, objects)]),
    };
    let rendering = render(&kit, &Charts::from([("x".to_owned(), content)])).unwrap();
    assert_eq!(errors(&lint(&kit, &rendering)), Vec::<String>::new());
    let text = &rendering.files["components/x/solo/objects.yaml"];
    let read = read_yaml(text).unwrap();
    let kinds: Vec<_> = read.iter().map(|object| Object(object).kind()).collect();
    assert_eq!(kinds, ["Namespace", "CustomResourceDefinition", "ConfigMap"]);
    assert_eq!(read[2]["metadata"]["namespace"], "x");
    let values = BTreeMap::from([("NAME".to_owned(), "acme".to_owned())]);
    assert!(
        core::substitute(text, &values)
            .unwrap()
            .contains("a: acme ${BIN}")
    );
    assert_eq!(
        kit.manifest(&Charts::new()).seeds[0].file(KitProfile::Solo),
        "components/x/solo/objects.yaml"
    );
}

#[test]
fn a_kit_extends_the_one_in_this_program() {
    let kit = "
name: lab
extends: default
charts: {cilium: {path: ../charts/cilium}}
without: [catalyst-platform, harbor]
variables: {OWN: its own}
secrets: [{namespace: gitea, name: gitea-admin, keys: [other]}]
";
    let own = folder(&[
        ("kit.yaml", kit),
        ("components/base.yaml", BASE),
        ("components/gateway.yaml", BASE),
        (
            "kit.lock.yaml",
            "charts: {cnpg: \"oci://ghcr.io/cloudnative-pg/charts/cloudnative-pg:0.29.1@sha256:12\"}",
        ),
    ]);
    let kit = Kit::read(own.path()).unwrap();
    let standard = Kit::standard().unwrap();
    assert_eq!((kit.name.as_str(), &kit.k3s), ("lab", &standard.k3s));
    assert_eq!(kit.components.len(), standard.components.len() - 1);
    assert!(kit.component("base").is_some() && kit.component("catalyst-platform").is_none());
    let path = own.path().join("../charts/cilium");
    assert_eq!(
        kit.component("cilium").unwrap().file.chart,
        Some(Chart::Path { path })
    );
    assert_eq!(kit.component("gateway").unwrap().file.namespace, "ground");
    assert!(kit.variables.contains_key("OWN") && kit.variables.contains_key("SOVEREIGN_FQDN"));
    assert!(!kit.secrets.iter().any(|one| one.namespace == "harbor"));
    let admin: Vec<_> = kit
        .secrets
        .iter()
        .filter(|one| one.name == "gitea-admin")
        .collect();
    assert_eq!(admin.len(), 1);
    assert_eq!(admin[0].keys, ["other"]);
    let Some(Chart::Oci { digest, .. }) = &kit.component("cnpg").unwrap().file.chart else {
        panic!("no chart");
    };
    assert_eq!(digest.as_deref(), Some("sha256:12"));
}

#[test]
fn every_problem_of_the_files_is_told_at_once() {
    let problems = read(&[
        ("kit.yaml", "{name: test, colour: red}"),
        ("components/x.yaml", "namespace: x"),
        ("components/notes.txt", ""),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("notes.txt"));
    let problems = read(&[
        ("kit.yaml", "{name: test, colour: red}"),
        ("components/x.yaml", "namespace: x"),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    let problems = read(&[
        ("kit.yaml", "{name: test, charts: {x: {path: y}}, without: [z]}"),
        (
            "components/x.yaml",
            &BASE.replace("about", "dependsOn: [y]\nabout"),
        ),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    let problems = read(&[(
        "kit.yaml",
        "{name: test, extends: default, without: [x], charts: {y: {path: z}}}",
    )])
    .unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(Kit::read(Path::new("/nowhere")).is_err());
}

/// A component's fields and an object of its that are wrong, with what lint calls it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "kit.owner",
        "dependsOn: [base]",
        "apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: ground}",
    ),
    (
        "kit.owner",
        "",
        "apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}",
    ),
    (
        "kit.namespace",
        "",
        "apiVersion: v1, kind: Secret, metadata: {name: b, namespace: ground}",
    ),
    (
        "kit.namespace",
        "",
        "apiVersion: v1, kind: Secret, metadata: {name: b, namespace: nowhere}",
    ),
    (
        "kit.definition",
        "",
        "apiVersion: ground.example/v1, kind: Stone, metadata: {name: b}",
    ),
    (
        "kit.definition",
        "",
        "apiVersion: other.example/v1, kind: Stone, metadata: {name: b}",
    ),
    (
        "kit.definition",
        "provides: [x.example]",
        "apiVersion: x.example/v1, kind: Stone, metadata: {name: b}",
    ),
    (
        "kit.definition",
        "seed: true\nprune: false",
        "apiVersion: source.toolkit.fluxcd.io/v1, kind: Bucket, metadata: {name: b}",
    ),
    (
        "kit.provides",
        "",
        "apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: b}, spec: {group: x.example}",
    ),
    (
        "kit.host",
        "",
        "apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {host: a.openova.io}",
    ),
    (
        "kit.host",
        "",
        "apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {a: 'see https://a.example/b'}",
    ),
    (
        "kit.variable",
        "",
        "apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {a: '${NOBODY}'}",
    ),
    (
        "kit.variable",
        "",
        "apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {a: '${A:-b}'}",
    ),
    (
        "kit.floating",
        "",
        "apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{image: 'a/b:latest'}]}",
    ),
    (
        "kit.floating",
        "",
        "apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: [{image: 'a:5000/b'}]}",
    ),
    (
        "kit.hook",
        "seed: true\nprune: false",
        "apiVersion: v1, kind: Pod, metadata: {name: b, annotations: {helm.sh/hook: test}}",
    ),
];

/// Fields of a component that are wrong whatever it holds.
const WRONG_FIELDS: &[(&str, &str)] = &[
    ("kit.prune", "seed: true"),
    ("kit.seed", "seed: true\nprune: false\ndependsOn: [base]"),
    ("kit.timeout", "timeout: soon"),
    ("kit.chart", "chart: {oci: 'https://a.example/x', version: 1.0.0}"),
    ("kit.floating", "chart: {oci: 'oci://a.example/x', version: 1.x}"),
    (
        "kit.chart",
        "chart: {oci: 'oci://a.example/x', version: 1.0.0, digest: sha256:1}",
    ),
];

/// What is right.
const SECRET: &str = "apiVersion: v1, kind: Secret, metadata: {name: b}";

/// A component with a claim and another object.
fn x(fields: &str, object: &str) -> String {
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}}";
    let proof = "proofs: [{proof: bound, namespace: x, name: a}]";
    format!("about: x\nnamespace: x\n{fields}\nmanifests: {{common: [{claim}, {{{object}}}]}}\n{proof}\n")
}

fn assert_found(code: &str, component: &str) {
    let found = lint_of(component);
    assert!(!found.is_empty(), "{code} is not found in\n{component}");
    assert!(
        found.iter().all(|one| one.starts_with(code)),
        "{code}: {found:#?}"
    );
}

#[test]
fn lint_names_what_is_wrong() {
    assert_eq!(lint_of(&x("", SECRET)), Vec::<String>::new());
    for (code, fields, object) in WRONG {
        assert_found(code, &x(fields, object));
    }
    for (code, fields) in WRONG_FIELDS {
        assert_found(code, &x(fields, SECRET));
    }
    assert_found("kit.proof", &x("", SECRET).replace("name: a}]", "name: c}]"));
    assert_found(
        "kit.proof",
        &x("", SECRET).replace("[{proof: bound, namespace: x, name: a}]", "[]"),
    );
    let empty = lint_of("{about: x, namespace: x, proofs: [{proof: established, name: a}]}");
    assert!(empty[0].starts_with("kit.empty"), "{empty:#?}");
}

#[test]
fn lint_looks_into_charts_that_were_rendered() {
    let component = "
about: x
namespace: x
chart: {path: ../x}
proofs: [{proof: rollout, kind: Deployment, namespace: x, name: x}]
";
    let rendered = |object: Value| {
        let objects = BTreeMap::from([(Size::Solo, vec![object.clone()]), (Size::Ha, vec![object])]);
        let content = ChartContent {
            digest: None,
            objects,
        };
        lint_with(component, &Charts::from([("x".to_owned(), content)]))
    };
    let deployment = |name: &str, image: &str| {
        let container = json!({"name": "a", "image": image});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"template": {"spec": {"containers": [container]}}}})
    };
    assert_eq!(rendered(deployment("x", "a/b:1.0")), Vec::<String>::new());
    assert_eq!(
        rendered(deployment("y", "a/b:1.0")),
        [
            "kit.proof components/x.yaml: `Deployment x/x is rolled out` cannot be seen: the component has no such object"
        ]
    );
    assert_eq!(
        rendered(deployment("x", "a/b")),
        Vec::<String>::new(),
        "a warning is enough"
    );
    let stone = json!({"apiVersion": "other.example/v1", "kind": "Stone", "metadata": {"name": "a"}});
    assert!(rendered(stone)[0].starts_with("kit.definition"));
    assert_eq!(lint_of(component), Vec::<String>::new());
}
