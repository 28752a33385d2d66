//! A plan under construction: a step and a line of the view for each resource, in the order of the spec.

use std::collections::BTreeSet;

use sovereign_cloud::inventory::Inventory;
use sovereign_cloud::label::{self, Labels};
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::spec::SovereignSpec;
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};

use super::Facts;
use super::cluster::{self, Seat};
use super::delegation;
use super::hosts;
use super::layout::{CONTROL_PLANE, GroupLayout, PlannedServer, RegionLayout, shard};
use super::removals::Removals;
use super::requests;
use super::zone;
use crate::link::{LinkPlan, Until};
use crate::steps::{
    CreateFirewall, CreateLoadBalancer, CreateNetwork, CreatePlacementGroup, CreateServer, CreateSshKey,
    DeleteResource, HostPlace, PrepareLink,
};
use crate::view::{Act, PlannedDelegation, PlannedHost, PlannedResource, PlannedZone};

/// A plan under construction.
pub(super) struct Draft<'a> {
    spec: &'a SovereignSpec,
    inventory: &'a Inventory,
    link: &'a LinkPlan,
    until: &'a Until,
    pub(super) plan: PlanBuilder,
    pub(super) resources: Vec<PlannedResource>,
    pub(super) hosts: Vec<PlannedHost>,
    pub(super) zone: Option<PlannedZone>,
    pub(super) delegation: Option<PlannedDelegation>,
}

/// What the servers of a region stand on.
struct Ground {
    network: Option<StepRef<CreateNetwork>>,
    firewall: StepRef<CreateFirewall>,
    keys: Vec<StepRef<CreateSshKey>>,
    link: StepRef<PrepareLink>,
    first_region: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(facts: Facts<'a>, spec_digest: String) -> Self {
        let Facts {
            spec,
            inventory,
            link,
            until,
        } = facts;
        Self {
            spec,
            inventory,
            link,
            until,
            plan: PlanBuilder::new(spec.name.clone(), spec_digest),
            resources: Vec::new(),
            hosts: Vec::new(),
            zone: None,
            delegation: None,
        }
    }

