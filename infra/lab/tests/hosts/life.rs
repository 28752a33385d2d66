//! A server's life: it boots by its user data, is reached and reaches others, goes off, comes back, and goes.

use serde_json::json;

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_hosts() {
    let bench = Bench::raise().await;
    let network = bench.network("net").await;
    let user_data = "#cloud-config\nruncmd:\n- echo $(hostname) > /root/hello\n";
    let more = json!({"user_data": user_data, "networks": [network]});
    let (one, two) = tokio::join!(bench.server("one", more.clone()), bench.server("two", more));
    assert_eq!(bench.booted("one").await, "status: done");
    assert_eq!(bench.booted("two").await, "status: done");
    assert_eq!(bench.shell("one", "cat /root/hello").await.stdout, "one\n");
    let _ = (one, two);
    bench.lab.shutdown().await.expect("ends");
}
