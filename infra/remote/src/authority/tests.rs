use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CustomExtension, PKCS_ED25519};
use x509_parser::certificate::X509Certificate as X509;
use x509_parser::prelude::FromDer as _;

use super::*;

fn authority() -> Authority {
    let (certificate, key) = Authority::generate().unwrap();
    Authority::load(&certificate, &key).unwrap()
}

fn request(key: &KeyPair, params: &CertificateParams) -> String {
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn node() -> NodeId {
    "acme/acme-eu-cp-1".parse().unwrap()
}

#[test]
fn a_host_is_who_the_authority_says_whatever_it_asked_for() {
    let key = KeyPair::generate().unwrap();
    let mut greedy = CertificateParams::new(vec!["installer.example".to_owned()]).unwrap();
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let request = SigningRequest::read(&request(&key, &greedy)).unwrap();
    let pem = authority().sign(&request, &node()).unwrap();

    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let peer = Peer::read(&der).unwrap();
    assert_eq!(peer.node, node());
    assert_eq!(peer.public_key, request.public_key());
    let (_, parsed) = X509::from_der(&der).unwrap();
    assert!(!parsed.is_ca());
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth);
    let life = parsed.validity().not_after.timestamp() - Timestamp::now().as_second();
    assert!((1..=LEAF_DAYS * 86_400).contains(&life), "{life}");
}

#[test]
fn a_request_proves_that_its_key_is_held() {
    let (mine, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let params = CertificateParams::default();
    let honest = request(&mine, &params);
    let forged = pem_with_key_of(&honest, &mine, &theirs);
    assert!(SigningRequest::read(&honest).is_ok());
    let error = SigningRequest::read(&forged).unwrap_err();
    assert!(error.to_string().contains("signature"), "{error}");
}

#[test]
fn other_keys_and_unknown_extensions_are_refused() {
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    assert!(SigningRequest::read(&request(&ed25519, &CertificateParams::default())).is_err());
    let mut odd = CertificateParams::default();
    odd.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0])];
    assert!(SigningRequest::read(&request(&KeyPair::generate().unwrap(), &odd)).is_err());
    for text in [
        "",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    ] {
        assert!(SigningRequest::read(text).is_err());
    }
}

#[test]
fn an_authority_needs_its_own_key_and_does_not_show_it() {
    let (certificate, key) = Authority::generate().unwrap();
    let (_, other) = Authority::generate().unwrap();
    assert!(Authority::load(&certificate, &other).is_err());
    let shown = format!("{:?}", Authority::load(&certificate, &key).unwrap());
    assert_eq!(shown, "Authority { .. }");
}

#[test]
fn a_listener_is_named_by_addresses_and_names() {
    let names = ["192.0.2.7", "2001:db8::7", "installer.example"].map(str::to_owned);
    assert!(authority().server_config(&names).is_ok());
    assert!(authority().server_config(&["ü".to_owned()]).is_err());
}

/// A request whose key was exchanged after it was signed.
fn pem_with_key_of(request: &str, mine: &KeyPair, theirs: &KeyPair) -> String {
    let parsed = pem_bytes(request);
    let at = parsed
        .windows(mine.public_key_raw().len())
        .position(|w| w == mine.public_key_raw())
        .unwrap();
    let mut forged = parsed;
    forged[at..at + theirs.public_key_raw().len()].copy_from_slice(theirs.public_key_raw());
    let body = STANDARD.encode(forged);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
}

fn pem_bytes(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}
