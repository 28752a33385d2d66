//! The lab's names by command alone, as people have them.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Place, Run};

/// A lab that runs by itself, and the exports that it prints.
struct Background {
    place: Place,
    env: Value,
}

impl Background {
    fn start() -> Self {
        let place = Place::new();
        let up = [
            "lab",
            "up",
            "--api-only",
            "--dns",
            "--registrar",
            "gandi:acme.example+signed",
            "--pool",
            "sovereigns.example",
            "--listen",
            "127.0.0.1:0",
            "--detach",
        ];
        place.sovereign(up).success();
        let env = place.sovereign(["lab", "env", "--json"]).success().json();
        Self { place, env }
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut run = self.place.sovereign(args);
        for (name, value) in self.env.as_object().expect("a map") {
            run = run.env(name, value.as_str().expect("text"));
        }
        run
    }

    fn domain(&self) -> Value {
        let shown = self.run(&["lab", "registrar", "show", "acme.example", "--json"]);
        let mut shown = shown.success().json();
        shown[0]["domains"]["acme.example"].take()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.run(&["lab", "down"]).spawn().wait().expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_can_be_changed_and_goes() {
    let lab = Background::start();
    for name in ["acme.example", "sovereigns.example"] {
        let report = lab.run(&["dns", "check", name, "--json"]).success().json();
        assert_eq!(report["security"], "secure", "{report:#}");
    }
    let env = |name: &str| lab.env[name].as_str().expect("it is printed").to_owned();
    assert!(env("SOVEREIGN_REGISTRAR_ENDPOINT").starts_with("gandi=http://127.0.0.1:"));
    assert!(env("GANDI_TOKEN").starts_with("canary-"));

    lab.run(&["lab", "registrar", "lock", "acme.example"]).success();
    assert_eq!(lab.domain()["locked"], true);
    let hosts = "ns1.operator.example,ns2.operator.example";
    lab.run(&[
        "lab",
        "registrar",
        "set",
        "acme.example",
        "--ns",
        hosts,
        "--no-ds",
    ])
    .success();
    let checked = lab
        .run(&["dns", "check", "acme.example", "--expect-ns", hosts, "--json"])
        .exits(1);
    assert_eq!(checked.json()["progress"]["overall"], "new");
    lab.run(&["lab", "registrar", "fault", "gandi", "--effect", "garbage"])
        .success();
    lab.run(&["lab", "registrar", "heal", "gandi"]).success();
    lab.run(&["lab", "shorten", "sovereigns.example"]).success();
    for refused in [
        &["lab", "shorten", "nobody.example"][..],
        &["lab", "registrar", "set", "nobody.example", "--default-ns"],
        &["lab", "registrar", "revoke", "ovh"],
    ] {
        lab.run(refused).exits(1);
    }
    lab.run(&["lab", "registrar", "set", "acme.example"]).exits(2);

    let anchor = env("SOVEREIGN_DNS_ANCHOR");
    assert!(Path::new(&anchor).exists());
    lab.run(&["lab", "down"]).success();
    assert!(!Path::new(&anchor).exists());
}
