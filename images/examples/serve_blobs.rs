//! Serves a layout with blobs of noise, made anew in a folder, until standard input ends: `serve_blobs FOLDER SIZE COUNT`.
//! Prints one JSON object: address, paths of the blobs, their files, and the files of CA, certificate and key.

use std::io::{Read as _, Write as _};
use std::path::Path;

use oci_spec::image::MediaType;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sovereign_images::certificate::{authority, issue};
use sovereign_images::{Digest, Layout, registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

type Failed = Box<dyn std::error::Error>;

/// Puts `count` blobs of `size` bytes that are all different.
fn fill(layout: &Layout, size: u64, count: u64) -> Result<Vec<Digest>, Failed> {
    let mut blobs = Vec::new();
    for number in 0..count {
        let noise = std::fs::File::open("/dev/urandom")?;
        let (digest, size) = layout.put_reader(&mut noise.take(size))?;
        let one = json!({"mediaType": "application/octet-stream", "digest": digest, "size": size});
        let manifest = json!({"schemaVersion": 2, "config": one, "layers": []}).to_string();
        let tag = format!("{number}").parse()?;
        layout.put_manifest(
            &"bench".parse()?,
            Some(&tag),
            &MediaType::ImageManifest,
            manifest.as_bytes(),
        )?;
        blobs.push(digest);
    }
    Ok(blobs)
}

// One thread, as in the agent.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, size, count] = arguments.as_slice() else {
        return Err("serve_blobs FOLDER SIZE COUNT".into());
    };
    let folder = Path::new(folder);
    let layout = Layout::create(folder.join("layout"))?;
    let blobs = fill(&layout, size.parse()?, count.parse()?)?;
    let ca = authority("bench")?;
    let server = issue(&ca, &["127.0.0.1".to_owned()])?;
    std::fs::write(folder.join("ca.pem"), &ca.certificate_pem)?;
    std::fs::write(folder.join("server.pem"), &server.certificate_pem)?;
    std::fs::write(folder.join("server.key"), server.key_pem.expose_secret())?;
    let tls = registry::tls(&server.certificate_pem, &server.key_pem)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let said = json!({
        "address": listener.local_addr()?.to_string(),
        "paths": blobs.iter().map(|digest| format!("/v2/bench/blobs/{digest}")).collect::<Vec<_>>(),
        "files": blobs.iter().map(|digest| layout.blob_path(*digest)).collect::<Vec<_>>(),
    });
    writeln!(std::io::stdout(), "{said}")?;
    let stop = CancellationToken::new();
    let end = stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.cancel();
    });
    registry::serve(listener, tls, registry::router(layout)?, stop).await;
    Ok(())
}
