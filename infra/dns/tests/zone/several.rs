//! One zone on servers that do not know of each other.

use sovereign_dns::publish::lead;
use sovereign_dns::{ErrorClass, SovereignNames, check_zone, look, publish, sovereign_zone, withdraw};

use crate::bench::{Bench, names, words, zone};
use crate::oracle::delv;

#[tokio::test]
async fn every_server_signs_with_the_key_of_the_first_to_have_one() {
    let (one, two) = (Bench::start().await, Bench::start().await);
    let hosts = [one.hosts[0].clone(), two.hosts[0].clone()];
    let request = zone("acme");
    let published = publish(&hosts, &request).await.unwrap();
    assert_eq!(look(&hosts, &request).await.unwrap().as_ref(), Some(&published));
    assert_eq!(check_zone(&hosts, &request, &published).await.unwrap(), []);
    let serial = async |bench: &Bench| bench.host().find(&request.name).await.unwrap().unwrap().serial;
    assert_eq!(
        serial(&one).await.abs_diff(serial(&two).await),
        1,
        "a new zone's serial moves once"
    );

    // The first server is replaced by an empty one: the key that a parent may vouch for lives on.
    one.host().delete(&request.name).await.unwrap();
    assert_eq!(look(&hosts, &request).await.unwrap(), None);
    assert_eq!(publish(&hosts, &request).await.unwrap(), published);
    let key = &two.host().keys(&request.name).await.unwrap()[0].dnskey;
    let said = delv(one.server.dns_addr, &request.name, key, "new.acme.example", "A");
    assert!(said.contains("fully validated"), "{said}");

    withdraw(&hosts, &request.name, &request.mark).await.unwrap();
    assert_eq!(look(&hosts, &request).await.unwrap(), None);
}

#[tokio::test]
async fn servers_with_keys_of_their_own_are_refused() {
    let (one, two) = (Bench::start().await, Bench::start().await);
    let hosts = [one.hosts[0].clone(), two.hosts[0].clone()];
    let request = zone("acme");
    publish(&one.hosts, &request).await.unwrap();
    publish(&two.hosts, &request).await.unwrap();
    for error in [
        look(&hosts, &request).await.unwrap_err(),
        publish(&hosts, &request).await.unwrap_err(),
    ] {
        assert_eq!(error.class, ErrorClass::Stop);
        assert!(words(&error).contains("signs with other keys"), "{error}");
    }
}

#[tokio::test]
async fn names_are_led_elsewhere_at_the_servers_that_are_left() {
    let (one, two) = (Bench::start().await, Bench::start().await);
    let hosts = [one.hosts[0].clone(), two.hosts[0].clone()];
    publish(&hosts, &zone("acme")).await.unwrap();
    let moved = SovereignNames {
        ipv4: ["198.51.100.7".parse().unwrap()].into(),
        ..names("acme")
    };
    let moved = sovereign_zone(&moved).unwrap();
    one.server.stop().await;
    lead(&hosts, &moved).await;
    let copy = two.hosts[0].find(&moved.name).await.unwrap().unwrap();
    assert!(moved.leads_as_wanted(&copy));
    let error = publish(&hosts, &moved).await.unwrap_err();
    assert_eq!(
        error.class,
        ErrorClass::Retry,
        "the one that is down is told: {error}"
    );
}