    /// Steps for everything the spec asks for.
    pub(super) fn build(&mut self, layouts: &[RegionLayout<'a>]) -> Result<(), PlanError> {
        let link = self.node_link()?;
        let keys = self.ssh_keys()?;
        let mut balancers = Vec::new();
        let mut seats = Vec::new();
        for (index, layout) in layouts.iter().enumerate() {
            let ground = Ground {
                network: self.network(layout)?,
                firewall: self.firewall(layout)?,
                keys: keys.clone(),
                link: link.clone(),
                first_region: index == 0,
            };
            for group in &layout.groups {
                seats.extend(self.group(layout, group, &ground)?);
            }
            balancers.push(self.load_balancer(layout, ground.network)?);
        }
        cluster::steps(&mut self.plan, self.spec, self.until, seats)?;
        if *self.until != Until::Cloud {
            self.names(balancers)?;
        }
        Ok(())
    }

    fn names(&mut self, balancers: Vec<StepRef<CreateLoadBalancer>>) -> Result<(), PlanError> {
        if let Some((zone, made)) = zone::draft(&mut self.plan, self.spec, balancers, Vec::new())? {
            self.zone = Some(zone);
            self.delegation = delegation::draft(&mut self.plan, self.spec, &made)?;
        }
        Ok(())
    }

    fn node_link(&mut self) -> Result<StepRef<PrepareLink>, PlanError> {
        let step = PrepareLink {
            sovereign: self.spec.name.clone(),
        };
        self.plan
            .step(StepName::new("node_link"), "keys of the node link", &step, &[])
    }

    /// Kind and name of everything in the plan so far. Keys that were there before are in it by the name they have.
    pub(super) fn planned(&self) -> BTreeSet<(ResourceKind, String)> {
        self.resources
            .iter()
            .map(|resource| (resource.kind, resource.name.clone()))
            .collect()
    }

    /// What is ours and has no place any more goes behind everything else: servers one by one, the highest index first.
    pub(super) fn remove(&mut self, removals: &Removals<'_>) -> Result<(), PlanError> {
        let mut after = self.plan.names();
        for server in &removals.servers {
            after = vec![self.removal(server, &after)?];
        }
        for other in &removals.others {
            self.removal(other, &after)?;
        }
        Ok(())
    }

    fn removal(&mut self, resource: &Resource, after: &[StepName]) -> Result<StepName, PlanError> {
        self.resources.push(PlannedResource {
            kind: resource.kind,
            name: resource.name.clone(),
            act: Act::Remove,
            detail: "no longer in the spec".into(),
            labels: resource.labels.clone(),
        });
        let name = step_name("remove", &resource.name);
        let delete = DeleteResource {
            kind: resource.kind,
            id: resource.id,
        };
        self.plan
            .step(name.clone(), format!("remove {resource}"), &delete, after)?;
        Ok(name)
    }

    /// Adds a line to the view. What is there stays.
    fn show(&mut self, kind: ResourceKind, name: &str, labels: &Labels, detail: String) {
        let there = self.inventory.find(kind, name).is_some();
        self.show_as(
            if there { Act::Keep } else { Act::Create },
            kind,
            name,
            labels,
            detail,
        );
    }

    fn show_as(&mut self, act: Act, kind: ResourceKind, name: &str, labels: &Labels, detail: String) {
        self.resources.push(PlannedResource {
            kind,
            name: name.to_owned(),
            act,
            detail,
            labels: labels.clone(),
        });
    }

    fn ssh_keys(&mut self) -> Result<Vec<StepRef<CreateSshKey>>, PlanError> {
        let mut steps = Vec::new();
        let mut seen = BTreeSet::new();
        for key in &self.spec.access.ssh_keys {
            let request = requests::ssh_key(self.spec, key);
            if !seen.insert(request.fingerprint.clone()) {
                continue;
            }
            let name = request.name.clone();
            let equal = self
                .inventory
                .resources
                .iter()
                .find(|known| known.fingerprint.as_ref() == Some(&request.fingerprint));
            if let Some(equal) = equal {
                let detail = format!("the equal key `{}` of the project is used", equal.name);
                self.show_as(
                    Act::Keep,
                    ResourceKind::SshKey,
                    &equal.name,
                    &equal.labels,
                    detail,
                );
            } else {
                let detail = request.fingerprint.clone();
                self.show_as(Act::Create, ResourceKind::SshKey, &name, &request.labels, detail);
            }
            let step = CreateSshKey { request };
            steps.push(
                self.plan
                    .step(step_name("ssh_key", &name), format!("SSH key {name}"), &step, &[])?,
            );
        }
        Ok(steps)
    }

    fn network(&mut self, layout: &RegionLayout<'_>) -> Result<Option<StepRef<CreateNetwork>>, PlanError> {
        let Some(request) = requests::network(self.spec, layout) else {
            return Ok(None);
        };
        let name = request.name.clone();
        let detail = format!(
            "{}, nodes in {}, {}",
            request.ip_range, request.subnet, request.network_zone
        );
        self.show(ResourceKind::Network, &name, &request.labels, detail);
        let step = CreateNetwork { request };
        let step = self
            .plan
            .step(step_name("network", &name), format!("network {name}"), &step, &[])?;
        Ok(Some(step))
    }

    fn firewall(&mut self, layout: &RegionLayout<'_>) -> Result<StepRef<CreateFirewall>, PlanError> {
        let name = layout.names.firewall();
        let step = step_name("firewall", &name);
        let request = requests::labelled_firewall(self.spec, layout).map_err(|source| PlanError::Params {
            step: step.clone(),
            source,
        })?;
        let present = self.inventory.find(ResourceKind::Firewall, &name);
        let act = match present.map(|firewall| firewall.labels.get(label::REQUEST)) {
            None => Act::Create,
            Some(digest) if digest == request.labels.get(label::REQUEST) => Act::Keep,
            Some(_) => Act::Change,
        };
        let open: Vec<&str> = request
            .rules
            .iter()
            .map(|rule| rule.description.as_str())
            .collect();
        let detail = format!("open: {}", open.join(", "));
        self.show_as(act, ResourceKind::Firewall, &name, &request.labels, detail);
        self.plan
            .step(step, format!("firewall {name}"), &CreateFirewall { request }, &[])
    }

    fn group(
        &mut self,
        layout: &RegionLayout<'a>,
        group: &GroupLayout<'_>,
        ground: &Ground,
    ) -> Result<Vec<Seat<'a>>, PlanError> {
        let mut seats = Vec::new();
        let shards = self.placement_groups(layout, group)?;
        let labels = requests::labels(self.spec, layout.region, group.role);
        for server in &group.servers {
            let control_plane = group.role == CONTROL_PLANE;
            let role = hosts::role(control_plane, ground.first_region, server.index);
            let step = CreateServer {
                name: server.name.clone(),
                labels: labels.clone(),
                choices: group.choices.clone(),
                boot: hosts::boot(self.spec, self.link, &ground.link, role),
                network: ground.network.clone(),
                firewall: ground.firewall.clone(),
                ssh_keys: ground.keys.clone(),
                placement_group: shards.get(shard(server.index)).cloned(),
            };
            let detail = describe(server, group);
            self.show(ResourceKind::Server, &server.name, &labels, detail.clone());
            let title = format!("server {} ({detail})", server.name);
            let after = needs(&step);
            let made = self
                .plan
                .step(step_name("server", &server.name), title, &step, &after)?;
            if !self.until.talks_to_hosts() {
                continue;
            }
            self.hosts.push(PlannedHost {
                name: server.name.clone(),
                role,
                address: None,
                host_key: None,
            });
            let place = HostPlace::Server {
                server: made,
                transport: self.link.transport.clone(),
            };
            let config = hosts::config(self.spec, layout.region, &server.name, role, server.index);
            let preflight = hosts::preflight(self.spec, layout.region, role, true);
            seats.push(hosts::steps(
                &mut self.plan,
                &self.spec.name,
                layout.region,
                place,
                config,
                preflight,
                &ground.link,
            )?);
        }
        Ok(seats)
    }

