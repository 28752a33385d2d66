use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::artifact::{Files, Origin, flux};

fn signed() -> (tempfile::TempDir, Layout, Repository, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    let repository: Repository = "kit".parse().unwrap();
    let artifact = flux(
        &Files::from([("a".to_owned(), b"x".to_vec())]),
        &Origin::default(),
    )
    .unwrap();
    artifact.put(&layout, &repository, &"1".parse().unwrap()).unwrap();
    (folder, layout, repository, artifact.digest())
}

#[test]
fn a_signature_is_by_one_key_and_of_one_manifest() {
    let (_folder, layout, repository, digest) = signed();
    let (ours, theirs) = (SigningKey::generate(), SigningKey::generate());
    let check = |key: &SigningKey| verify(&layout, &repository, digest, &key.public());
    assert!(matches!(check(&ours), Err(SignatureError::Unsigned(_))));
    sign(&layout, &repository, digest, "registry.example/kit", &ours).unwrap();
    check(&ours).unwrap();
    assert!(matches!(check(&theirs), Err(SignatureError::Untrusted(_, 1))));
    let before = layout.tags(&repository).unwrap();
    sign(&layout, &repository, digest, "registry.example/kit", &ours).unwrap();
    assert_eq!(layout.tags(&repository).unwrap(), before);
    sign(&layout, &repository, digest, "registry.example/kit", &theirs).unwrap();
    check(&ours).unwrap();
    check(&theirs).unwrap();
    assert_eq!(layout.verify().unwrap().problems, []);
}

#[test]
fn a_signature_of_something_else_is_none() {
    let (_folder, layout, repository, digest) = signed();
    let key = SigningKey::generate();
    let payload = payload::of("registry.example/kit", Digest::of(b"something else"));
    let mut layer = described(PAYLOAD, &payload);
    let signature = STANDARD.encode(key.sign(&payload));
    layer.set_annotations(Some(HashMap::from([(SIGNATURE.to_owned(), signature)])));
    let copied = Artifact::new((CONFIG, plain_config(&[])), vec![(layer, payload)], []);
    copied
        .put(&layout, &repository, &Tag::of_signatures(digest))
        .unwrap();
    let refused = verify(&layout, &repository, digest, &key.public());
    assert!(
        matches!(refused, Err(SignatureError::Untrusted(_, 1))),
        "{refused:?}"
    );
}

#[test]
fn keys_are_read_as_they_are_written_and_private_ones_not_shown() {
    let key = SigningKey::generate();
    let pem = key.to_pem().unwrap();
    assert!(pem.expose_secret().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(SigningKey::from_pem(&pem).unwrap().public(), key.public());
    let public = key.public().to_pem().unwrap();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"));
    assert_eq!(PublicKey::from_pem(&public).unwrap(), key.public());
    assert_eq!(format!("{key:?}"), "SigningKey { .. }");
    assert!(PublicKey::from_pem("x").is_err());
    assert!(SigningKey::from_pem(&SecretString::from("x")).is_err());
}

/// Signatures are verified by OpenSSL, which shares no code with ours.
#[test]
fn openssl_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("pub.pem"), key.public().to_pem().unwrap()).unwrap();
    std::fs::write(at("payload"), b"what is signed").unwrap();
    std::fs::write(at("signature"), key.sign(b"what is signed")).unwrap();
    let verified = std::process::Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-verify",
            "pub.pem",
            "-signature",
            "signature",
            "payload",
        ])
        .current_dir(folder.path())
        .output()
        .expect("openssl runs; Debian has it in `openssl`");
    assert!(verified.status.success(), "{verified:?}");
}
