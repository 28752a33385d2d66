//! What does not go well ends delegated or as it was, and is told.

use std::time::{Duration, Instant};

use sovereign_lab::{CustomerDomain, RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, DOMAIN};

/// Longest wait for what is on its way.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_with_mail_is_left_alone() {
    let customer = CustomerDomain::new(DOMAIN).with_mail();
    let bench = Bench::start(RegistrarVendor::Gandi, customer).await;
    bench.spec_of_registrar();
    let before = bench.shown(DOMAIN);
    let ended = bench.sovereign(&["up", "acme.yaml", "--yes"]).ends();
    assert_ne!(ended.code, Some(0));
    let said = ended.stdout + &ended.stderr;
    assert!(
        said.contains("mail for `acme.example`") && said.contains("childZone"),
        "{said}"
    );
    assert_eq!(bench.shown(DOMAIN), before);
    assert!(
        bench
            .registrar()
            .registry()
            .take_seen()
            .iter()
            .all(|it| !it.writes),
        "nothing was asked for"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_that_stumbles_and_a_top_level_that_lags_are_waited_for() {
    let bench = Bench::start(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN)).await;
    bench.spec_of_registrar();
    for effect in [
        RegistrarEffect::DropResponse,
        RegistrarEffect::Error(500),
        RegistrarEffect::TaskFails,
    ] {
        bench
            .registrar()
            .registry()
            .fault(RegistrarFault::at_write(effect));
    }
    bench.dns().top_level.hold(1);
    let watch = bench.watch(&["www.acme.example"]);
    let child = bench.sovereign(&["up", "acme.yaml", "--yes"]).spawn();
    // One server of the top level shows it, and the other, which is held, not yet.
    let began = Instant::now();
    let lagging = loop {
        let shown = bench.shown(DOMAIN).join("\n");
        if shown.contains("operator") {
            break shown;
        }
        assert!(began.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(lagging.contains("hosting"), "{lagging}");
    assert!(!lagging.contains("\tDS\t"), "{lagging}");
    bench.dns().top_level.release(1).await;
    let ended = tokio::task::block_in_place(|| child.wait_with_output()).unwrap();
    assert!(ended.status.success(), "{ended:?}");
    bench.assert_proven(DOMAIN);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_that_refuses_is_named_and_the_domain_stays_where_it_is() {
    for refuses in [
        (|bench: &Bench| bench.registrar().revoke()) as fn(&Bench),
        |bench| bench.registrar().registry().set_locked(DOMAIN, true),
    ] {
        let bench = Bench::start(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN)).await;
        bench.spec_of_registrar();
        refuses(&bench);
        let before = bench.shown(DOMAIN);
        let ended = bench.sovereign(&["up", "acme.yaml", "--yes"]).ends();
        assert_ne!(ended.code, Some(0));
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("gandi"), "{said}");
        assert_eq!(bench.shown(DOMAIN), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_registrar_refuses_lead_back_by_themselves() {
    let bench = Bench::start(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN)).await;
    bench.spec_of_registrar();
    let before = bench.shown(DOMAIN);
    let watch = bench.watch(&["www.acme.example"]);
    // Our servers come; our keys are refused.
    let fault = RegistrarFault::at_write(RegistrarEffect::Error(403)).after(1);
    bench.registrar().registry().fault(fault);
    let ended = bench.sovereign(&["up", "acme.yaml", "--yes"]).ends();
    assert_ne!(ended.code, Some(0));
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("rolled back to its old delegation"), "{said}");
    assert_eq!(bench.shown(DOMAIN), before);
    let status = bench
        .sovereign(&["dns", "status", "acme", "--json"])
        .success()
        .json();
    assert_eq!(status["level"], "rolled_back", "{status:#}");

    // The cause is gone: the same command goes the whole way.
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(DOMAIN);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_on_the_operators_word_gives_the_domain_back() {
    let bench = Bench::start(RegistrarVendor::Gandi, CustomerDomain::new(DOMAIN).signed()).await;
    bench.spec_of_registrar();
    let before = bench.shown(DOMAIN);
    let watch = bench.watch(&["www.acme.example"]);
    bench.sovereign(&["up", "acme.yaml", "--yes"]).success();
    bench.assert_proven(DOMAIN);
    bench.shorten(DOMAIN).await;
    bench.sovereign(&["dns", "rollback", "acme", "--yes"]).success();
    assert_eq!(bench.shown(DOMAIN), before);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}
