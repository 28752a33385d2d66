//! The plug is pulled at every point of a run: before and after every request, before and after every write of the journal.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::lab::Bench;
use crate::matrix::{Matrix, Tally};
use crate::shape::Shape;

/// Runs at a time; each waits most of its life for a dead installer's claim to end.
const AT_ONCE: usize = 10;
/// SIGABRT ends a process without a code.
const DIED: Option<i32> = None;

const UP: [&str; 3] = ["up", "ha.yaml", "--yes"];
const DESTROY: [&str; 3] = ["destroy", "acme-prod", "--yes"];

fn points(trace: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(trace).expect("the run left a trace");
    text.lines().map(str::to_owned).collect()
}

/// What a run that nobody disturbs comes to.
struct Undisturbed {
    shape: Shape,
    /// Requests that look, without the polls that wait.
    looks: u64,
    steps: u64,
}

async fn looks(bench: &Bench) -> u64 {
    let stats = bench.lab.client().stats().await.expect("the lab answers");
    let looks = stats
        .rows
        .iter()
        .filter(|row| row.method == "GET" && row.path != "/actions");
    looks.map(|row| row.count).sum()
}

/// The points of an undisturbed run up and of one down, and what stood in between.
async fn undisturbed() -> (BTreeSet<String>, BTreeSet<String>, Undisturbed) {
    let bench = Bench::quick().await;
    let (up, down) = (bench.place.path().join("up"), bench.place.path().join("down"));
    let run = bench.sovereign(UP).env("SOVEREIGN_CRASH_TRACE", &up);
    assert_eq!(run.ends().code, Some(0));
    let undisturbed = Undisturbed {
        shape: bench.shape().await,
        looks: looks(&bench).await,
        steps: 12,
    };
    let run = bench.sovereign(DESTROY).env("SOVEREIGN_CRASH_TRACE", &down);
    assert_eq!(run.ends().code, Some(0));
    (points(&up), points(&down), undisturbed)
}

/// A run up dies at `point`, and whether it did is returned; the next one must bring the same as an undisturbed one, and `destroy` must find all of it.
async fn up_dies_at(point: String, expected: Arc<Undisturbed>) -> bool {
    let bench = Bench::quick().await;
    let died = bench.sovereign(UP).dies_at(&point).ends().code;
    // Steps that run side by side may leave the last points of one run to another.
    assert!(died == DIED || died == Some(0), "{point}: {died:?}");
    bench.lab.client().reset_stats().await.expect("the lab answers");
    assert_eq!(
        bench.sovereign(UP).ends().code,
        Some(0),
        "{point}: the run goes on"
    );
    assert_eq!(bench.shape().await, expected.shape, "{point}");
    let looks = looks(&bench).await;
    assert!(
        looks <= expected.looks + expected.steps,
        "{point}: {looks} looks, at most one more a step"
    );
    assert_eq!(bench.sovereign(DESTROY).ends().code, Some(0), "{point}: destroy");
    assert!(bench.shape().await.is_empty(), "{point}: something is left");
    died == DIED
}

/// A run up dies at `point` and nobody goes on: `destroy` alone must leave nothing.
async fn abandoned_at(point: String) -> bool {
    let bench = Bench::quick().await;
    let died = bench.sovereign(UP).dies_at(&point).ends().code;
    let args = ["destroy", "ha.yaml", "--yes"];
    assert_eq!(bench.sovereign(args).ends().code, Some(0), "{point}");
    assert!(bench.shape().await.is_empty(), "{point}: something is left");
    died == DIED
}

/// A run down dies at `point`; the next one must leave nothing.
async fn destroy_dies_at(point: String) -> bool {
    let bench = Bench::quick().await;
    assert_eq!(bench.sovereign(UP).ends().code, Some(0), "{point}: up");
    let died = bench.sovereign(DESTROY).dies_at(&point).ends().code;
    assert!(died == DIED || died == Some(0), "{point}: {died:?}");
    assert_eq!(
        bench.sovereign(DESTROY).ends().code,
        Some(0),
        "{point}: the run goes on"
    );
    assert!(bench.shape().await.is_empty(), "{point}: something is left");
    died == DIED
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_of_a_run_survives_the_plug() {
    let mut matrix = Matrix::alone(AT_ONCE).await;
    let (up, down, expected) = undisturbed().await;
    assert!(
        up.len() > 60 && down.len() > 60,
        "{} and {} points",
        up.len(),
        down.len()
    );
    assert_eq!(
        (
            expected.shape.count("servers"),
            expected.shape.count("primary_ips")
        ),
        (5, 10)
    );
    let expected = Arc::new(expected);
    for point in &up {
        matrix.begin(up_dies_at(point.clone(), Arc::clone(&expected)));
    }
    for point in up.iter().filter(|point| point.contains("-after")) {
        matrix.begin(abandoned_at(point.clone()));
    }
    for point in down {
        matrix.begin(destroy_dies_at(point));
    }
    let Tally { died, lived, failed } = matrix.end().await;
    assert!(
        died > 20 * lived,
        "{died} runs died and {lived} never came to their point"
    );
    assert!(failed.is_empty(), "{} points failed: {failed:#?}", failed.len());
}

/// What was approved may go without being asked again; what appeared since may not.
#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_died_asks_again_only_for_what_is_new() {
    for (appeared, code) in [(0, 0), (1, 2)] {
        let bench = Bench::quick().await;
        assert_eq!(bench.sovereign(UP).ends().code, Some(0));
        let died = bench.sovereign(DESTROY).dies_at("journal-after:5").ends();
        assert_eq!(died.code, DIED);
        let client = bench.lab.client();
        if appeared > 0 {
            let made = client.make_inside("acme-prod-fsn-net", 0, 0, appeared).await;
            made.expect("the lab answers");
        }
        let again = bench.sovereign(["destroy", "acme-prod"]).ends();
        assert_eq!(again.code, Some(code), "{}", again.stderr);
        assert_eq!(bench.shape().await.is_empty(), code == 0);
    }
}
