//! A name out of a pool in a whole DNS: proven from the root down, and never broken for anybody who asks on the way up or down.

use sovereign_bootstrap::teardown::{PoolTeardown, plan_release};
use sovereign_core::event::RunOutcome;
use sovereign_dns::DomainName;
use sovereign_dns::probe::{DsSeen, Expectation, ParentServer, ProbeConfig, Prober, Security, TrustAnchor};
use sovereign_engine::journal::Direction;
use sovereign_engine::testing::StepBench as _;
use sovereign_lab::{PrivateDns, PrivateDnsConfig};

use crate::bench::{Bench, child, name, pool, up_from_the_root};

async fn dns() -> PrivateDns {
    let dns = PrivateDns::start(PrivateDnsConfig::default()).await.unwrap();
    dns.add_pool(pool().as_str()).await.unwrap();
    dns
}

fn bench(dns: &PrivateDns) -> Bench {
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
    Bench::on(apis.collect(), probe)
}

/// Whoever comes by a name that leads nowhere has the Sovereign.
#[tokio::test]
async fn the_pool_leads_to_no_server_that_does_not_answer() {
    let dns = dns().await;
    let bench = bench(&dns);
    let nameservers = [PrivateDns::OPERATOR[0], "ns9.nowhere.example"].map(|host| host.parse().unwrap());
    let plan = up_from_the_root("acme", &nameservers, 1);
    let report = bench.run(&plan, Direction::Up).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(
        said.contains("ns9.nowhere.example") && said.contains("is not touched"),
        "{said}"
    );
    for host in bench.hosts() {
        let there = host.sets(&pool(), Some(&child())).await.unwrap().unwrap();
        assert!(there.is_empty(), "{there:?}");
    }
}

#[tokio::test]
async fn a_name_is_proven_from_the_root_and_nothing_leads_to_it_afterwards() {
    let dns = dns().await;
    let bench = bench(&dns);
    let probe = bench.probe.clone();
    let nameservers: Vec<DomainName> = PrivateDns::OPERATOR.map(|host| host.parse().unwrap()).into();
    let report = bench
        .run(&up_from_the_root("acme", &nameservers, 60), Direction::Up)
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
