use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn component(name: &str, profile: Membership, depends_on: &[&str]) -> Component {
    Component {
        name: name.to_owned(),
        profile,
        depends_on: depends_on.iter().map(|&name| name.to_owned()).collect(),
        chart: None,
        proofs: Vec::new(),
    }
}

fn manifest() -> KitManifest {
    KitManifest {
        name: "kit".to_owned(),
        version: "1.0.0".to_owned(),
        k3s: "v1.35.7+k3s1".to_owned(),
        variables: BTreeMap::from([("FQDN".to_owned(), "its name".to_owned())]),
        secrets: vec![GeneratedSecret {
            namespace: "gitea".to_owned(),
            name: "admin".to_owned(),
            profile: Membership::Core,
            keys: vec!["password".to_owned()],
            known: BTreeMap::from([("username".to_owned(), "root".to_owned())]),
        }],
        seeds: vec![Seed {
            name: "cilium".to_owned(),
            path: "components/cilium".to_owned(),
            proofs: vec![Proof::Rollout {
                kind: Workload::DaemonSet,
                namespace: "kube-system".to_owned(),
                name: "cilium".to_owned(),
            }],
        }],
        components: vec![
            component("cilium", Membership::Core, &[]),
            component("harbor", Membership::Extended, &["cilium"]),
        ],
    }
}

#[test]
fn a_manifest_survives_its_file_and_fits_its_schema() {
    let written = serde_json::to_value(manifest()).unwrap();
    let read: KitManifest = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read, manifest());
    let schema = serde_json::to_value(schemars::schema_for!(KitManifest)).unwrap();
    jsonschema::validate(&schema, &written).unwrap();
}

#[test]
fn proofs_are_written_by_what_they_are() {
    let condition: Proof = serde_json::from_value(json!({
        "proof": "condition", "apiVersion": "v1", "kind": "Node", "name": "one", "type": "Ready", "status": "True",
    }))
    .unwrap();
    assert_eq!(condition.to_string(), "Node one has Ready=True");
    let bound = Proof::Bound {
        namespace: "default".to_owned(),
        name: "data".to_owned(),
    };
    assert_eq!(
        serde_json::to_value(bound).unwrap(),
        json!({"proof": "bound", "namespace": "default", "name": "data"})
    );
    let unknown = json!({"proof": "established", "name": "a.b", "more": 1});
    assert!(serde_json::from_value::<Proof>(unknown).is_err());
}

#[test]
fn a_profile_has_exactly_its_kustomizations() {
    let manifest = manifest();
    assert_eq!(manifest.kustomizations(KitProfile::Solo), ["sovereign", "cilium"]);
    assert_eq!(manifest.kustomizations(KitProfile::Ha), ["sovereign", "cilium"]);
    assert_eq!(
        manifest.kustomizations(KitProfile::Extended),
        ["sovereign", "cilium", "harbor"]
    );
    assert_eq!(
        manifest.seeds[0].file(KitProfile::Extended),
        "components/cilium/ha/objects.yaml"
    );
}

fn values() -> BTreeMap<String, String> {
    let pairs = [("FQDN", "acme.example"), ("_A1", "10.43.0.10")];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn variables_are_substituted_and_dollars_escaped() {
    for (text, done) in [
        (
            "a ${FQDN} b ${_A1}${FQDN}",
            "a acme.example b 10.43.0.10acme.example",
        ),
        ("$${FQDN} $$${FQDN} $$$$", "${FQDN} $acme.example $$"),
        ("^[a-z]+$ $HOME $(HOST_IP) $", "^[a-z]+$ $HOME $(HOST_IP) $"),
        ("", ""),
    ] {
        assert_eq!(substitute(text, &values()).as_deref(), Ok(done), "{text}");
    }
}

#[test]
fn all_unknown_variables_are_named_at_once() {
    let unknown = BTreeSet::from(["A".to_owned(), "B".to_owned()]);
    let error = substitute("${B} ${FQDN} ${A} ${B}", &values()).unwrap_err();
    assert_eq!(error, SubstituteError::Unknown(unknown));
    assert_eq!(error.to_string(), "these variables have no value: `A`, `B`");
}

#[test]
fn functions_and_broken_names_are_refused() {
    for text in ["${FQDN:=x}", "${}", "${1A}", "${FQDN", "${FQ DN}", "${#FQDN}"] {
        let error = substitute(text, &values()).unwrap_err();
        assert_eq!(error, SubstituteError::Malformed(text.to_owned()));
    }
}

#[test]
fn a_value_is_a_text_however_it_is_quoted() {
    for value in [
        "acme.example",
        "10.42.0.0/16",
        "fd00::/64",
        "a",
        "admin@acme.example",
        "v1.35.7+k3s1",
    ] {
        assert_eq!(check_value(value), Ok(()), "{value}");
    }
    for value in ["", "a b", "a\n", "a: b", "'a'", "-a", "a:", "ä", "${A}", "#a"] {
        assert_eq!(check_value(value), Err(BadValue::Characters), "{value}");
    }
    for value in [
        "1", "6443", "1.5", "1e3", "0x1F", "true", "Off", "null", "1_000", "nan",
    ] {
        assert_eq!(check_value(value), Err(BadValue::NotAText), "{value}");
    }
}

proptest! {
    #[test]
    fn what_has_no_dollar_stays(text in "[^$]*") {
        prop_assert_eq!(substitute(&text, &values()), Ok(text));
    }

    #[test]
    fn doubled_dollars_come_back(text in any::<String>()) {
        let escaped = text.replace('$', "$$");
        prop_assert_eq!(substitute(&escaped, &BTreeMap::new()), Ok(text));
    }

    #[test]
    fn an_accepted_value_is_the_same_text_to_yaml_in_quotes_and_without(value in "[a-zA-Z0-9._/@:+-]{1,12}") {
        if check_value(&value).is_ok() {
            let plain: serde_json::Value = serde_saphyr::from_str(&format!("a: {value}\n")).unwrap();
            prop_assert_eq!(&plain["a"], &serde_json::Value::from(value.as_str()));
        }
    }
}
