//! The planner on the inventory of a real account of the lab: what it finds, and that it is a pure function.

#![allow(clippy::expect_used, reason = "a test stops at its first surprise")]

mod own_token;
mod recipients;
mod user_data;

use std::sync::LazyLock;

use proptest::prelude::*;
use secrecy::SecretString;
use sovereign_bootstrap::cluster::ClusterFiles;
use sovereign_bootstrap::link::{LinkPlan, Transport, Until};
use sovereign_bootstrap::planner::{MachineFacts, Offered, PoolFacts, TokenFacts};
use sovereign_bootstrap::view::Act;
use sovereign_bootstrap::{PlannedSovereign, plan_machines, plan_up};
use sovereign_cloud::inventory::Inventory;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{HetznerConfig, connect_hetzner};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::k3s::Artifact;
use sovereign_core::spec::{self, SovereignSpec};
use sovereign_lab::{Lab, LabConfig};

const HA: &str = include_str!("../../../../examples/ha.yaml");

static EMPTY: LazyLock<Inventory> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let lab = Lab::start(LabConfig::default()).await.expect("the lab starts");
        let mut config = HetznerConfig::new(SecretString::from(lab.token().to_owned()));
        config.endpoint = Some(lab.url());
        let cloud = connect_hetzner(config).expect("a client");
        cloud.inventory().await.expect("an inventory")
    })
});

fn ha() -> SovereignSpec {
    read(HA)
}

fn read(text: &str) -> SovereignSpec {
    spec::parse(text).expect("the spec is right").spec
}

/// A plan as far as the hosts.
fn plan(spec: &SovereignSpec, inventory: &Inventory) -> Result<PlannedSovereign, Vec<Finding>> {
    plan_up(
        spec,
        inventory,
        &ssh(),
        &Until::Hosts,
        &TokenFacts::Unasked,
        &PoolFacts::default(),
    )
}

fn planned(spec: &SovereignSpec, inventory: &Inventory) -> PlannedSovereign {
    plan(spec, inventory).expect("a plan")
}

/// The installer calls.
fn ssh() -> LinkPlan {
    LinkPlan {
        transport: Transport::Ssh,
        agent: "0".repeat(64),
    }
}

/// Codes of the errors that stop the plan.
fn errors(spec: &SovereignSpec, inventory: &Inventory) -> Vec<String> {
    let findings = plan(spec, inventory).expect_err("no plan");
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding: &Finding| finding.code.clone()).collect()
}

/// A stranger's resource.
fn foreign(kind: ResourceKind, id: u64, name: &str) -> Resource {
    let json = serde_json::json!({"kind": kind, "id": id, "name": name, "labels": {}});
    serde_json::from_value(json).expect("a resource")
}

#[test]
fn an_empty_account_gets_everything() {
    let planned = planned(&ha(), &EMPTY);
    let count = |kind| {
        planned
            .view
            .resources
            .iter()
            .filter(|planned| planned.kind == kind)
            .count()
    };
    assert_eq!(count(ResourceKind::Server), 5);
    assert_eq!(count(ResourceKind::PlacementGroup), 2);
    // Two steps a host, one for the keys of the node link.
    assert_eq!(planned.view.hosts.len(), 5);
    assert_eq!(
        planned.view.count(Act::Create) + 2 * 5 + 1,
        planned.plan.steps.len()
    );
}

#[test]
fn every_error_is_found_at_once() {
    let mut inventory = EMPTY.clone();
    inventory.can_write = false;
    inventory
        .resources
        .push(foreign(ResourceKind::Server, 1, "acme-prod-fsn-cp-1"));
    inventory
        .resources
        .push(foreign(ResourceKind::Network, 2, "acme-prod-fsn-net"));
    inventory
        .server_types
        .retain(|server_type| server_type.name != "cx43" && server_type.name != "cpx42");
    inventory.images.clear();
    let errors = errors(&ha(), &inventory);
    assert!(errors.len() >= 5, "{errors:?}");
}

