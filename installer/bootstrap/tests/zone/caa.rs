//! Who may issue certificates: from the spec to what a name server answers.

use std::process::Command;

use sovereign_bootstrap::scan::scan_zone;
use sovereign_bootstrap::steps::CreateZone;
use sovereign_bootstrap::zone_of;
use sovereign_core::event::RunOutcome;
use sovereign_core::spec;
use sovereign_dns::record::{Caa, RecordSet, Records};
use sovereign_dns::transfer::Supply;
use sovereign_dns::zone::Change;
use sovereign_engine::executor::ExecutorConfig;

use crate::{Bench, plan_of, services};

/// The zone that a spec asks for with these lines under `dns`.
fn asked_for(caa: &str) -> CreateZone {
    let example = include_str!("../../../../examples/registrar.yaml");
    let lines: String = example
        .lines()
        .map(|line| if line.starts_with("  caa:") { caa } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let spec = spec::parse(&lines).unwrap().spec;
    CreateZone {
        addresses: vec!["192.0.2.1".parse().unwrap()],
        ..zone_of(&spec).unwrap()
    }
}

/// CAA records as `dig` shows them, of any name in the zone: issuers look at the apex when a name has none.
fn dig(bench: &Bench, zone: &CreateZone) -> Vec<String> {
    let at = bench.server.dns_addr;
    let asked = Command::new("dig")
        .arg(format!("@{}", at.ip()))
        .args(["-p", &at.port().to_string(), "+short", zone.zone.as_str(), "CAA"])
        .output()
        .unwrap();
    let said = String::from_utf8(asked.stdout).unwrap();
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn make(bench: &Bench, zone: &CreateZone) {
    let config = ExecutorConfig::default();
    let report = bench
        .run(&plan_of(zone), services(Some(bench.host())), config)
        .await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:?}");
}

#[tokio::test]
async fn what_the_spec_says_is_answered_and_checked() {
    let bench = Bench::start().await;
    let silent = asked_for("");
    assert!(silent.caa.is_empty());
    make(&bench, &silent).await;
    assert!(dig(&bench, &silent).is_empty(), "anybody may issue");

    let named = asked_for(
        "  caa: {issuers: [letsencrypt.org, \"pki.goog; cansignhttpexchanges=yes\"], wildcardIssuers: [letsencrypt.org], contact: \"mailto:security@acme.example\"}",
    );
    make(&bench, &named).await;
    let wanted = [
        "0 iodef \"mailto:security@acme.example\"",
        "0 issue \"letsencrypt.org\"",
        "0 issue \"pki.goog; cansignhttpexchanges=yes\"",
        "0 issuewild \"letsencrypt.org\"",
    ];
    assert_eq!(dig(&bench, &named), wanted);

    let request = named.request_now().unwrap();
    let supply = Supply {
        secondaries: Vec::new(),
        catalog: None,
    };
    let hosts = [bench.host()];
    assert_eq!(scan_zone(&hosts, &request, &supply).await.unwrap(), []);
    let other = RecordSet {
        name: named.zone.clone(),
        ttl: 300,
        records: Records::Caa([Caa::issue("other.example").unwrap()].into()),
    };
    let change = [Change::Replace(other)];
    hosts[0].change(&named.zone, &change).await.unwrap();
    let found = scan_zone(&hosts, &request, &supply).await.unwrap();
    let changed = found.iter().find(|finding| finding.code == "zone.record.changed");
    assert!(changed.unwrap().message.contains("CAA"), "{found:?}");

    let nobody = asked_for("  caa: {issuers: [letsencrypt.org], wildcardIssuers: []}");
    make(&bench, &nobody).await;
    let wanted = ["0 issue \"letsencrypt.org\"", "0 issuewild \";\""];
    assert_eq!(dig(&bench, &nobody), wanted);
}
