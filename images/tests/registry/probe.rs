use sovereign_images::Layout;
use sovereign_images::certificate::authority;
use sovereign_images::registry::{ProbeError, probe};

use crate::served::{Served, put};

#[tokio::test]
async fn a_registry_is_seen_to_serve_what_it_should_and_nothing_else_passes() {
    let served = Served::start().await;
    let empty = probe(served.address, &served.ca_pem, &served.layout).await;
    assert!(matches!(empty, Err(ProbeError::Empty)), "{empty:?}");
    put(&served.layout, "kit", "1.0.0", b"a: 1\n");
    probe(served.address, &served.ca_pem, &served.layout)
        .await
        .unwrap();

    let stranger = authority("another").unwrap().certificate_pem;
    let silent = probe(served.address, &stranger, &served.layout)
        .await
        .unwrap_err();
    assert!(matches!(&silent, ProbeError::Silent { .. }), "{silent}");

    let other = Layout::create(served.path("other")).unwrap();
    put(&other, "kit", "2.0.0", b"a: 2\n");
    let other = probe(served.address, &served.ca_pem, &other).await.unwrap_err();
    assert!(other.to_string().contains("with 404"), "{other}");

    served.stop.cancel();
    served.serving.await.unwrap();
    let gone = probe(served.address, &served.ca_pem, &served.layout)
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("refused"), "{gone}");
}