#[test]
fn a_type_that_is_sold_out_everywhere_stops_the_plan_and_one_that_is_not_is_passed_over() {
    let sold_out = |name: &str, everywhere: bool| {
        let mut inventory = EMPTY.clone();
        let types = inventory
            .server_types
            .iter_mut()
            .filter(|server_type| server_type.name.starts_with(name));
        for server_type in types {
            for (location, offer) in &mut server_type.offers {
                offer.available &= !everywhere && location != "fsn1";
            }
        }
        inventory
    };
    let fallback = planned(&ha(), &sold_out("cx33", false));
    let server = fallback
        .view
        .resources
        .iter()
        .find(|planned| planned.name == "acme-prod-fsn-cp-1");
    let detail = &server.expect("it is planned").detail;
    assert!(!detail.starts_with("cx33 in fsn1"), "{detail}");
    assert!(!errors(&ha(), &sold_out("c", true)).is_empty());
}

#[test]
fn spread_groups_are_shared_and_the_rest_is_told() {
    let text = HA
        .replace(
            "    controlPlane",
            "    network: {mode: public}\n    controlPlane",
        )
        .replace("count: 2", "count: 497");
    let planned = planned(&read(&text), &EMPTY);
    let groups = planned
        .view
        .resources
        .iter()
        .filter(|planned| planned.kind == ResourceKind::PlacementGroup);
    assert_eq!(groups.count(), 50);
    assert!(
        planned
            .view
            .findings
            .iter()
            .any(|finding| finding.message.starts_with("7 servers of group"))
    );
}

/// Lists come in any order from the cloud.
fn shuffled(inventory: &Inventory, seed: u64) -> Inventory {
    let mut other = inventory.clone();
    let rotate = |len: usize| usize::try_from(seed).unwrap_or(0) % len.max(1);
    let len = other.resources.len();
    other.resources.rotate_left(rotate(len));
    let len = other.server_types.len();
    other.server_types.rotate_left(rotate(len));
    let len = other.images.len();
    other.images.rotate_left(rotate(len));
    let len = other.locations.len();
    other.locations.rotate_left(rotate(len));
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_facts_give_equal_bytes(workers in 0u32..60, control in prop_oneof![Just(1u32), Just(3)], strangers in 0u64..8, seed in any::<u64>()) {
        let text = HA.replace("count: 3", &format!("count: {control}")).replace("count: 2", &format!("count: {workers}"));
        let spec = read(&text);
        let mut inventory = EMPTY.clone();
        for id in 0..strangers {
            inventory.resources.push(foreign(ResourceKind::Server, id + 1, &format!("stranger-{id}")));
        }
        let one = planned(&spec, &inventory);
        let two = planned(&spec, &shuffled(&inventory, seed));
        prop_assert_eq!(one.plan.digest(), two.plan.digest());
        prop_assert_eq!(serde_json::to_string(&one.view).ok(), serde_json::to_string(&two.view).ok());
        let servers = one.view.resources.iter().filter(|planned| planned.kind == ResourceKind::Server).count();
        prop_assert_eq!(servers, (workers + control) as usize);
        prop_assert!(one.view.resources.iter().all(|planned| !planned.name.starts_with("stranger")));
    }
}

fn to_the_cluster(spec: &SovereignSpec) -> Result<PlannedSovereign, Vec<Finding>> {
    let file = Artifact {
        sha256: "0".repeat(64),
        size: 1,
    };
    let until = Until::Cluster(ClusterFiles {
        k3s: file.clone(),
        kit: file,
    });
    let unasked = TokenFacts::Unasked;
    plan_up(spec, &EMPTY, &ssh(), &until, &unasked, &PoolFacts::default())
}

