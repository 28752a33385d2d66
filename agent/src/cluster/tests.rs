//! The client against an API whose certificate is of another time.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::testing::Bench;

/// Shakes hands with whoever calls. Where it is, and the CA that signed its certificate.
async fn api(years: (i32, i32)) -> (SocketAddr, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let _ = tls.accept(stream).await;
        }
    });
    (at, ca_pem)
}

/// As k3s writes it.
fn kubeconfig(at: SocketAddr, ca: &str) -> String {
    let named = |what: &str, value: serde_json::Value| json!([{"name": "default", what: value}]);
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "default",
        "clusters": named("cluster", json!({
            "server": format!("https://{at}"),
            "certificate-authority-data": STANDARD.encode(ca),
        })),
        "users": named("user", json!({"token": "t"})),
        "contexts": named("context", json!({"cluster": "default", "user": "default"})),
    })
    .to_string()
}

#[tokio::test(flavor = "current_thread")]
async fn a_certificate_of_another_time_points_at_the_clock() {
    // The agent alone has one provider; beside the rest of the workspace there are two, and somebody has to choose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for years in [(2090, 2091), (2020, 2021)] {
        let (at, ca) = api(years).await;
        let test = Bench::new();
        let path = test.host.root.path(KUBECONFIG);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, kubeconfig(at, &ca)).unwrap();
        let cluster = Cluster::open(&test.host.root).await.unwrap();
        let node = ObjectId::new("v1", "Node", None, "a");
        let fault = cluster.get(&node).await.unwrap_err();
        assert!(fault.cause.contains("does not answer"), "{fault}");
        assert!(
            fault.cause.contains("certificate") && fault.remedy.contains("timedatectl"),
            "{fault}: {}",
            fault.remedy
        );
    }
}
