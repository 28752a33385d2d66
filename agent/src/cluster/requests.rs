//! How often the cluster's API was asked.

use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;
use kube::client::Body;
use tower::util::MapRequestLayer;

static SENT: AtomicU64 = AtomicU64::new(0);

/// Requests to the cluster's API since this process started. One that the client repeats by itself because the API has no time for
/// it counts once.
pub(crate) fn sent() -> u64 {
    SENT.load(Ordering::Relaxed)
}

/// Counts every request of a client.
pub(super) fn counted() -> MapRequestLayer<fn(Request<Body>) -> Request<Body>> {
    MapRequestLayer::new(count)
}

fn count(request: Request<Body>) -> Request<Body> {
    SENT.fetch_add(1, Ordering::Relaxed);
    request
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{Layer as _, Service as _, service_fn};

    use super::*;

    #[tokio::test]
    async fn every_request_of_a_client_counts() {
        let before = sent();
        let mut client = counted().layer(service_fn(async |_: Request<Body>| Ok::<_, Infallible>(())));
        for _ in 0..3 {
            client.call(Request::new(Body::empty())).await.unwrap();
        }
        assert_eq!(sent() - before, 3);
    }
}
