//! The cloud token that stays with a Sovereign is its own: in the cluster, and nowhere else.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::bench::Bench;
use crate::cluster::kubectl;

/// Variable of `lab env` with another token of the lab's project.
const OWN: &str = "HCLOUD_TOKEN_SOVEREIGN";

/// Writes a token of the Sovereign's own into a spec.
pub(crate) fn keep_one(spec: &str) {
    let text = std::fs::read_to_string(spec).expect("the spec");
    let one = "token: {env: HCLOUD_TOKEN}";
    assert!(text.contains(one), "{text}");
    let two = format!("{one}, sovereignToken: {{env: {OWN}}}");
    std::fs::write(spec, text.replace(one, &two)).expect("the spec is written");
}

/// The cloud's controllers find it, and it is in no file of the host or the installer and in nothing that is said. `said` is what the
/// installer said while it handed over.
pub(crate) fn is_in_the_cluster_alone(bench: &Bench, name: &str, host: &str, said: &str) {
    let own = bench.env(OWN);
    let secret = kubectl(bench, host, "-n kube-system get secret hcloud -o json");
    let secret: Value = serde_json::from_str(&secret).expect("the Secret is there");
    assert_eq!(secret["data"]["token"], STANDARD.encode(own));
    assert_eq!(
        secret["data"]["network"],
        STANDARD.encode(format!("{name}-fsn-net"))
    );

    // Secrets are encrypted in etcd, so that its files are among those that are looked through.
    let look = format!(
        "grep -rlF -D skip {own} /etc /root /run /tmp /var/lib /var/log 2>/dev/null; journalctl --no-pager | grep -cF {own}"
    );
    let found = bench.on(host, &look);
    assert_eq!(found.trim(), "0", "it is on the host: {found}");

    assert!(!said.contains(own), "the installer said it");
    for args in [
        ["logs", name, "--json"].as_slice(),
        &["status", name, "--json"],
        &["report", name],
        &["kubeconfig", name],
    ] {
        let ended = bench.sovereign(args).success();
        assert!(
            !format!("{}{}", ended.stdout, ended.stderr).contains(own),
            "{args:?} says it"
        );
    }
    // The lab beside it knows its own tokens.
    let files = std::fs::read_dir(bench.place.state()).expect("the state directory");
    for path in files.map(|entry| entry.expect("an entry").path()) {
        assert!(
            !path.is_file() || !holds(&path, own),
            "{} holds it",
            path.display()
        );
    }
}

fn holds(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).expect("a file");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What is not proven is that the installer's token is revoked, until the cloud says so of that very token.
pub(crate) fn installers_is_asked_about(bench: &Bench, name: &str) {
    let open = |report: &Value| {
        let list = report["notProven"].as_array().expect("a list");
        let tokens = list
            .iter()
            .filter(|one| one["what"].to_string().contains("token"));
        tokens.map(|one| one["what"].clone()).collect::<Vec<_>>()
    };
    let ask = || bench.sovereign(&["report", name, "--check-revoked"]);
    let report = bench.sovereign(&["report", name]).success().json();
    assert_eq!(open(&report), ["installer's cloud token"], "{report:#}");

    let accepted = ask().exits(5);
    assert!(accepted.stdout.contains("still takes it"), "{}", accepted.stdout);
    let another = ask().env("HCLOUD_TOKEN", bench.env(OWN)).exits(1);
    assert!(another.stderr.contains("another token"), "{}", another.stderr);

    let unknown = ["--effect", "error", "--status", "401", "--code", "unauthorized"];
    let revoke = [["lab", "fault", "set", "revoked"].as_slice(), &unknown].concat();
    bench.sovereign(&revoke).success();
    let report = ask().success().json();
    bench.sovereign(&["lab", "fault", "clear", "revoked"]).success();
    assert_eq!(open(&report), Vec::<Value>::new(), "{report:#}");
    assert!(
        report["proofs"].to_string().contains("the cloud refused the one"),
        "{report:#}"
    );
}
