//! The plan that gives a zone a new key, below a root and a top level of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sovereign_bootstrap::plan_roll;
use sovereign_bootstrap::registry;
use sovereign_bootstrap::steps::RolledZone;
use sovereign_core::event::RunOutcome;
use sovereign_dns::host::Signing;
use sovereign_dns::probe::{ProbeConfig, TrustAnchor};
use sovereign_dns::record::{Ds, RecordSet, Records, Soa};
use sovereign_dns::zone::Change;
use sovereign_dns::{DomainName, Mailbox, ZoneMark, ZoneRequest, publish};
use sovereign_engine::executor::{Executor, ExecutorConfig};
use sovereign_engine::journal::Direction;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::lease::WorkerId;
use tokio_util::sync::CancellationToken;

use super::{Bench, services_with, sovereign};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// Short enough to be waited for.
const TTL: u32 = 1;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn set(owner: &str, kind: &str, text: &str) -> RecordSet {
    RecordSet {
        name: name(owner),
        ttl: TTL,
        records: Records::read(kind.into(), &[text.to_owned()].into()),
    }
}

fn request(zone: &str, mut sets: Vec<RecordSet>) -> ZoneRequest {
    sets.push(set(zone, "NS", "ns.test."));
    ZoneRequest {
        name: name(zone),
        mark: ZoneMark::of(&sovereign()),
        soa: Soa {
            primary: name("ns.test"),
            contact: Mailbox::hostmaster(&name("test")),
            serial: 0,
            refresh: 10_800,
            retry: 3_600,
            expire: 1_209_600,
            negative_ttl: TTL,
        },
        soa_ttl: TTL,
        sets,
    }
}

/// Root, `test` and `acme.test` on one server; answers the root's trust anchor and the key that is vouched for.
async fn world(bench: &Bench) -> (TrustAnchor, Vec<Ds>) {
    let hosts = [bench.host()];
    let here = || set("ns.test", "A", &HERE.to_string());
    let zone = request("acme.test", vec![set("www.acme.test", "A", "192.0.2.7")]);
    let made = publish(&hosts, &zone).await.unwrap();
    let below = |zone: &str, ds: &Ds| {
        vec![
            here(),
            set(zone, "NS", "ns.test."),
            set(zone, "DS", &ds.to_string()),
        ]
    };
    let tld = publish(&hosts, &request("test", below("acme.test", &made.ds[0])))
        .await
        .unwrap();
    let root = request(".", below("test", &tld.ds[0]));
    hosts[0].create(&root, 1, Signing::OwnKey).await.unwrap();
    let keys = hosts[0].keys(&root.name).await.unwrap();
    let anchor = format!(". IN DNSKEY {}\n", keys[0].dnskey);
    (TrustAnchor::parse(&anchor).unwrap(), made.ds)
}

#[tokio::test]
async fn a_key_is_rolled_by_a_plan_that_was_stopped_and_went_on() {
    let bench = Bench::start().await;
    let (anchor, old) = world(&bench).await;
    let probe = ProbeConfig {
        port: bench.server.dns_addr.port(),
        ..ProbeConfig::private(vec![HERE], Some(anchor))
    };
    let zone = RolledZone {
        sovereign: sovereign(),
        zone: name("acme.test"),
        nameservers: [name("ns.test")].into_iter().collect(),
        pool: None,
        secondaries: Vec::new(),
        retiring: old.clone(),
    };
    let plan = plan_roll(&zone, None).unwrap();
    let journal = Arc::new(MemoryJournal::default());
    let run = async |cancel: CancellationToken| {
        let services = Arc::new(services_with(Some(bench.host()), probe.clone()));
        let config = ExecutorConfig::default();
        let executor = Executor::new(journal.clone(), Arc::new(registry()), services, config);
        let run = executor.run(WorkerId::new("worker"), &plan, Direction::Up, cancel);
        run.await.unwrap()
    };
    let keys = async || bench.host().keys(&name("acme.test")).await.unwrap();

    // Stopped once the key is there: nobody has told the parent yet.
    let cancel = CancellationToken::new();
    let stop = async {
        while keys().await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        cancel.cancel();
    };
    let (report, ()) = tokio::join!(run(cancel.clone()), stop);
    assert_eq!(report.outcome, RunOutcome::Cancelled, "{report:?}");
    assert_eq!(keys().await.len(), 2, "both keys sign");

    // Gone on with: the parent is told while the plan watches it.
    let new: Vec<Ds> = keys().await.iter().flat_map(|key| key.ds.clone()).collect();
    let new: Vec<Ds> = new.into_iter().filter(|ds| !old.contains(ds)).collect();
    let tell = async {
        let change = Change::Replace(set("acme.test", "DS", &new[0].to_string()));
        bench.host().change(&name("test"), &[change]).await.unwrap();
    };
    let (report, ()) = tokio::join!(run(CancellationToken::new()), tell);
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
    let left = keys().await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].ds, new);
}
