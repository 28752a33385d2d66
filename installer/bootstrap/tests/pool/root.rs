//! A name out of a pool in a whole DNS: proven from the root down, and never broken for anybody who asks on the way up or down.

use sovereign_bootstrap::teardown::{PoolTeardown, plan_release};
use sovereign_core::event::RunOutcome;
use sovereign_dns::DomainName;
use sovereign_dns::probe::{DsSeen, Expectation, ParentServer, ProbeConfig, Prober, Security, TrustAnchor};
use sovereign_engine::journal::Direction;
use sovereign_engine::testing::StepBench as _;
use sovereign_lab::{PrivateDns, PrivateDnsConfig};

use crate::bench::{Bench, child, name, pool, up_from_the_root};

#[tokio::test]
async fn a_name_is_proven_from_the_root_and_nothing_leads_to_it_afterwards() {
    let dns = PrivateDns::start(PrivateDnsConfig::default()).await.unwrap();
    dns.add_pool(pool().as_str()).await.unwrap();
    let apis = dns
        .operator
        .iter()
        .map(|server| (server.dns.url.clone(), server.dns.key.clone()));
    let probe = ProbeConfig {
        roots: vec![dns.root()],
        port: dns.port(),
        anchor: Some(TrustAnchor::read(&dns.anchor_file()).unwrap()),
        ..ProbeConfig::default()
    };
    let bench = Bench::on(apis.collect(), probe.clone());
    let nameservers: Vec<DomainName> = PrivateDns::OPERATOR.map(|host| host.parse().unwrap()).into();
    let report = bench
        .run(&up_from_the_root("acme", &nameservers), Direction::Up)
        .await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let look = async || {
        Prober::new(probe.clone())
            .probe(&child(), &Expectation::default())
            .await
    };
    let seen = look().await;
    assert_eq!(seen.security, Security::Secure, "{:?}", seen.findings);

    let teardown = PoolTeardown {
        name: name(),
        generation: Some(1),
    };
    let down = plan_release(&"acme".parse().unwrap(), &child(), &teardown).unwrap();
    let report = bench.run(&down, Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert!(bench.world().await.is_empty());
    let seen = look().await;
    let still = |parent: &ParentServer| matches!(parent.ds, DsSeen::Present { .. });
    assert!(
        !seen.evidence.parents.iter().any(still),
        "{:?}",
        seen.evidence.parents
    );
}
