//! Up and down again: each registrar, a name below a customer's zone, and a person who enters everything by hand.

use sovereign_lab::{CustomerDomain, PrivateDns, RegistrarVendor};

use crate::bench::{Bench, CHILD, DOMAIN};
use crate::person::attend;

/// Names that exist before, meanwhile and after.
const NAMES: [&str; 2] = ["www.acme.example", "console.acme.example"];

/// With a registrar that can do everything through its API.
async fn by_api(vendor: RegistrarVendor, customer: CustomerDomain) {
    let bench = Bench::start(vendor, customer).await;
    bench.spec_of_registrar();
    let before = (bench.shown(DOMAIN), bench.registrar().registry().domain(DOMAIN));
    let watch = bench.watch(&NAMES);

    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(DOMAIN);
    bench.registrar().registry().take_seen();
    let again = bench.sovereign(&["up", "acme", "--yes"]).success();
    let said = again.stdout.clone() + &again.stderr;
    assert!(said.contains("nothing was changed"), "{said}");
    let seen = bench.registrar().registry().take_seen();
    assert!(
        seen.iter().all(|request| !request.writes),
        "{vendor}: what stands is not asked for again"
    );

    bench.shorten(DOMAIN).await;
    bench.sovereign(&["destroy", "acme", "--yes"]).success();
    let after = (bench.shown(DOMAIN), bench.registrar().registry().domain(DOMAIN));
    assert_eq!(after, before, "{vendor}: it is given back as it was");
    for server in &bench.dns().operator {
        assert!(
            !server.has_zone("acme.example.").await.unwrap(),
            "the zone is gone"
        );
    }
    let seen = watch.end().await;
    assert!(
        seen.is_spotless(),
        "{vendor}: {} of {}: {:#?}",
        seen.answered,
        seen.asked,
        seen.failures
    );
}

/// With a registrar whose API takes name servers and no keys, or with none at all.
async fn with_a_person(vendor: RegistrarVendor, domain: Option<&str>) {
    let bench = Bench::start(vendor, CustomerDomain::new(DOMAIN)).await;
    match domain {
        Some(domain) => bench.spec(domain),
        None => bench.spec_of_registrar(),
    }
    let before = bench.shown(DOMAIN);
    let watch = bench.watch(&NAMES);
    attend(&bench, bench.sovereign(&["up", "acme.yaml", "--yes", "--json"])).await;
    bench.assert_proven(DOMAIN);
    bench.shorten(DOMAIN).await;
    attend(&bench, bench.sovereign(&["destroy", "acme", "--yes", "--json"])).await;
    assert_eq!(bench.shown(DOMAIN), before);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{vendor}: {:#?}", seen.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn dynadot_leads_there_and_back() {
    by_api(RegistrarVendor::Dynadot, CustomerDomain::new(DOMAIN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gandi_leads_there_and_back() {
    by_api(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn godaddy_leads_there_and_back() {
    by_api(RegistrarVendor::Godaddy, CustomerDomain::new(DOMAIN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ovh_leads_there_and_back() {
    by_api(RegistrarVendor::Ovh, CustomerDomain::new(DOMAIN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn porkbun_leads_there_and_back() {
    by_api(RegistrarVendor::Porkbun, CustomerDomain::new(DOMAIN)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn namecheap_leads_there_and_a_person_enters_the_keys() {
    with_a_person(RegistrarVendor::Namecheap, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_enters_everything() {
    let domain = format!("{{mode: delegated, name: {DOMAIN}}}");
    with_a_person(RegistrarVendor::Gandi, Some(&domain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_domain_changes_its_keys_on_the_way() {
    by_api(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN).signed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_delegates_a_name_below_a_zone_of_the_customer() {
    let vendor = RegistrarVendor::Cloudflare;
    let bench = Bench::start(vendor, CustomerDomain::new(DOMAIN).signed().with_mail()).await;
    bench.spec(&format!(
        "{{mode: childZone, name: {CHILD}, parent: {DOMAIN}, host: {}}}",
        vendor.credential()
    ));
    let watch = bench.watch(&["www.acme.example", "mail.acme.example"]);
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(CHILD);
    let shown = bench.shown(CHILD).join("\n");
    assert!(
        PrivateDns::OPERATOR.iter().all(|host| shown.contains(host)),
        "{shown}"
    );
    bench.shorten(CHILD).await;
    bench.sovereign(&["destroy", "acme", "--yes"]).success();
    assert_eq!(bench.shown(CHILD), [] as [String; 0]);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}
