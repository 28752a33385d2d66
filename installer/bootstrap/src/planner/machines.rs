//! The plan for machines that are there: nothing is bought, and each is trusted by its host key.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Machine as SpecMachine, NodeGroup, Region, SovereignSpec};
use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName, StepRef};

use super::pool::{self, PoolFacts};
use super::{PlannedSovereign, cluster, delegation, fingerprint, hosts, internal, meeting, recipients, zone};
use crate::link::{LinkPlan, Until};
use crate::names::{self, Names};
use crate::steps::{HostPlace, Machine, PrepareLink};
use crate::view::{PlanView, PlannedHost, PlannedRanges};

/// What was seen of the machines before the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MachineFacts {
    /// By address and port.
    pub machines: BTreeMap<(String, u16), Offered>,
}

/// What a machine's SSH server offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offered {
    /// A host key.
    HostKey {
        /// In OpenSSH form.
        public: String,
        /// `SHA256:...`, as `ssh-keygen -l` writes it.
        fingerprint: String,
    },
    /// No answer, and why.
    Nothing(String),
}

/// A machine with its place in the Sovereign.
struct Seat<'a> {
    path: String,
    region: &'a Region,
    group: &'a NodeGroup,
    name: String,
    index: u32,
    first_region: bool,
    machine: &'a SpecMachine,
}

/// Makes the plan for machines that are there. An error holds every finding, not the first.
pub fn plan_machines(
    spec: &SovereignSpec,
    facts: &MachineFacts,
    link: &LinkPlan,
    until: &Until,
    pool: &PoolFacts,
) -> Result<PlannedSovereign, Vec<Finding>> {
    let seats = seats(spec);
    let (trusted, mut findings) = trust(&seats, facts);
    findings.extend(nameless(spec, &seats));
    findings.extend(meeting::unknown(
        seats.iter().map(|seat| (&*seat.path, seat.machine)),
    ));
    findings.extend(pool::check(spec, pool));
    findings.extend(recipients::check(spec, until));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    assemble(spec, &seats, &trusted, (link, until), findings).map_err(|error| vec![internal(&error)])
}

fn seats(spec: &SovereignSpec) -> Vec<Seat<'_>> {
    let mut seats = Vec::new();
    for (place, region) in spec.regions.iter().enumerate() {
        let names = Names::new(&spec.name, &region.name);
        let control_plane = ("controlPlane".to_owned(), &region.control_plane);
        let workers = region.workers.iter().enumerate();
        let workers = workers.map(|(index, group)| (format!("workers[{index}]"), group));
        for (path, group) in std::iter::once(control_plane).chain(workers) {
            for (at, (index, machine)) in (1..).zip(group.machines()).enumerate() {
                seats.push(Seat {
                    path: format!("regions[{place}].{path}.machines[{at}]"),
                    region,
                    group,
                    name: names.server(&group.name, index),
                    index,
                    first_region: place == 0,
                    machine,
                });
            }
        }
    }
    seats
}

