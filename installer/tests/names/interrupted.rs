//! A run that is killed on the way goes on with the same command, and nobody's question fails meanwhile.

use std::time::{Duration, Instant};

use sovereign_lab::{CustomerDomain, RegistrarVendor};

use crate::bench::{Bench, DOMAIN};

/// Longest time for a run to come to a point.
const PATIENCE: Duration = Duration::from_mins(2);

/// Starts a command and kills it as soon as something is so; false if it ended before.
pub(crate) async fn killed_when(bench: &Bench, args: &[&str], is_so: impl Fn(&Bench) -> bool) -> bool {
    let mut child = bench.sovereign(args).with_a_short_claim().spawn();
    let began = Instant::now();
    while !is_so(bench) {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        assert!(began.elapsed() < PATIENCE, "it never comes to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().expect("it is killed");
    tokio::task::block_in_place(|| child.wait()).expect("it ends");
    true
}

fn entry(bench: &Bench) -> sovereign_lab::RegisteredDomain {
    bench.registrar().registry().domain(DOMAIN).expect("it is there")
}

fn is_ours(bench: &Bench) -> bool {
    entry(bench).ns.iter().any(|host| host.contains("operator"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plug_is_pulled_again_and_again() {
    pull_the_plug(|_, _| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plug_is_pulled_and_the_spec_edited_again_and_again() {
    pull_the_plug(Bench::edit_spec).await;
}

/// `meanwhile`: what is done before each run, by its number.
async fn pull_the_plug(meanwhile: impl Fn(&Bench, u8)) {
    let customer = CustomerDomain::new(DOMAIN).signed();
    let bench = Bench::start(RegistrarVendor::Gandi, customer).await;
    bench.spec_of_registrar();
    let before = (bench.shown(DOMAIN), entry(&bench));
    let watch = bench.watch(&["www.acme.example"]);
    let up = ["up", "acme.yaml", "--yes"];
    let asked = |bench: &Bench| {
        bench
            .registrar()
            .registry()
            .take_seen()
            .iter()
            .any(|it| it.writes)
    };
    // The old keys are asked to go, have gone, our servers are asked for, are there, our keys are there.
    assert!(killed_when(&bench, &up, asked).await);
    meanwhile(&bench, 1);
    assert!(killed_when(&bench, &up, |bench| entry(bench).ds.is_empty()).await);
    meanwhile(&bench, 2);
    assert!(killed_when(&bench, &up, is_ours).await);
    meanwhile(&bench, 3);
    assert!(killed_when(&bench, &up, |bench| is_ours(bench) && !entry(bench).ds.is_empty()).await);
    meanwhile(&bench, 4);
    bench.sovereign(&up).success();
    bench.assert_proven(DOMAIN);

    bench.shorten(DOMAIN).await;
    let down = ["destroy", "acme", "--yes"];
    assert!(killed_when(&bench, &down, |bench| entry(bench).ds.is_empty()).await);
    assert!(killed_when(&bench, &down, |bench| !is_ours(bench)).await);
    bench.sovereign(&down).success();
    assert_eq!((bench.shown(DOMAIN), entry(&bench)), before);
    let seen = watch.end().await;
    assert!(seen.is_spotless(), "{:#?}", seen.failures);
}