    fn placement_groups(
        &mut self,
        layout: &RegionLayout<'_>,
        group: &GroupLayout<'_>,
    ) -> Result<Vec<StepRef<CreatePlacementGroup>>, PlanError> {
        let mut steps = Vec::new();
        for shard in 1..=group.shards {
            let request = requests::placement_group(self.spec, layout, &group.group.name, shard);
            let name = request.name.clone();
            self.show(
                ResourceKind::PlacementGroup,
                &name,
                &request.labels,
                "spread over hosts".into(),
            );
            let step = CreatePlacementGroup { request };
            let title = format!("placement group {name}");
            steps.push(
                self.plan
                    .step(step_name("placement_group", &name), title, &step, &[])?,
            );
        }
        Ok(steps)
    }

    fn load_balancer(
        &mut self,
        layout: &RegionLayout<'_>,
        network: Option<StepRef<CreateNetwork>>,
    ) -> Result<StepRef<CreateLoadBalancer>, PlanError> {
        let request = requests::load_balancer(self.spec, layout);
        let name = request.name.clone();
        let present = self.inventory.find(ResourceKind::LoadBalancer, &name);
        let flavor = present
            .and_then(|balancer| balancer.flavor.as_ref())
            .unwrap_or(&request.flavor);
        let location = present
            .and_then(|balancer| balancer.location.as_ref())
            .unwrap_or(&request.location);
        let detail = format!("{flavor} in {location}, ports 80 and 443");
        self.show(ResourceKind::LoadBalancer, &name, &request.labels, detail);
        let after: Vec<StepName> = network.iter().map(|step| step.name().clone()).collect();
        let title = format!("load balancer {name}");
        let step = CreateLoadBalancer { request, network };
        self.plan
            .step(step_name("load_balancer", &name), title, &step, &after)
    }
}

/// Steps whose outputs a server's step reads.
fn needs(server: &CreateServer) -> Vec<StepName> {
    let keys = server.ssh_keys.iter().map(|key| key.name().clone());
    let network = server.network.iter().map(|network| network.name().clone());
    let group = server.placement_group.iter().map(|group| group.name().clone());
    keys.chain(network)
        .chain([server.firewall.name().clone(), server.boot.link.name().clone()])
        .chain(group)
        .collect()
}

/// What a server is, or will be: `cx33 in fsn1`, or `cx33 in fsn1, 2 fallbacks`.
fn describe(server: &PlannedServer<'_>, group: &GroupLayout<'_>) -> String {
    let place = server
        .present
        .and_then(|present| present.flavor.as_deref().zip(present.location.as_deref()));
    if let Some((flavor, location)) = place {
        return format!("{flavor} in {location}");
    }
    let Some((first, others)) = group.choices.split_first() else {
        return "of no known type".into();
    };
    let chosen = format!("{} in {}", first.candidate.server_type, first.candidate.location);
    match others.len() {
        0 => chosen,
        1 => format!("{chosen}, 1 fallback"),
        many => format!("{chosen}, {many} fallbacks"),
    }
}

pub(super) fn step_name(kind: &str, name: &str) -> StepName {
    StepName::new(format!("{kind}/{name}"))
}
