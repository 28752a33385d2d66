//! Whole texts, and what the real cloud-init says of them.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use sovereign_templates::Reach;

use crate::{AGENT, ROLES, host, plain, reaches};

/// Words in place of secrets, for a reader.
fn readable() -> [(&'static str, Reach); 2] {
    let https = Reach::Https {
        url: "https://192.0.2.10:8443".into(),
        ca_pem: "(certificate)\n".into(),
        ticket: "(ticket)".into(),
        agent_sha256: AGENT.into(),
    };
    let ssh = Reach::Ssh {
        host_key_private: "(private\nkey)\n".into(),
        host_key_public: "(public key)".into(),
        login_key_public: "(login key)".into(),
    };
    [("https", https), ("ssh", ssh)]
}

#[test]
fn the_whole_text_by_role_and_reach() {
    for (name, reach) in readable() {
        for role in ROLES {
            let word = serde_json::to_value(role).unwrap();
            let snapshot = format!("{}-{name}", word.as_str().unwrap());
            insta::assert_snapshot!(snapshot, plain(&host(role, reach.clone())));
        }
    }
}

#[test]
fn what_a_host_does_not_have_is_not_mentioned() {
    for (name, reach) in reaches() {
        let mut bare = host(ROLES[2], reach);
        bare.fqdn = None;
        bare.authorized_keys.clear();
        let text = plain(&bare);
        assert!(!text.contains("fqdn:"), "{text}");
        assert_eq!(text.contains("ssh_authorized_keys:"), name == "ssh", "{text}");
    }
}

#[test]
fn no_template_quotes_by_itself_or_not_at_all() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cloud-init")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for forbidden in ["\"{{", "'{{", "safe"] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn cloud_init_itself_takes_every_text() {
    let mut texts = Vec::new();
    for (_, reach) in reaches() {
        let mut inputs = ROLES.map(|role| host(role, reach.clone()));
        inputs[0].organization = "\"\n#: \u{0}\u{7f}\u{85}\u{2028}\u{feff}\u{1f600}{{ x }}".into();
        inputs[0].fqdn = Some("a\": {b}, [c] & *d !e %f @g `h".into());
        texts.extend(inputs.iter().map(plain));
    }
    let wrong = "#cloud-config\nhostname: [a]\n";
    assert!(judge(wrong).is_err(), "the judge takes everything");
    std::thread::scope(|scope| {
        for text in &texts {
            scope.spawn(move || judge(text).unwrap_or_else(|said| panic!("{said}\n{text}")));
        }
    });
}

/// `cloud-init schema`, as `SOVEREIGN_TEST_CLOUD_INIT`, else as `tests/setup.sh` unpacked it, else from the path.
fn judge(text: &str) -> Result<(), String> {
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/../.cache/cloud-init/cloud-init");
    let command = std::env::var("SOVEREIGN_TEST_CLOUD_INIT").unwrap_or_else(|_| {
        let found = Path::new(unpacked).exists();
        if found { unpacked } else { "cloud-init" }.to_owned()
    });
    let mut words = command.split_whitespace();
    let program = words.next().expect("SOVEREIGN_TEST_CLOUD_INIT is a command");

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let output = Command::new(program)
        .args(words)
        .args(["schema", "--config-file"])
        .arg(file.path())
        .output()
        .unwrap_or_else(|error| panic!("`{program}`: {error}; run tests/setup.sh, which unpacks cloud-init"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // Deprecated words are no error to cloud-init; to us they are.
    if output.status.success() && !said.contains("deprecat") {
        Ok(())
    } else {
        Err(said)
    }
}
