//! The DNS of its own, asked by other people's tools.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use sovereign_lab::{
    CustomerDomain, Fate, Memory, PrivateDns, PrivateDnsConfig, RegisteredDomain, RegistrarVendor, Resolver,
    Watch,
};

/// Numbers of record types (RFC 1035 section 3.2.2).
const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const PATIENCE: Duration = Duration::from_secs(15);

async fn start() -> PrivateDns {
    PrivateDns::start(PrivateDnsConfig::default()).await.unwrap()
}

/// Name servers that a server of the top level shows.
fn shown(dns: &PrivateDns, server: usize, domain: &str) -> String {
    let address = dns.top[server].address();
    let output = Command::new("dig")
        .arg(format!("@{}", address.ip()))
        .args(["-p", &address.port().to_string(), domain, "NS"])
        .args(["+norecurse", "+noall", "+authority", "+answer", "+tries=1"])
        .output()
        .expect("dig: install with `apt-get install -y bind9-dnsutils`");
    String::from_utf8(output.stdout).unwrap()
}

/// Asks until a resolver that remembers nothing for long says so.
async fn becomes(resolver: &Resolver, name: &str, kind: u16, wanted: Fate) {
    let began = Instant::now();
    loop {
        let fate = resolver.ask(name, kind).await;
        if fate == wanted {
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{name}: {fate:?} instead of {wanted:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_validating_resolver_finds_everything_and_proves_what_is_signed() {
    let dns = start().await;
    dns.host(&CustomerDomain::new("plain.example")).await.unwrap();
    let customer = CustomerDomain::new("signed.example").signed().with_mail();
    dns.host(&customer).await.unwrap();
    dns.add_pool("sovereigns.example").await.unwrap();
    let resolver = dns.resolver(Memory::Lasting).await.unwrap();
    for (name, kind, secure) in [
        (".", NS, true),
        ("ns1.operator.example", A, true),
        ("ns2.hosting.example", A, true),
        ("sovereigns.example", SOA, true),
        ("www.plain.example", A, false),
        ("www.signed.example", A, true),
    ] {
        let fate = resolver.ask(name, kind).await;
        assert_eq!(fate, Fate::Answered { secure }, "{name}");
    }
    let fate = resolver.ask("nobody.example", A).await;
    assert_eq!(fate, Fate::NoSuchName);
    dns.stop().await;
}

#[tokio::test]
async fn a_registrar_is_followed_by_each_server_of_the_top_level_when_it_may() {
    let dns = start().await;
    let gandi = dns.registrar(RegistrarVendor::Gandi).await.unwrap();
    dns.register(&gandi, &CustomerDomain::new("acme.example"))
        .await
        .unwrap();
    for server in [0, 1] {
        assert!(shown(&dns, server, "acme.example").contains("ns1.hosting.example."));
    }
    dns.top_level.hold(1);
    let entry = RegisteredDomain::on(RegistrarVendor::Gandi, &PrivateDns::OPERATOR);
    gandi.put("acme.example", entry).await;
    assert!(shown(&dns, 0, "acme.example").contains("ns1.operator.example."));
    assert!(shown(&dns, 1, "acme.example").contains("ns1.hosting.example."));
    dns.top_level.release(1).await;
    assert!(shown(&dns, 1, "acme.example").contains("ns1.operator.example."));
}

#[tokio::test]
async fn a_watch_tells_what_breaks_and_how() {
    let dns = start().await;
    dns.host(&CustomerDomain::new("acme.example").signed())
        .await
        .unwrap();
    let resolver = dns.resolver(Memory::Short).await.unwrap();
    let names = [("www.acme.example", A)];
    let watch = Watch::start(&[resolver.address], &names);
    becomes(&resolver, "www.acme.example", A, Fate::Answered { secure: true }).await;
    let seen = watch.end().await;
    assert!(seen.is_spotless() && seen.secure == seen.asked, "{seen:?}");

    let watch = Watch::start(&[resolver.address], &names);
    let ds = vec![format!("1 13 2 {}", "ab".repeat(32))];
    dns.delegate("acme.example", &PrivateDns::HOSTING, &ds).await;
    becomes(&resolver, "www.acme.example", A, Fate::Bogus).await;
    dns.delegate("acme.example", &[], &[]).await;
    becomes(&resolver, "www.acme.example", A, Fate::NoSuchName).await;
    dns.delegate("acme.example", &PrivateDns::OPERATOR, &[]).await;
    becomes(&resolver, "www.acme.example", A, Fate::Failure).await;
    let seen = watch.end().await;
    let fates: Vec<Fate> = seen.failures.iter().map(|sighting| sighting.fate).collect();
    assert!(fates.contains(&Fate::Bogus), "{fates:?}");
    assert!(!seen.is_spotless());
}

#[tokio::test]
async fn what_the_operator_holds_outlives_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = PrivateDnsConfig {
        state: Some(dir.path().to_owned()),
        ..PrivateDnsConfig::default()
    };
    let mut keys = Vec::new();
    for _ in 0..2 {
        let dns = PrivateDns::start(config.clone()).await.unwrap();
        dns.add_pool("sovereigns.example").await.unwrap();
        keys.push(dns.operator[1].dnskeys("sovereigns.example.").await.unwrap());
        let resolver = dns.resolver(Memory::Lasting).await.unwrap();
        let fate = resolver.ask("sovereigns.example", SOA).await;
        assert_eq!(fate, Fate::Answered { secure: true });
        dns.stop().await;
    }
    assert_eq!(keys[0], keys[1]);
}