/// The host key of each machine, in their order: the one the spec names, or else the one that is offered.
fn trust(seats: &[Seat<'_>], facts: &MachineFacts) -> (Vec<(String, String)>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut trusted = Vec::new();
    for seat in seats {
        let machine = seat.machine;
        let address = format!("{}:{}", machine.address, machine.port);
        let mut say = |severity, code: &str, message: String, remedy: &str| {
            findings.push(Finding::new(
                severity,
                format!("preflight.{code}"),
                &*seat.path,
                message,
                remedy,
            ));
        };
        if !names::is_host_name(&seat.name) {
            let message = format!("`{}` is too long for a host name", seat.name);
            say(
                Severity::Error,
                "name",
                message,
                "choose shorter names for Sovereign, region or group",
            );
        }
        let offered = facts.machines.get(&(machine.address.clone(), machine.port));
        match (offered, &machine.host_key) {
            (None, _) => say(
                Severity::Error,
                "machine",
                format!("machine {address} was not looked at"),
                "plan again",
            ),
            (Some(Offered::Nothing(why)), _) => say(
                Severity::Error,
                "machine",
                format!("machine {address} does not answer: {why}"),
                "see that it runs, that its SSH server listens there, and that this installer may reach it",
            ),
            (Some(Offered::HostKey { public, fingerprint }), Some(pinned)) if public != pinned => say(
                Severity::Error,
                "machine.host_key",
                format!("machine {address} offers host key {fingerprint}, which is not the one in the spec"),
                "find out why before anything else: another machine may answer there; then correct `hostKey`",
            ),
            (Some(Offered::HostKey { public, fingerprint }), pinned) => {
                if pinned.is_none() {
                    say(
                        Severity::Warning,
                        "machine.trust",
                        format!("machine {address} is trusted by the host key it offers, {fingerprint}"),
                        "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on that machine; approving the plan trusts it",
                    );
                }
                trusted.push((public.clone(), fingerprint.clone()));
            }
        }
    }
    (trusted, findings)
}

fn assemble(
    spec: &SovereignSpec,
    seats: &[Seat<'_>],
    trusted: &[(String, String)],
    (link, until): (&LinkPlan, &Until),
    findings: Vec<Finding>,
) -> Result<PlannedSovereign, PlanError> {
    let unwritable = |source| PlanError::Params {
        step: StepName::new("plan"),
        source,
    };
    let digest = fingerprint::digest(spec).map_err(unwritable)?;
    let mut plan = PlanBuilder::new(spec.name.clone(), digest);
    let prepare = PrepareLink {
        sovereign: spec.name.clone(),
    };
    let keys = plan.step(StepName::new("node_link"), "keys of the node link", &prepare, &[])?;
    // There is no private network that all of them are in; they know each other by their addresses.
    let addresses = seats
        .iter()
        .filter_map(|seat| seat.machine.address.parse::<Ipv4Addr>().ok());
    let peers: Vec<Ipv4Net> = addresses.map(Ipv4Net::from).collect();
    let mut planned = Vec::new();
    let mut members = Vec::new();
    for (seat, (host_key, fingerprint)) in seats.iter().zip(trusted) {
        let (host, member) = host(&mut plan, spec, seat, (host_key, fingerprint), &peers, &keys)?;
        planned.push(host);
        members.push(member);
    }
    cluster::steps(&mut plan, spec, until, members)?;
    let addresses = seats.iter().filter(|seat| takes_traffic(spec, seat));
    let addresses = addresses
        .filter_map(|seat| seat.machine.address.parse().ok())
        .collect();
    let zone = zone::draft(&mut plan, spec, Vec::new(), addresses)?;
    let (zone, delegation) = match zone {
        Some((zone, made)) => (Some(zone), delegation::draft(&mut plan, spec, &made)?),
        None => (None, None),
    };
    let view = PlanView {
        resources: Vec::new(),
        groups: Vec::new(),
        networks: spec.regions.iter().map(PlannedRanges::of).collect(),
        hosts: planned,
        link: link.clone(),
        files: until.files().cloned(),
        user_data: Vec::new(),
        zone,
        delegation,
        prices: None,
        findings,
    };
    let details = serde_json::to_value(&view).map_err(unwritable)?;
    let plan: Plan = plan.finish(details);
    Ok(PlannedSovereign { plan, view })
}

fn host<'a>(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    seat: &Seat<'a>,
    (host_key, fingerprint): (&String, &String),
    peers: &[Ipv4Net],
    keys: &StepRef<PrepareLink>,
) -> Result<(PlannedHost, cluster::Seat<'a>), PlanError> {
    let role = hosts::role(seat.group.name == "cp", seat.first_region, seat.index);
    let machine = Machine::of(spec, seat.machine, host_key).ok_or_else(|| PlanError::UnknownDependency {
        step: StepName::new(format!("enrol/{}", seat.name)),
        after: StepName::new("provider.machines"),
    })?;
    let place = HostPlace::Machine(machine);
    let mut config = hosts::config(spec, seat.region, &seat.name, role, seat.index);
    if let Some(firewall) = &mut config.firewall {
        firewall.trusted.extend_from_slice(peers);
    }
    let preflight = hosts::preflight(spec, seat.region, role, false);
    let member = hosts::steps(plan, &spec.name, seat.region, place, config, preflight, keys)?;
    let planned = PlannedHost {
        name: seat.name.clone(),
        role,
        address: Some(format!("{}:{}", seat.machine.address, seat.machine.port)),
        host_key: Some(fingerprint.clone()),
    };
    Ok((planned, member))
}

/// The zone leads to addresses: a machine that is known by a name gets none there.
fn nameless(spec: &SovereignSpec, seats: &[Seat<'_>]) -> Vec<Finding> {
    let of = |seat: &Seat<'_>| {
        Finding::new(
            Severity::Warning,
            "preflight.machine.address",
            &*seat.path,
            format!(
                "the Sovereign's names do not lead to `{}`: it is no IP address",
                seat.machine.address
            ),
            "write the machine's IP address into the spec",
        )
    };
    let named =
        |seat: &&Seat<'_>| takes_traffic(spec, seat) && seat.machine.address.parse::<IpAddr>().is_err();
    let asked = spec.dns.is_some();
    seats.iter().filter(named).filter(|_| asked).map(of).collect()
}

/// Workers take the world's traffic, or the control plane where there are none.
fn takes_traffic(spec: &SovereignSpec, seat: &Seat<'_>) -> bool {
    let has_workers = spec.regions.iter().any(|region| !region.workers.is_empty());
    has_workers != (seat.group.name == "cp")
}
