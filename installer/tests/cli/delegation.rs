//! `sovereign dns plan`, `status` and `rollback`, and what `destroy` does about a delegation: by another process than the one that
//! delegated, which has the journal and no more.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use sovereign_bootstrap::steps::{DelegatedName, InspectDelegation, InspectedDelegation};
use sovereign_core::event::{EventKind, RunOutcome};
use sovereign_core::name::SovereignName;
use sovereign_core::registrar::{GandiCredential, RegistrarCredential};
use sovereign_dns::delegation::{Memory, Patience, Place, take_snapshot};
use sovereign_dns::probe::{ProbeConfig, TrustAnchor};
use sovereign_dns::registrar::{Endpoint, NsSet, ParentHost, Target, connect};
use sovereign_dns::{DomainName, ZoneMark};
use sovereign_engine::journal::{Direction, Entry, Journal as _};
use sovereign_engine::lease::{Claim, WorkerId};
use sovereign_engine::plan::{Plan, PlanBuilder, StepName};
use sovereign_lab::{
    CustomerDomain, PrivateDns, PrivateDnsConfig, RecordSet, RegistrarSim, RegistrarVendor, Signing,
};
use sovereign_store::{SqliteStore, Vault};

use crate::harness::Run;
use crate::lab::Bench;
use crate::secrets::{assert_nowhere, assert_silent};

const NAME: &str = "acme-dev";
const DOMAIN: &str = "acme.example";
const ZONE: &str = "acme.example.";

/// A registrar, a DNS of its own, and a cloud.
struct World {
    bench: Bench,
    dns: PrivateDns,
    sim: RegistrarSim,
    host: Arc<dyn ParentHost>,
    domain: DomainName,
}

impl World {
    /// The customer's domain where it has always been.
    async fn with(customer: CustomerDomain) -> Self {
        let dns = PrivateDns::start(PrivateDnsConfig::default()).await.unwrap();
        let sim = dns.registrar(RegistrarVendor::Gandi).await.unwrap();
        dns.register(&sim, &customer).await.unwrap();
        let bench = Bench::quick().await;
        bench.place.file("acme.yaml", &spec(&dns));
        let credential = RegistrarCredential::Gandi(GandiCredential {
            token: sim.secret("token").into(),
        });
        let endpoint = Endpoint::Other {
            url: sim.url(),
            paced: false,
        };
        Self {
            host: connect(credential, &endpoint).unwrap(),
            domain: DOMAIN.parse().unwrap(),
            bench,
            dns,
            sim,
        }
    }

    /// The domain leads to the operator's servers, which have its zone, and the journal knows where it was before.
    async fn delegated() -> Self {
        let world = Self::with(CustomerDomain::new(DOMAIN)).await;
        let probe = ProbeConfig {
            port: world.dns.port(),
            ..ProbeConfig::private(
                vec![world.dns.root()],
                Some(TrustAnchor::parse(world.dns.anchor()).unwrap()),
            )
        };
        let host = Some(&*world.host);
        let (before, _) = take_snapshot(&world.domain, host, &probe, &ours()).await.unwrap();
        world.add_zone().await;
        world.point().await;
        let output = InspectedDelegation {
            parent_signed: false,
            before: Some(before),
            findings: Vec::new(),
            memory: Memory::default(),
        };
        journal(&world.bench.place.state(), &spec(&world.dns), &output).await;
        world
    }

    async fn add_zone(&self) {
        let names = PrivateDns::OPERATOR.map(|host| format!("{host}."));
        let soa = "ns1.operator.example. hostmaster.acme.example. 7 10800 3600 1209600 1";
        let sets = [
            RecordSet::new(ZONE, "SOA", 1, &[soa]),
            RecordSet::new(ZONE, "NS", 1, &names),
        ];
        let mark = ZoneMark::of(&NAME.parse().unwrap()).to_string();
        for server in &self.dns.operator {
            server.add_zone(ZONE, &sets, Signing::Unsigned).await.unwrap();
            let account = serde_json::json!({ "account": mark });
            server.set(ZONE, account).await.unwrap();
        }
    }

