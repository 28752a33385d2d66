//! A cloud token for the Sovereign to keep: looked at before anything is planned, and told to nobody.

use crate::harness::{Ended, Run};
use crate::lab::Bench;

/// A plan that goes as far as the hand-off, with the kit of nothing.
fn plan(bench: &Bench, args: &[&str], own: &str) -> Run {
    let (kit, key) = bench.place.signed_kit();
    bench
        .run(&[&["-vvv", "plan", "ha.yaml"], args].concat())
        .env("SOVEREIGN_UNTIL", "hand-off")
        .env("SOVEREIGN_ADVERTISE", "https://127.0.0.1:8443")
        .env("SOVEREIGN_K3S", "/bin/true")
        .env("SOVEREIGN_KIT", kit)
        .env("SOVEREIGN_KIT_KEY", key)
        .env("HCLOUD_TOKEN_SOVEREIGN", own)
}

fn is_silent(ended: &Ended, own: &str) {
    assert!(!ended.stdout.contains(own), "standard output holds the token");
    assert!(!ended.stderr.contains(own), "standard error holds the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_stay_is_named_with_why_and_what_to_do() {
    let bench = Bench::quick().await;
    let unknown = "n0ne".repeat(16);
    let reader = "read".repeat(16);
    for (own, why) in [
        (bench.lab.token(), "is the installer's own"),
        (unknown.as_str(), "does not take the token that is to stay"),
        (reader.as_str(), "may only read"),
    ] {
        let refused = plan(&bench, &[], own).exits(4);
        let said = &refused.stderr;
        assert!(
            said.contains(why) && said.contains("provider.sovereignToken"),
            "{said}"
        );
        assert!(said.contains("hint:"), "{said}");
        is_silent(&refused, own);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_its_own_is_in_the_plan_by_its_place_alone() {
    let bench = Bench::quick().await;
    let own = bench.lab.second_token();
    let planned = plan(&bench, &["--json"], own).success();
    is_silent(&planned, own);
    let steps = planned.json()["plan"]["steps"].take();
    let mut steps = steps.as_array().expect("a list").iter();
    let step = steps
        .find(|step| step["name"] == "hand_off")
        .expect("it hands off");
    assert_eq!(
        step["params"]["cloudToken"]["network"], "acme-prod-fsn-net",
        "{step:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_stops_before_the_hand_off_needs_none() {
    let bench = Bench::quick().await;
    bench.sovereign(["plan", "ha.yaml"]).success();
    let missing = plan(&bench, &[], "").exits(1);
    assert!(
        missing.stderr.contains("`HCLOUD_TOKEN_SOVEREIGN` is empty"),
        "{}",
        missing.stderr
    );
}
