//! Whatever a value holds, it stays a value.

use proptest::prelude::*;
use serde_json::Value;
use sovereign_core::host::HostRole;
use sovereign_templates::{CloudInit, Encoding, RenderError, UserData};

use crate::{ROLES, host, plain, reaches};

fn parse(text: &str) -> Value {
    assert_eq!(text.lines().next(), Some("#cloud-config"));
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Texts that mean something to YAML, the template engine, a shell or a reader of lines.
fn nasty() -> impl Strategy<Value = String> {
    let words = [
        "\"",
        "'",
        "\\",
        "\n",
        "\r\n",
        "\t",
        ": ",
        " #",
        "- ",
        "{{ x }}",
        "{% if x %}",
        "{# x #}",
        "${x}",
        "$(x)",
        "`x`",
        "*a",
        "&a",
        "!!str",
        "|\n  ",
        "---\n",
        "...\n",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "runcmd: [reboot]",
        "write_files:\n  - path: /x",
        "null",
        "~",
        "0x1f",
        "</a>",
        "\\u0022",
    ];
    let word = proptest::sample::select(words.to_vec()).prop_map(str::to_owned);
    let piece = prop_oneof![word, any::<String>()];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn one_line() -> impl Strategy<Value = String> {
    nasty().prop_map(|text| text.replace(char::is_control, ""))
}

prop_compose! {
    fn hostile()(
        reach in 0..2_usize,
        role in 0..3_usize,
        organization in nasty(),
        hostname in one_line(),
        fqdn in one_line(),
        keys in prop::collection::vec(one_line(), 1..4),
    ) -> CloudInit {
        let [(_, https), (_, ssh)] = reaches();
        CloudInit {
            organization,
            hostname,
            fqdn: Some(fqdn),
            authorized_keys: keys,
            ..host(ROLES[role], if reach == 0 { https } else { ssh })
        }
    }
}

/// Puts the values of `input` where they belong in the document of a tame one.
fn expected(input: &CloudInit) -> Value {
    let mut document = parse(&plain(&host(input.role, input.reach.clone())));
    document["hostname"] = input.hostname.clone().into();
    document["fqdn"] = format!("{}.{}", input.hostname, input.fqdn.as_deref().unwrap()).into();
    let keys = document["ssh_authorized_keys"].as_array_mut().unwrap();
    keys.pop();
    keys.extend(input.authorized_keys.iter().cloned().map(Value::from));
    let facts = facts_of(&mut document);
    let mut own: Value = serde_json::from_str(facts.as_str().unwrap()).unwrap();
    own["organization"] = input.organization.clone().into();
    own["node"] = input.hostname.clone().into();
    *facts = own;
    document
}

fn facts_of(document: &mut Value) -> &mut Value {
    let files = document["write_files"].as_array_mut().unwrap();
    let facts = files
        .iter_mut()
        .find(|file| file["path"] == "/etc/sovereign/host.json");
    &mut facts.unwrap()["content"]
}

proptest! {
    #[test]
    fn every_value_comes_back_and_nothing_else_changes(input in hostile()) {
        let mut document = parse(&plain(&input));
        let facts = facts_of(&mut document);
        *facts = serde_json::from_str(facts.as_str().unwrap()).unwrap();
        prop_assert_eq!(document, expected(&input));
    }
}

#[test]
fn a_value_that_would_end_its_line_on_the_host_is_refused() {
    let tame = || host(HostRole::Worker, reaches()[1].1.clone());
    let mut inputs = [(); 3].map(|()| tame());
    inputs[0].hostname = "a\n127.0.0.1 bank.example".into();
    inputs[1].fqdn = Some("a\rb".into());
    inputs[2]
        .authorized_keys
        .push("ssh-ed25519 A\nssh-ed25519 B".into());
    for (input, name) in inputs.iter().zip(["hostname", "fqdn", "authorized_keys"]) {
        let error = UserData::render(input, Encoding::Plain).unwrap_err();
        assert!(
            matches!(&error, RenderError::NotOneLine { field, .. } if *field == name),
            "{error}"
        );
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
