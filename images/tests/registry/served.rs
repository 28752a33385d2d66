use std::net::SocketAddr;
use std::path::PathBuf;

use oci_spec::image::MediaType;
use reqwest::{Certificate, RequestBuilder, Response};
use serde_json::json;
use sovereign_images::artifact::{Files, Origin, flux};
use sovereign_images::certificate::{authority, issue};
use sovereign_images::client::{Client, Options};
use sovereign_images::{Digest, Layout, Reference, Repository, Tag, registry};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A registry over a layout of its own, on loopback, over TLS.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) layout: Layout,
    pub(crate) address: SocketAddr,
    pub(crate) ca_pem: String,
    pub(crate) http: reqwest::Client,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

pub(crate) fn repository(name: &str) -> Repository {
    name.parse().unwrap()
}

pub(crate) fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

/// Puts a Flux artifact of one file. Answers with its digest.
pub(crate) fn put(layout: &Layout, name: &str, version: &str, content: &[u8]) -> Digest {
    let files = Files::from([("kustomization.yaml".to_owned(), content.to_vec())]);
    let artifact = flux(&files, &Origin::default()).unwrap();
    artifact.put(layout, &repository(name), &tag(version)).unwrap();
    artifact.digest()
}

/// Puts a blob, and an image that has it: what no manifest has is not served.
pub(crate) fn put_blob(layout: &Layout, content: &[u8]) -> Digest {
    let (digest, _) = layout.put_bytes(content).unwrap();
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest, "size": content.len()},
        "layers": [],
    });
    let bytes = manifest.to_string();
    layout
        .put_manifest(
            &repository("kit"),
            None,
            &MediaType::ImageManifest,
            bytes.as_bytes(),
        )
        .unwrap();
    digest
}

/// Bytes that do not compress.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

impl Served {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path().join("layout")).unwrap();
        Self::over(folder, layout).await
    }

    pub(crate) async fn over(folder: TempDir, layout: Layout) -> Self {
        let ca = authority("test").unwrap();
        let server = issue(&ca, &["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let tls = registry::tls(&server.certificate_pem, &server.key_pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = registry::router(layout.clone()).unwrap();
        let serving = tokio::spawn(registry::serve(listener, tls, router, stop.clone()));
        let trusted = Certificate::from_pem(ca.certificate_pem.as_bytes()).unwrap();
        Self {
            folder,
            layout,
            address,
            ca_pem: ca.certificate_pem,
            http: reqwest::Client::builder()
                .tls_certs_only([trusted])
                .no_proxy()
                .build()
                .unwrap(),
            stop,
            serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    pub(crate) fn ask(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask(path).send().await.unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Options {
            ca_pem: Some(self.ca_pem.clone()),
            ..Options::default()
        })
        .unwrap()
    }

    pub(crate) fn reference(&self, rest: &str) -> Reference {
        format!("oci://{}/{rest}", self.address).parse().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

/// The code of an error's body.
pub(crate) async fn code(response: Response) -> String {
    let body: serde_json::Value = response.json().await.unwrap();
    body["errors"][0]["code"].as_str().unwrap().to_owned()
}
