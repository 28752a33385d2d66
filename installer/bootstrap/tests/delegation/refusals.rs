//! What is refused before anything is touched, with all reasons at once.

use sovereign_core::event::RunOutcome;
use sovereign_lab::RegistrarVendor;

use crate::bench::Bench;
use crate::world::{Before, OLD, World};

async fn refusal(bench: &Bench) -> String {
    bench.world.sim.registry().take_seen();
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let seen = bench.world.sim.registry().take_seen();
    assert!(seen.iter().all(|request| !request.writes), "{seen:?}");
    format!("{:?}", report.failures)
}

#[tokio::test]
async fn a_domain_that_takes_mail_is_refused_and_a_child_zone_offered() {
    let bench = Bench::new(World::start(RegistrarVendor::Gandi, Before::Mail).await);
    let said = refusal(&bench).await;
    assert!(
        said.contains("mail for `acme.example` goes to mail.acme.example."),
        "{said}"
    );
    assert!(said.contains("mode: childZone"), "{said}");
    assert_eq!(bench.world.entry().ns, OLD);
}

#[tokio::test]
async fn a_credential_that_does_not_open_the_domain_is_refused() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Gandi, Before::Plain).await);
    let stale = bench.world.parent();
    bench.around = Some(Box::new(move |_| stale.clone()));
    bench.world.sim.revoke();
    let said = refusal(&bench).await;
    assert!(said.contains("at gandi"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn name_servers_inside_the_domain_are_refused() {
    let bench = Bench::new(World::start(RegistrarVendor::Gandi, Before::Plain).await);
    let plan = bench.plan_to(["ns1.acme.example", "ns2.acme.example"]);
    let report = bench.run(&plan).await;
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let said = format!("{:?}", report.failures);
    assert!(said.contains("lie inside it"), "{said}");
    assert_eq!(bench.world.entry().ns, OLD);
}

#[tokio::test]
async fn a_child_that_is_somebodys_is_refused() {
    let bench = Bench::new(World::start(RegistrarVendor::Cloudflare, Before::Plain).await);
    let said = refusal(&bench).await;
    assert!(said.contains("is a zone of its own already"), "{said}");
}