    async fn point(&self) {
        let (host, target) = (&self.host, Target::ns(ours()));
        let present = host.read(&self.domain).await.unwrap();
        host.set(&self.domain, &present, &target).await.unwrap();
        while !target.is_met_by(&host.read(&self.domain).await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The name servers that the registrar has on record.
    fn registered(&self) -> Vec<String> {
        self.sim.registry().domain(DOMAIN).unwrap().ns
    }

    async fn has_zone(&self) -> bool {
        self.dns.operator[0].has_zone(ZONE).await.unwrap()
    }

    /// In a shell with nothing of the operator's.
    fn bare(&self, args: &[&str]) -> Run {
        self.bench
            .place
            .sovereign(args)
            .env("SOVEREIGN_DNS_ROOT", self.dns.root().to_string())
            .env("SOVEREIGN_DNS_PORT", self.dns.port().to_string())
            .env("SOVEREIGN_DNS_ANCHOR", self.dns.anchor_file())
            .env("SOVEREIGN_REGISTRAR_ENDPOINT", self.sim.url())
    }

    /// In a shell with everything but the registrar's credential.
    fn without_token(&self, args: &[&str]) -> Run {
        self.bare(args)
            .env("HCLOUD_TOKEN", self.bench.lab.token())
            .env("SOVEREIGN_HETZNER_ENDPOINT", self.bench.lab.url())
            .env("PDNS_KEY_1", &self.dns.operator[0].dns.key)
            .env("PDNS_KEY_2", &self.dns.operator[1].dns.key)
    }

    /// In the operator's shell.
    fn run(&self, args: &[&str]) -> Run {
        self.without_token(args)
            .env("GANDI_TOKEN", self.sim.secret("token"))
    }

    /// Seals the credential as a change under way has it.
    async fn seal(&self) {
        let store = SqliteStore::open(&self.bench.place.state()).await.unwrap();
        let text = serde_json::json!({ "kind": "gandi", "token": self.sim.secret("token") });
        let vault = Vault::open(&store).unwrap();
        let name = format!("delegation/{NAME}/credential");
        vault.put(&name, &text.to_string().into()).await.unwrap();
    }
}

fn ours() -> NsSet {
    NsSet::read(PrivateDns::OPERATOR).unwrap()
}

fn spec(dns: &PrivateDns) -> String {
    let [one, two] = &dns.operator;
    let domain = format!(
        "domain:\n  mode: registrar\n  name: {DOMAIN}\n  registrar: {{kind: gandi, token: {{env: GANDI_TOKEN}}}}\n\
         dns:\n  servers:\n    - {{url: \"{}\", key: {{env: PDNS_KEY_1}}}}\n    - {{url: \"{}\", key: {{env: PDNS_KEY_2}}}}\n  \
         nameservers: [{}]\n",
        one.dns.url,
        two.dns.url,
        PrivateDns::OPERATOR.join(", ")
    );
    include_str!("../../../examples/minimal.yaml").replace("domain:\n  mode: none\n", &domain)
}

/// What an `up` that was interrupted behind the delegation leaves in the journal.
async fn journal(state: &Path, spec: &str, output: &InspectedDelegation) {
    let name: SovereignName = NAME.parse().unwrap();
    let store = SqliteStore::open(state).await.unwrap();
    let worker = WorkerId::new("test");
    let Claim::Granted(lease) = store.claim(&name, &worker, Duration::from_mins(1)).await.unwrap() else {
        panic!("somebody else has it");
    };
    let (plan, step) = plan(name.clone());
    store.put_spec(&name, spec).await.unwrap();
    let run = store.open_run(&lease, &plan, Direction::Up).await.unwrap();
    let started = EventKind::StepStarted { attempt: 1 };
    let succeeded = EventKind::StepSucceeded {
        found: false,
        output: serde_json::to_value(output).unwrap(),
    };
    let outcome = RunOutcome::Cancelled;
    for (step, kind) in [
        (Some(step.clone()), started),
        (Some(step), succeeded),
        (None, EventKind::RunEnded { outcome }),
    ] {
        store
            .append(&lease, run.id, vec![Entry { step, kind }])
            .await
            .unwrap();
    }
    store.release(&lease).await.unwrap();
}

fn plan(sovereign: SovereignName) -> (Plan, StepName) {
    let inspect = InspectDelegation {
        name: DelegatedName {
            sovereign: sovereign.clone(),
            domain: DOMAIN.parse().unwrap(),
            nameservers: ours(),
            patience: Patience::default(),
        },
        place: Place::Apex,
    };
    let mut plan = PlanBuilder::new(sovereign, "");
    let step = StepName::new(format!("delegation/inspect/{DOMAIN}"));
    plan.step(step.clone(), "delegation as it is", &inspect, &[])
        .unwrap();
    (plan.finish(serde_json::Value::Null), step)
}

/// Waits until what a program writes has all of these words in one line.
async fn says(child: &mut Child, words: &'static [&'static str]) {
    use std::io::BufRead as _;
    let stdout = child.stdout.take().unwrap();
    let said = tokio::task::spawn_blocking(move || {
        let mut lines = std::io::BufReader::new(stdout).lines().map_while(Result::ok);
        let found = lines.any(|line| words.iter().all(|word| line.contains(word)));
        // Whoever writes goes on writing.
        std::thread::spawn(move || lines.for_each(drop));
        found
    });
    assert!(said.await.unwrap(), "it never said {words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_is_what_will_be_and_how_long_it_takes() {
    let world = World::with(CustomerDomain::new(DOMAIN)).await;
    let text = world.run(&["dns", "plan", "acme.yaml"]).success().stdout;
    for wanted in [
        "NS ns1.hosting.example ns2.hosting.example; no DS",
        "ns1.operator.example",
        "every cache forgets the old name servers",
        "nothing speaks against it",
    ] {
        assert!(text.contains(wanted), "no `{wanted}` in:\n{text}");
    }
    let json = world
        .run(&["dns", "plan", "acme.yaml", "--json"])
        .success()
        .json();
    assert_eq!(json["domain"], DOMAIN);
    assert!(json["phases"].as_array().unwrap().len() >= 3, "{json:#}");
    assert_eq!(world.registered(), PrivateDns::HOSTING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_with_mail_is_refused_with_another_way() {
    let world = World::with(CustomerDomain::new(DOMAIN).with_mail()).await;
    let text = world.run(&["dns", "plan", "acme.yaml"]).exits(4).stdout;
    assert!(
        text.contains("mail for `acme.example`") && text.contains("childZone"),
        "{text}"
    );
    let missing = world.without_token(&["dns", "plan", "acme.yaml"]).exits(1);
    assert!(
        missing.stderr.contains("export GANDI_TOKEN"),
        "{}",
        missing.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_shell_gives_the_delegation_back_with_the_sealed_credential() {
    let world = World::delegated().await;
    world.seal().await;
    let canary = world.sim.secret("token");
    let status = world.bare(&["dns", "status", NAME, "--json"]).success().json();
    assert_eq!(status["level"], "inspected", "{status:#}");
    assert_eq!(status["before"]["ns"][0], "ns1.hosting.example", "{status:#}");

    let unasked = world.bare(&["dns", "rollback", NAME]).exits(2);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert_eq!(world.registered(), PrivateDns::OPERATOR);

    let ended = world.bare(&["-vvv", "dns", "rollback", NAME, "--yes"]).success();
    assert_silent(&canary, &ended);
    assert_eq!(world.registered(), PrivateDns::HOSTING);
    assert!(world.has_zone().await, "the zone is no part of it");
    let sealed = world.bare(&["secret", "list"]).success().stdout;
    assert!(!sealed.contains("delegation/"), "{sealed}");
    assert_nowhere(&canary, &world.bench.place.state());

    let status = world.bare(&["status", NAME, "--json"]).success().json();
    assert_eq!(status["state"], "rolled_back", "{status:#}");
    let status = world.bare(&["dns", "status", NAME, "--json"]).success().json();
    assert_eq!(status["level"], "given_back", "{status:#}");
    let again = world.bare(&["dns", "rollback", NAME, "--yes"]).exits(2);
    assert!(again.stderr.contains("given back already"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_gives_the_delegation_back_before_the_zone_goes() {
    let world = World::delegated().await;
    let shown = world.run(&["destroy", NAME, "--dry-run"]).success().stdout;
    assert!(
        shown.contains("to NS ns1.hosting.example ns2.hosting.example"),
        "{shown}"
    );
    let canary = world.sim.secret("token");
    let ended = world.run(&["-vvv", "destroy", NAME, "--yes", "--json"]).success();
    assert_silent(&canary, &ended);
    assert_nowhere(&canary, &world.bench.place.state());
    assert_eq!(world.registered(), PrivateDns::HOSTING);
    assert!(!world.has_zone().await);
    let sealed = world.bare(&["secret", "list"]).success().stdout;
    assert!(!sealed.contains("delegation/"), "{sealed}");
    let order: Vec<String> = ended
        .json_lines()
        .into_iter()
        .filter(|event| event["event"] == "step_succeeded")
        .filter_map(|event| event["step"].as_str().map(str::to_owned))
        .collect();
    let place = |step: &str| order.iter().position(|name| name == step).unwrap();
    assert!(
        place("delegation/restore/acme.example") < place("delete/zone/acme.example"),
        "{order:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_credential_the_zone_stays_until_the_records_are_restored_by_hand() {
    let world = World::delegated().await;
    let mut child = world.without_token(&["destroy", NAME, "--yes", "--json"]).spawn();
    says(
        &mut child,
        &["ns1.hosting.example", "ns2.hosting.example", "heartbeat"],
    )
    .await;
    assert!(world.has_zone().await, "the parent leads to it");
    world.dns.delegate(DOMAIN, &PrivateDns::HOSTING, &[]).await;
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert!(ended.success());
    assert!(!world.has_zone().await);
}
