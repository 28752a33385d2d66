//! Stand-ins are as large as what they stand for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt as _;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose};
use secrecy::{ExposeSecret as _, SecretString};
use sovereign_core::host::HostRole;
use sovereign_templates::{Encoding, Reach, UserData, filler};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

use crate::{AGENT, host, plain};

/// Bytes on the wire by which chance moves what compression leaves.
const CHANCE: usize = 32;

/// Where a listener may be.
const URL: &str = "https://192.0.2.10:8443";

/// As the node link makes it.
fn authority() -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Sovereign installer");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn key() -> (SecretString, String) {
    let pair = Ed25519Keypair::from_seed(&rand::rng().random());
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "sovereign").unwrap();
    let private = key.to_openssh(LineEnding::LF).unwrap().to_string();
    (private.into(), key.public_key().to_openssh().unwrap())
}

fn https() -> Reach {
    let ticket: [u8; 32] = rand::rng().random();
    Reach::Https {
        url: URL.into(),
        ca_pem: authority(),
        ticket: URL_SAFE_NO_PAD.encode(ticket).into(),
        agent_sha256: AGENT.into(),
    }
}

fn ssh() -> Reach {
    let (host_key_private, host_key_public) = key();
    Reach::Ssh {
        host_key_private,
        host_key_public,
        login_key_public: key().1,
    }
}

fn size(reach: Reach) -> usize {
    UserData::render(&host(HostRole::ControlPlane, reach), Encoding::GzipBase64)
        .unwrap()
        .size()
}

#[test]
fn a_plan_shows_the_size_that_will_travel() {
    let pairs: [(Reach, fn() -> Reach); 2] = [(filler::https(URL, AGENT), https), (filler::ssh(), ssh)];
    for (stand_in, real) in pairs {
        let planned = size(stand_in);
        for _ in 0..20 {
            let travels = size(real());
            assert!(
                planned.abs_diff(travels) <= CHANCE,
                "{planned} in the plan, {travels} in truth"
            );
        }
    }
}

/// Lengths of everything that is made later.
fn lengths(reach: &Reach) -> Vec<usize> {
    match reach {
        Reach::Https { ca_pem, ticket, .. } => vec![ca_pem.len(), ticket.expose_secret().len()],
        Reach::Ssh {
            host_key_private,
            host_key_public,
            login_key_public,
        } => vec![
            host_key_private.expose_secret().len(),
            host_key_public.len(),
            login_key_public.len(),
        ],
    }
}

#[test]
fn every_stand_in_has_the_length_of_the_real_thing() {
    assert_eq!(lengths(&filler::ssh()), lengths(&ssh()));
    let (stand_in, real) = (lengths(&filler::https(URL, AGENT)), lengths(&https()));
    // A signature's length is chance, by some bytes.
    assert!(stand_in[0].abs_diff(real[0]) <= 8, "{stand_in:?} {real:?}");
    assert_eq!(stand_in[1], real[1]);
}

#[test]
fn stand_ins_are_the_same_in_every_plan() {
    let text = |reach| plain(&host(HostRole::Worker, reach));
    assert_eq!(text(filler::ssh()), text(filler::ssh()));
    assert_eq!(text(filler::https(URL, AGENT)), text(filler::https(URL, AGENT)));
}
