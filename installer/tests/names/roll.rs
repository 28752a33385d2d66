//! A new key of the zone comes to its parent by command, whoever is killed on the way, and every answer validates meanwhile.

use sovereign_lab::{CustomerDomain, RegistrarVendor};

use crate::bench::{Bench, DOMAIN, POOL, POOLED};
use crate::interrupted::killed_when;

const ROLL: [&str; 3] = ["zone", "roll-key", "acme"];

/// The keys that the parent's servers vouch for.
fn vouched(bench: &Bench, name: &str) -> Vec<String> {
    let shown = bench.shown(name).into_iter();
    shown.filter(|line| line.contains("\tDS\t")).collect()
}

/// The registrar has keys beside those of before.
fn has_both(bench: &Bench) -> bool {
    let domain = bench.registrar().registry().domain(DOMAIN);
    domain.expect("it is there").ds.len() > 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_gets_the_new_key_before_it_loses_the_old_one() {
    let bench = Bench::start(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN)).await;
    bench.spec_of_registrar();
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.shorten(DOMAIN).await;
    let before = bench.registrar().registry().domain(DOMAIN).unwrap();
    let watch = bench.watch(&["www.acme.example"]);

    assert!(killed_when(&bench, &ROLL, has_both).await, "it ended before");
    bench.sovereign(&ROLL).success();
    bench.assert_proven(DOMAIN);
    let after = bench.registrar().registry().domain(DOMAIN).unwrap();
    assert_eq!(after.ns, before.ns);
    assert_eq!(after.ds.len(), before.ds.len());
    assert_ne!(after.ds[0].rdata(), before.ds[0].rdata());

    // Whatever comes later finds the key that stands.
    bench.registrar().registry().take_seen();
    bench.sovereign(&["up", "acme", "--yes"]).success();
    let seen = bench.registrar().registry().take_seen();
    assert!(seen.iter().all(|request| !request.writes), "{seen:?}");
    bench.shorten(DOMAIN).await;
    bench.sovereign(&["destroy", "acme", "--yes"]).success();
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_vouches_for_the_new_key() {
    let bench = Bench::with_pool().await;
    bench.spec("{mode: pool, pool: sovereigns.example, label: acme}");
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    let before = vouched(&bench, POOLED);
    bench.shorten(POOL).await;
    bench.shorten(POOLED).await;
    let watch = bench.watch(&["console.acme.sovereigns.example"]);
    bench.sovereign(&ROLL).success();
    bench.assert_proven(POOLED);
    let after = vouched(&bench, POOLED);
    assert_eq!(after.len(), before.len());
    assert!(
        !after.iter().any(|key| before.contains(key)),
        "{before:?} {after:?}"
    );
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}
