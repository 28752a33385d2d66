//! Everything that can be known to go wrong before the first thing is made, in one list.

mod account;
mod groups;
mod limits;
mod names;
mod network;

use sovereign_cloud::inventory::Inventory;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Network, NodeGroup, Region, SovereignSpec};

use super::choices;
use super::layout::{self, BalancerChoice, CONTROL_PLANE, GroupLayout, RegionLayout, WORKER};
use crate::names::Names;

/// The layouts, and every finding. The layouts are whole only if no finding is an error.
pub(super) fn check<'a>(
    spec: &'a SovereignSpec,
    inventory: &'a Inventory,
) -> (Vec<RegionLayout<'a>>, Vec<Finding>) {
    let mut check = Check {
        spec,
        inventory,
        findings: Vec::new(),
    };
    account::check(&mut check);
    let regions = spec.regions.iter().enumerate();
    let mut layouts: Vec<RegionLayout<'a>> = regions
        .map(|(index, region)| check.lay_out(format!("regions[{index}]"), region))
        .collect();
    layout::share_placement_groups(&mut layouts, limits::room_for_placement_groups(&check));
    for layout in &layouts {
        groups::check(&mut check, layout);
        network::check(&mut check, layout);
    }
    names::check(&mut check, &layouts);
    limits::check(&mut check, &layouts);
    (layouts, check.findings)
}

/// A preflight under way.
#[derive(Debug)]
struct Check<'a> {
    spec: &'a SovereignSpec,
    inventory: &'a Inventory,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn error(&mut self, code: &str, path: &str, message: impl Into<String>, remedy: &str) {
        self.say(Severity::Error, code, path, message, remedy);
    }

    fn warn(&mut self, code: &str, path: &str, message: impl Into<String>, remedy: &str) {
        self.say(Severity::Warning, code, path, message, remedy);
    }

    fn note(&mut self, code: &str, path: &str, message: impl Into<String>, remedy: &str) {
        self.say(Severity::Note, code, path, message, remedy);
    }

    fn say(&mut self, severity: Severity, code: &str, path: &str, message: impl Into<String>, remedy: &str) {
        self.findings.push(Finding::new(
            severity,
            format!("preflight.{code}"),
            path,
            message,
            remedy,
        ));
    }

    fn lay_out(&self, path: String, region: &'a Region) -> RegionLayout<'a> {
        let names = Names::new(&self.spec.name, &region.name);
        let network_zone = self.network_zone(region);
        let bound = matches!(region.network, Network::Private { .. }) && !network_zone.is_empty();
        let zone = bound.then_some(network_zone.as_str());
        let control_plane = std::iter::once((
            format!("{path}.controlPlane"),
            &region.control_plane,
            CONTROL_PLANE,
        ));
        let workers = region.workers.iter().enumerate();
        let workers = workers.map(|(index, group)| (format!("{path}.workers[{index}]"), group, WORKER));
        let groups: Vec<GroupLayout<'a>> = control_plane
            .chain(workers)
            .map(|(path, group, role)| self.group(path, group, role, &names, zone))
            .collect();
        let mut layout = RegionLayout {
            path,
            region,
            names,
            network_zone,
            balancer: BalancerChoice {
                flavor: String::new(),
                location: String::new(),
            },
            groups,
        };
        layout.balancer = self.balancer(&layout);
        layout
    }

    /// The zone of the first location the control plane names that the cloud has.
    fn network_zone(&self, region: &Region) -> String {
        let zone_of = |location: &str| {
            self.inventory
                .locations
                .iter()
                .find(|known| known.name == location)
        };
        let mut candidates = region.control_plane.candidates().iter();
        let zone = candidates.find_map(|candidate| zone_of(&candidate.location));
        zone.map(|location| location.network_zone.clone())
            .unwrap_or_default()
    }

    fn group(
        &self,
        path: String,
        group: &'a NodeGroup,
        role: &'static str,
        names: &Names,
        zone: Option<&str>,
    ) -> GroupLayout<'a> {
        let (choices, passed_over) = choices::sort(self.inventory, group, zone);
        GroupLayout {
            path,
            group,
            role,
            choices,
            passed_over,
            servers: layout::servers(&self.spec.name, names, group, self.inventory),
            shards: 0,
        }
    }

    /// The first type of the spec's list that is offered beside the control plane and serves every target; the largest that is
    /// offered, if none does.
    fn balancer(&self, layout: &RegionLayout<'_>) -> BalancerChoice {
        let control_plane = layout.groups.first();
        let location = control_plane.and_then(|group| {
            let present = group
                .servers
                .iter()
                .find_map(|server| server.present?.location.clone());
            present.or_else(|| Some(group.choices.first()?.candidate.location.clone()))
        });
        let location = location.unwrap_or_default();
        let offered: Vec<_> = layout
            .region
            .load_balancer_types
            .iter()
            .filter_map(|name| {
                self.inventory
                    .load_balancer_types
                    .iter()
                    .find(|known| known.name == *name)
            })
            .filter(|known| known.prices.contains_key(&location))
            .collect();
        let enough = offered.iter().find(|known| known.max_targets >= layout.targets());
        let largest = offered.iter().rev().max_by_key(|known| known.max_targets);
        BalancerChoice {
            flavor: enough
                .or(largest)
                .map(|known| known.name.clone())
                .unwrap_or_default(),
            location,
        }
    }
}