/// One server makes the cluster, the others join behind each other, and agents behind the first.
#[test]
fn the_cluster_is_made_once_and_servers_join_one_by_one() {
    let plan = to_the_cluster(&ha()).expect("a plan").plan;
    let steps: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.kind == "cluster.node")
        .collect();
    for step in &steps {
        let served = step.name.as_str().replace("k3s/", "registry/");
        assert!(
            step.after.iter().any(|name| name.as_str() == served),
            "{}: {:?}",
            step.name,
            step.after
        );
    }
    let behind = |step: &sovereign_engine::plan::PlannedStep| {
        let others = step.after.iter().filter(|name| name.as_str().starts_with("k3s/"));
        others.map(ToString::to_string).collect::<Vec<_>>()
    };
    let servers: Vec<_> = steps
        .iter()
        .filter(|step| step.name.as_str().contains("-cp-"))
        .collect();
    assert_eq!(servers.len(), 3);
    assert!(behind(servers[0]).is_empty());
    for pair in servers.windows(2) {
        assert_eq!(behind(pair[1]), [pair[0].name.to_string()]);
    }
    for agent in steps.iter().filter(|step| !step.name.as_str().contains("-cp-")) {
        assert_eq!(behind(agent), [servers[0].name.to_string()]);
    }
}

/// Nodes that firewalls keep from each other make no cluster: said before anything is bought, and no matter to a plan that ends before.
#[test]
fn nodes_that_would_not_meet_are_refused() {
    let public = "network: {mode: public}\n    controlPlane";
    let apart = read(&HA.replacen("controlPlane", public, 1));
    let findings = to_the_cluster(&apart).expect_err("no plan");
    let told = findings
        .iter()
        .find(|finding| finding.code == "preflight.nodes.apart");
    let told = told.expect("it is told");
    assert_eq!(told.severity, Severity::Error);
    assert_eq!(told.path, "regions[0].network.mode");
    let warned = planned(&apart, &EMPTY).view.findings;
    let told = warned
        .iter()
        .find(|finding| finding.code == "preflight.nodes.apart");
    assert_eq!(told.map(|finding| finding.severity), Some(Severity::Warning));
    assert!(to_the_cluster(&ha()).is_ok());
}

/// Hosts get programs for one architecture: a type of another is passed over, and said so.
#[test]
fn a_server_type_of_another_architecture_is_passed_over() {
    let spec = read(&HA.replacen("serverTypes: [", "serverTypes: [cax21, ", 1));
    let groups = planned(&spec, &EMPTY).view.groups;
    let standings: Vec<_> = groups
        .iter()
        .flat_map(|group| &group.choices)
        .filter(|choice| choice.candidate.server_type == "cax21")
        .map(|choice| format!("{:?}", choice.standing))
        .collect();
    assert!(!standings.is_empty());
    assert!(
        standings
            .iter()
            .all(|standing| standing.contains("programs for x86")),
        "{standings:?}"
    );
}

/// A zone leads to addresses; a machine that is known by a name has none to lead to.
#[test]
fn a_machine_that_is_known_by_a_name_is_told_to_be_missing_in_the_zone() {
    let text = include_str!("../../../../examples/machines.yaml")
        .replace("mode: none", "mode: delegated\n  name: metal.acme.example")
        .replace("{address: 192.0.2.12}", "{address: metal-2.acme.example}")
        .replace(
            "provider:\n",
            "dns:\n  servers: [{url: \"http://192.0.2.53:8081\", key: {env: PDNS_API_KEY}}]\n  nameservers: [ns1.acme.example, ns2.acme.example]\nprovider:\n",
        );
    let offered = Offered::HostKey {
        public: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6".into(),
        fingerprint: "SHA256:x".into(),
    };
    let at = |address: &str, port| ((address.to_owned(), port), offered.clone());
    let facts = MachineFacts {
        machines: [
            at("192.0.2.11", 22),
            at("metal-2.acme.example", 22),
            at("192.0.2.13", 2222),
        ]
        .into(),
    };
    let planned =
        plan_machines(&read(&text), &facts, &ssh(), &Until::Hosts, &PoolFacts::default()).expect("a plan");
    // Nor do the other machines' firewalls know it.
    for code in ["preflight.machine.address", "preflight.machine.unknown"] {
        let findings = planned.view.findings.iter();
        let told: Vec<_> = findings
            .filter(|finding| finding.code == code)
            .map(|finding| &finding.message)
            .collect();
        assert_eq!(told.len(), 1, "{code}");
        assert!(told[0].contains("metal-2.acme.example"), "{}", told[0]);
    }
}
