//! Answers that are lost, wrong or nonsense.

use std::sync::Arc;

use sovereign_dns::{ErrorClass, Published, ZoneHost, check_zone, look, publish, withdraw};

use crate::bench::{Bench, connect, words, zone};
use crate::relay::{Mischief, Relay};

async fn behind_a_relay(bench: &Bench) -> (Relay, Vec<Arc<dyn ZoneHost>>) {
    let relay = Relay::start(&bench.server.url).await;
    let hosts = vec![connect(&relay.url, &bench.server.key)];
    (relay, hosts)
}

#[tokio::test]
async fn a_zone_takes_few_requests() {
    let bench = Bench::start().await;
    let (relay, hosts) = behind_a_relay(&bench).await;
    let request = zone("acme");
    look(&hosts, &request).await.unwrap();
    let published = publish(&hosts, &request).await.unwrap();
    check_zone(&hosts, &request, &published).await.unwrap();
    let zone = "/zones/acme.example.";
    let wanted = [
        format!("GET {zone}"),
        "POST /zones".to_owned(),
        format!("PUT {zone}/metadata/PUBLISH-CDS"),
        format!("PUT {zone}/metadata/PUBLISH-CDNSKEY"),
        format!("GET {zone}/cryptokeys"),
        "GET".to_owned(),
        "GET /config".to_owned(),
    ];
    assert_eq!(relay.seen(), wanted);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_settled_by_looking() {
    for mischief in [
        Mischief::LoseAnswer,
        Mischief::AnswerAfterwards(500, "Internal Server Error"),
        Mischief::AnswerAfterwards(504, "<html>gateway timeout</html>"),
        Mischief::AnswerAfterwards(201, "{\"name\": 7"),
    ] {
        let bench = Bench::start().await;
        let (relay, hosts) = behind_a_relay(&bench).await;
        let request = zone("acme");
        relay.plan([mischief]);
        let error = publish(&hosts, &request).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unsettled, "{mischief:?}: {error}");
        let found = look(&hosts, &request).await.unwrap();
        assert!(
            found.is_none(),
            "{mischief:?}: the zone is there and ours, and says nothing of its keys"
        );
        let published = publish(&hosts, &request).await.unwrap();
        assert_eq!(look(&hosts, &request).await.unwrap(), Some(published));
        let sent = relay.seen();
        let creates = sent.iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(creates, 2, "one that was lost, one that was told so: {sent:?}");
    }
}

#[tokio::test]
async fn a_create_that_never_arrived_is_made_by_the_next() {
    let bench = Bench::start().await;
    let (relay, hosts) = behind_a_relay(&bench).await;
    let request = zone("acme");
    relay.plan([Mischief::LoseRequest]);
    let error = publish(&hosts, &request).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Unsettled);
    assert_eq!(look(&hosts, &request).await.unwrap(), None);
    let published = publish(&hosts, &request).await.unwrap();
    assert_eq!(bench.check(&request, &published).await, []);
}

#[tokio::test]
async fn every_answer_has_its_class() {
    use ErrorClass::{Retry, Stop};
    let bench = Bench::start().await;
    let (relay, hosts) = behind_a_relay(&bench).await;
    let request = zone("acme");
    for (mischief, class, said) in [
        (Mischief::Answer(500, "no database"), Retry, "no database (500)"),
        (Mischief::Answer(503, ""), Retry, "503 Service Unavailable"),
        (Mischief::Answer(429, "slow down"), Retry, "slow down (429)"),
        (Mischief::LoseAnswer, Retry, "the connection broke"),
        (Mischief::Answer(401, "Unauthorized"), Stop, "Unauthorized (401)"),
        (Mischief::Answer(302, ""), Stop, "302 Found"),
        (
            Mischief::Answer(200, "<html>hello</html>"),
            Stop,
            "not the expected JSON",
        ),
        (
            Mischief::Answer(422, "{\"error\":\"bad\\nname\"}"),
            Stop,
            "bad name (422)",
        ),
    ] {
        relay.plan([mischief]);
        let error = hosts[0].find(&request.name).await.unwrap_err();
        assert_eq!(error.class, class, "{mischief:?}: {error}");
        assert!(error.to_string().contains(said), "{mischief:?}: {error}");
        assert!(!error.remedy.is_empty());
    }
    for body in ["{\"daemon_type\":\"recursor\",\"version\":\"5.0.0\"}", "[]"] {
        relay.plan([Mischief::Answer(200, body)]);
        assert_eq!(hosts[0].facts().await.unwrap_err().class, Stop, "{body}");
    }
}

#[tokio::test]
async fn nobody_there_may_come_back_and_is_not_asked_twice() {
    let host = connect("http://127.0.0.1:9", "key");
    let request = zone("acme");
    let error = publish(&[host], &request).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Retry);
    assert!(words(&error).contains("cannot connect"), "{error}");
}

#[tokio::test]
async fn without_servers_nothing_is_proven_or_removed() {
    let request = zone("acme");
    let published = Published { ds: Vec::new() };
    for error in [
        publish(&[], &request).await.unwrap_err(),
        check_zone(&[], &request, &published).await.unwrap_err(),
        withdraw(&[], &request.name, &request.mark).await.unwrap_err(),
    ] {
        assert_eq!(error.class, ErrorClass::Stop);
        assert!(words(&error).contains("dns.servers"), "{error}");
    }
    assert_eq!(look(&[], &request).await.unwrap(), None);
}

#[tokio::test]
async fn a_private_key_is_in_no_error() {
    let bench = Bench::start().await;
    let (relay, hosts) = behind_a_relay(&bench).await;
    let request = zone("acme");
    publish(&hosts, &request).await.unwrap();
    let id = hosts[0].keys(&request.name).await.unwrap()[0].id;
    relay.plan([
        Mischief::Answer(500, "Private-key-format: v1.2 SECRET"),
        Mischief::Answer(200, "{\"privatekey\": SECRET"),
        Mischief::Answer(422, "{\"error\":\"SECRET\"}"),
    ]);
    for _ in 0..2 {
        let error = hosts[0].export_key(&request.name, id).await.unwrap_err();
        assert!(!words(&error).contains("SECRET"), "{error:?}");
    }
    let error = hosts[0]
        .import_key(&request.name, &"SECRET".into())
        .await
        .unwrap_err();
    assert!(!words(&error).contains("SECRET"), "{error:?}");
}
