//! The script that brings the agent, against a listener with TLS. The story is told in Python beside this file.

use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

/// Writes an authority and a certificate of it for 127.0.0.1.
fn authority(folder: &Path, name: &str) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "an authority");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let mut own = CertificateParams::new(names).unwrap();
    own.use_authority_key_identifier_extension = true;
    let own = own.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join(format!("{name}-ca.pem")), authority.pem()).unwrap();
    std::fs::write(
        folder.join(format!("{name}.pem")),
        format!("{}{}", own.pem(), key.serialize_pem()),
    )
    .unwrap();
}

#[test]
fn the_agent_comes_whole_from_the_pinned_installer_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    authority(folder.path(), "ours");
    authority(folder.path(), "theirs");
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("python3")
        .arg(format!("{root}/tests/host/fetch_agent.py"))
        .arg(format!("{root}/cloud-init/fetch_agent.py"))
        .arg(folder.path())
        .output()
        .expect("python3 is installed: run tests/setup.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn without_its_comments_the_script_is_the_same_program() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/cloud-init/fetch_agent.py");
    let (_, reach) = crate::reaches()[0].clone();
    let document: serde_json::Value =
        serde_saphyr::from_str(&crate::plain(&crate::host(crate::ROLES[0], reach))).unwrap();
    let files = document["write_files"].as_array().unwrap();
    let sent = files.iter().find(|file| file["permissions"] == "0755").unwrap();
    let same = "import ast, sys\na, b = (ast.dump(ast.parse(text)) for text in (open(sys.argv[1]).read(), sys.argv[2]))\nsys.exit(a != b)";
    let status = Command::new("python3")
        .args(["-c", same, script, sent["content"].as_str().unwrap()])
        .status()
        .expect("python3 is installed: run tests/setup.sh");
    assert!(status.success());
}
