//! A registrar's secrets are in no file and no output.

use std::path::Path;

use sovereign_lab::{CustomerDomain, RegistrarVendor};

use crate::bench::{Bench, DOMAIN};

fn assert_nowhere(secrets: &[String], dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_nowhere(secrets, &path);
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        for secret in secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrars_secrets_are_nowhere() {
    let bench = Bench::start(RegistrarVendor::Ovh, CustomerDomain::new(DOMAIN)).await;
    bench.spec_of_registrar();
    let secrets = bench.registrar().secrets();
    for args in [
        ["-vvv", "plan", "acme.yaml"].as_slice(),
        &[
            "-vvv",
            "--log-format",
            "json",
            "up",
            "acme.yaml",
            "--yes",
            "--json",
        ],
        &["-vvv", "status", "acme"],
        &["-vvv", "logs", "acme"],
    ] {
        let ended = bench.sovereign(args).success();
        for secret in &secrets {
            assert!(!ended.stdout.contains(secret), "{args:?}");
            assert!(!ended.stderr.contains(secret), "{args:?}");
        }
        assert_nowhere(&secrets, &bench.place.state());
    }
}
