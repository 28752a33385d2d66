//! What a run to the cluster wants to have, before anything is asked of anybody, and how far a run goes by what it is given.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sovereign_images::Digest;
use sovereign_lab::{Fault, FaultEffect};

use crate::harness::Ended;
use crate::lab::Bench;

/// A program that Linux runs, in the place of k3s.
const K3S: &str = "/bin/true";
const PLAN: [&str; 2] = ["plan", "minimal.yaml"];

fn run(bench: &Bench, args: [&str; 2], env: &[(&str, &str)]) -> Ended {
    let mut run = bench
        .sovereign(args)
        .without("SOVEREIGN_UNTIL")
        .env("SOVEREIGN_ADVERTISE", "https://127.0.0.1:8443");
    for (name, value) in env {
        run = run.env(name, value);
    }
    run.ends()
}

/// Kinds of the steps of a plan.
fn kinds(planned: &Ended) -> Vec<String> {
    let planned = planned.json();
    let steps = planned["plan"]["steps"].as_array().expect("steps").clone();
    let kind = |step: &serde_json::Value| step["kind"].as_str().expect("a kind").to_owned();
    steps.iter().map(kind).collect()
}

fn says(ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(ended.stderr.contains(word), "no `{word}` in {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_to_the_cluster_wants_its_files_and_says_which_and_how_to_get_them() {
    let bench = Bench::quick().await;
    let kit = bench.place.kit(0).display().to_string();
    let (until, k3s, kit) = (
        ("SOVEREIGN_UNTIL", "cluster"),
        ("SOVEREIGN_K3S", K3S),
        ("SOVEREIGN_KIT", kit.as_str()),
    );

    let nothing = run(&bench, PLAN, &[until]).exited(2);
    says(
        &nothing,
        &["needs k3s, and the kit", "--k3s FILE|URL", "--kit FILE|URL"],
    );
    let one = run(&bench, PLAN, &[until, k3s]);
    says(
        &one,
        &["a run to the cluster needs the kit\n", "sovereign kit pack"],
    );
    assert!(!one.stderr.contains("--k3s FILE"), "{}", one.stderr);
    let wrong = run(&bench, PLAN, &[until, k3s, ("SOVEREIGN_KIT", K3S)]);
    says(&wrong, &["`/bin/true` is not an OCI archive"]);
    let other = run(
        &bench,
        PLAN,
        &[until, k3s, kit, ("SOVEREIGN_K3S_SHA256", &"0".repeat(64))],
    );
    says(&other, &["`/bin/true` has the SHA-256", "sha256sum-amd64.txt"]);

    let whole = run(&bench, PLAN, &[until, k3s, kit]).exited(0);
    assert!(
        whole.stdout.contains("and serves the kit with the SHA-256"),
        "{}",
        whole.stdout
    );

    // What goes into a cluster has to be somebody's.
    let untrusted = run(&bench, PLAN, &[("SOVEREIGN_UNTIL", "kit"), k3s, kit]);
    says(
        &untrusted,
        &["needs the key that the kit is signed by", "--kit-key FILE"],
    );

    // The spec may say where k3s is; the run's own word counts more.
    let spec = include_str!("../../../examples/minimal.yaml");
    let own = |file: &str| {
        let text = format!("{spec}\nkubernetes: {{artifact: {{file: {file}}}}}\n");
        bench.place.file("minimal.yaml", &text);
    };
    own(K3S);
    run(&bench, PLAN, &[until, kit]).exited(0);
    own("/nowhere");
    run(&bench, PLAN, &[until, k3s, kit]).exited(0);
    says(&run(&bench, PLAN, &[until, kit]), &["/nowhere"]);

    // A run that stops before the cluster reads none of them.
    let until = ("SOVEREIGN_UNTIL", "hosts");
    run(&bench, PLAN, &[until, ("SOVEREIGN_KIT", "/nowhere")]).exited(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_as_far_as_what_it_is_given_leads() {
    let bench = Bench::quick().await;
    let (kit, key) = bench.place.signed_kit();
    let (kit, key) = (kit.display().to_string(), key.display().to_string());
    let all = [
        ("SOVEREIGN_K3S", K3S),
        ("SOVEREIGN_KIT", kit.as_str()),
        ("SOVEREIGN_KIT_KEY", key.as_str()),
    ];
    let plan = |given: &[(&str, &str)]| {
        let mut run = bench
            .sovereign(["plan", "minimal.yaml", "--json"])
            .without("SOVEREIGN_UNTIL");
        for (name, value) in given {
            run = run.env(name, value);
        }
        run.ends()
    };
    let nothing = kinds(&plan(&[]).exited(0));
    assert!(nothing.iter().any(|kind| kind == "host.prepare"), "{nothing:?}");
    assert!(!nothing.iter().any(|kind| kind == "cluster.node"), "{nothing:?}");
    let all_three = kinds(&plan(&all).exited(0));
    assert!(
        all_three.iter().any(|kind| kind == "sovereign.let_go"),
        "{all_three:?}"
    );
    for (given, missing) in [
        (0, "needs the kit, and the key that the kit is signed by\n"),
        (1, "needs k3s, and the key that the kit is signed by\n"),
        (2, "needs k3s, and the kit\n"),
    ] {
        says(
            &plan(&all[given..=given]).exited(2),
            &[missing, "`--until hosts`"],
        );
    }

    // An explicit word says how far, whatever is given.
    let mut explicit = all.to_vec();
    explicit.push(("SOVEREIGN_UNTIL", "cluster"));
    let cluster = kinds(&plan(&explicit).exited(0));
    assert!(cluster.iter().any(|kind| kind == "cluster.node"), "{cluster:?}");
    assert!(
        !cluster.iter().any(|kind| kind == "sovereign.let_go"),
        "{cluster:?}"
    );
}

/// A web server with k3s and a kit, and how often each was asked for.
#[derive(Clone)]
struct Web {
    url: String,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Web {
    async fn start(kit: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let web = Self {
            url: format!("http://{}", listener.local_addr().expect("an address")),
            asked: Arc::default(),
        };
        let kit = std::fs::read(kit).expect("the kit");
        let router = Router::new().fallback(answer).with_state((web.clone(), kit));
        tokio::spawn(async move { axum::serve(listener, router).await });
        web
    }

    fn times(&self, path: &str, status: u16) -> usize {
        let asked = self.asked.lock().expect("no panic");
        asked
            .iter()
            .filter(|one| **one == (path.to_owned(), status))
            .count()
    }
}

async fn answer(State((web, kit)): State<(Web, Vec<u8>)>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let known = request.headers().contains_key(header::IF_NONE_MATCH);
    let answer = match path.as_str() {
        "/k3s" => std::fs::read(K3S).expect("a program").into_response(),
        "/kit.tar" if known => StatusCode::NOT_MODIFIED.into_response(),
        "/kit.tar" => ([(header::ETAG, "\"kit\"")], kit).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    let status = answer.status().as_u16();
    web.asked.lock().expect("no panic").push((path, status));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_from_the_web_once_and_a_run_goes_on_without_being_told_where_from() {
    let bench = Bench::quick().await;
    let (kit, key) = bench.place.signed_kit();
    let web = Web::start(&kit).await;
    let sha256 = Digest::of(&std::fs::read(K3S).expect("a program")).hex();
    let (k3s, kit) = (format!("{}/k3s", web.url), format!("{}/kit.tar", web.url));
    let key = key.display().to_string();
    let given = [
        ("SOVEREIGN_K3S", k3s.as_str()),
        ("SOVEREIGN_K3S_SHA256", sha256.as_str()),
        ("SOVEREIGN_KIT", kit.as_str()),
        ("SOVEREIGN_KIT_KEY", key.as_str()),
    ];
    let planned = run(&bench, PLAN, &given).exited(0);
    says(
        &planned,
        &["fetched k3s from http://127.0.0.1", "fetched the kit from"],
    );
    assert!(planned.stdout.contains(&sha256), "{}", planned.stdout);
    let artifact = bench.place.state().join("artifacts").join(&sha256);
    assert!(artifact.is_file());
    let again = run(&bench, PLAN, &given).exited(0);
    assert!(!again.stderr.contains("fetch"), "{}", again.stderr);
    assert_eq!((web.times("/k3s", 200), web.times("/kit.tar", 200)), (1, 1));
    assert_eq!(web.times("/kit.tar", 304), 1);

    // A run that stops half-way goes on with what was fetched for it.
    let client = bench.lab.client();
    let effect = FaultEffect::Error {
        status: 403,
        code: "forbidden".into(),
    };
    let fault = Fault::on("lasting", "POST", "/networks", effect);
    client.set_fault(&fault).await.expect("the lab answers");
    let first = bench
        .sovereign(["up", "minimal.yaml", "--yes"])
        .without("SOVEREIGN_UNTIL");
    let first = given
        .iter()
        .fold(first, |run, (name, value)| run.env(name, value))
        .ends();
    assert_ne!(first.code, Some(0));
    let on = bench
        .sovereign(["up", "acme-dev"])
        .without("SOVEREIGN_UNTIL")
        .ends();
    says(&on, &["going on with plan"]);
    assert_eq!(web.times("/k3s", 200), 1);

    // And says what it had, once that is gone.
    std::fs::remove_file(&artifact).expect("it is there");
    let lost = bench
        .sovereign(["up", "acme-dev"])
        .without("SOVEREIGN_UNTIL")
        .exits(2);
    says(
        &lost,
        &["a run to the cluster needs k3s\n", &sha256, "`--until hosts`"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_about_an_address_is_said_without_its_secrets() {
    let bench = Bench::quick().await;
    let (kit, key) = bench.place.signed_kit();
    let web = Web::start(&kit).await;
    let (kit, key) = (kit.display().to_string(), key.display().to_string());
    let k3s = format!("{}/k3s?canary", web.url);
    let nothing = format!("{}/nothing?canary", web.url);
    let zeros = "0".repeat(64);
    let plan = |k3s: &str, sha256: Option<&str>| {
        let mut given = vec![
            ("SOVEREIGN_K3S", k3s),
            ("SOVEREIGN_KIT", kit.as_str()),
            ("SOVEREIGN_KIT_KEY", key.as_str()),
        ];
        given.extend(sha256.map(|sha256| ("SOVEREIGN_K3S_SHA256", sha256)));
        let ended = run(&bench, PLAN, &given);
        assert_ne!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
        ended
    };
    says(
        &plan("https://user:canary@x.example/k3s", Some(&zeros)),
        &[
            "`https://x.example/k3s` has an account in it",
            "name it as a file",
        ],
    );
    says(
        &plan("http://x.example/k3s", Some(&zeros)),
        &["nothing is fetched from `http://x.example/k3s`", "use `https://`"],
    );
    says(
        &plan(&k3s, None),
        &["needs the SHA-256 of k3s\n", "--k3s-sha256 HEX"],
    );
    says(
        &plan(&k3s, Some(&zeros)),
        &["/k3s` has the SHA-256", &zeros, "compare the digest"],
    );
    says(
        &plan(&nothing, Some(&zeros)),
        &["there is nothing at `http://127.0.0.1", "look at the address"],
    );

    // A kit from the web has to be somebody's, however far the run goes.
    let url = format!("{}/kit.tar", web.url);
    let kit = run(
        &bench,
        PLAN,
        &[
            ("SOVEREIGN_UNTIL", "cluster"),
            ("SOVEREIGN_K3S", K3S),
            ("SOVEREIGN_KIT", &url),
        ],
    );
    says(&kit, &["needs the key that the kit is signed by"]);
}
