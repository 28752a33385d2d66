//! The agent's calls against servers that are not what they should be. The true listener is tested with the installer.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use secrecy::SecretString;
use sovereign_remote::dial::{self, Credentials, DialError};
use sovereign_remote::wire::MAX_BODY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

const TICKET: &str = "canary-ticket";

/// A server with a certificate of its own CA that gives one answer to whatever is asked, and stays.
struct Server {
    url: Url,
    ca: String,
}

impl Server {
    async fn start(name: &str, years: (i32, i32), answer: Vec<u8>) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(vec![]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
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
        let url = format!("https://{}/acme", socket.local_addr().unwrap());
        tokio::spawn(serve(socket, TlsAcceptor::from(Arc::new(config)), answer));
        Self {
            url: url.parse().unwrap(),
            ca: ca_pem,
        }
    }

    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start("127.0.0.1", (2020, 2090), answer.into()).await
    }

    async fn enrol(&self) -> DialError {
        let key = dial::new_key().unwrap();
        let outcome = dial::enrol(&self.url, &self.ca, "cp-1", &SecretString::from(TICKET), &key).await;
        let error = outcome.unwrap_err();
        let told = format!("{error} {error:?} {}", error.remedy());
        assert!(!told.contains("canary") && !error.remedy().is_empty(), "{told}");
        error
    }
}

async fn serve(socket: TcpListener, tls: TlsAcceptor, answer: Vec<u8>) {
    let mut stay = Vec::new();
    while let Ok((stream, _)) = socket.accept().await {
        let Ok(mut stream) = tls.accept(stream).await else {
            continue;
        };
        let mut asked = [0; 16 * 1024];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(&answer).await;
        stay.push(stream);
    }
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_certificate_of_another_time_points_at_the_clock() {
    for years in [(2090, 2091), (2020, 2021)] {
        let error = Server::start("127.0.0.1", years, vec![]).await.enrol().await;
        assert!(matches!(error, DialError::Clock { .. }), "{error:?}");
        assert!(error.remedy().contains("timedatectl"));
    }
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_not_the_installers() {
    let error = Server::start("192.0.2.1", (2020, 2090), vec![])
        .await
        .enrol()
        .await;
    assert!(matches!(error, DialError::WrongCertificate { .. }), "{error:?}");
    let mut server = Server::answering("").await;
    server.ca = Server::answering("").await.ca;
    let error = server.enrol().await;
    assert!(
        error
            .to_string()
            .contains("not signed by the CA from this host's user data"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_is_told_by_what_it_means() {
    let refused = answer("403 Forbidden", r#"{"why":"too late","remedy":"be early"}"#);
    let error = Server::answering(refused).await.enrol().await;
    assert_eq!(
        (error.to_string().as_str(), error.remedy()),
        ("the installer turned this host away: too late", "be early")
    );
    let busy = Server::answering(answer("503 Service Unavailable", ""))
        .await
        .enrol()
        .await;
    assert!(matches!(busy, DialError::Unreachable { .. }), "{busy:?}");
    let large = answer("200 OK", &"x".repeat(MAX_BODY + 1));
    let portal =
        "HTTP/1.1 302 Found\r\nlocation: https://portal.example/\r\ncontent-length: 0\r\n\r\n".to_owned();
    for odd in [
        large,
        portal,
        answer("200 OK", "{}"),
        answer("403 Forbidden", "go away"),
    ] {
        let error = Server::answering(odd).await.enrol().await;
        assert!(matches!(error, DialError::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_link_is_given_by_an_upgrade_alone() {
    let server = Server::answering(answer("200 OK", "welcome")).await;
    let (certificate_pem, key_pem) = sovereign_remote::Authority::generate().unwrap();
    let credentials = Credentials {
        certificate_pem,
        key_pem,
    };
    let outcome = dial::connect(&server.url, &server.ca, &credentials).await;
    assert!(matches!(outcome.err(), Some(DialError::Protocol { .. })));
}

#[tokio::test]
async fn nobody_there_and_nobody_answering() {
    let mut server = Server::answering("").await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    server.url = format!("https://{closed}/acme").parse().unwrap();
    let error = server.enrol().await;
    assert!(
        matches!(&error, DialError::Unreachable { why, .. } if why.contains("refused")),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_installer_that_never_answers_is_not_waited_for() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut server = Server::answering("").await;
    server.url = format!("https://{}/acme", mute.local_addr().unwrap())
        .parse()
        .unwrap();
    let error = server.enrol().await;
    assert!(
        matches!(error, DialError::TimedOut { .. } | DialError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_key_or_certificate_is_named() {
    let server = Server::answering("").await;
    let (key, ticket) = (dial::new_key().unwrap(), SecretString::from(TICKET));
    let no_ca = dial::enrol(&server.url, "nothing", "cp-1", &ticket, &key)
        .await
        .unwrap_err();
    assert!(
        no_ca
            .to_string()
            .starts_with("the installer's CA cannot be used: "),
        "{no_ca}"
    );
    let no_key = dial::enrol(&server.url, &server.ca, "cp-1", &ticket, &ticket)
        .await
        .unwrap_err();
    assert!(
        no_key.to_string().starts_with("the host's key cannot be used: "),
        "{no_key}"
    );
    assert!(!no_key.to_string().contains("canary"));
}
