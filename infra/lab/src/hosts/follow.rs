//! The host side at work: a worker for each machine, and the parts, all following what the projects hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::site::Site;
use super::worker::Worker;
use super::{Finding, HostError, Part, Picture, metadata};
use crate::shared::{Shared, World};

/// Longest time between two looks.
const AT_LEAST: Duration = Duration::from_secs(1);

/// The host side at work.
#[derive(Debug)]
pub(crate) struct Hosts {
    site: Arc<Site>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Hosts {
    /// Serves metadata and begins to follow.
    pub(crate) async fn start(site: Arc<Site>, shared: Arc<Shared>) -> Result<Self, HostError> {
        let stop = CancellationToken::new();
        let follower = Follower {
            parts: site.parts(),
            site: site.clone(),
            shared: shared.clone(),
            stop: stop.clone(),
            workers: BTreeMap::new(),
            networks: BTreeSet::new(),
        };
        let hosts = Self {
            site: site.clone(),
            stop: stop.clone(),
            task: tokio::spawn(follower.run()),
        };
        if let Err(error) = metadata::serve(shared, site.slot(), stop).await {
            // Nothing stays; the first error is the one to tell.
            let _ = hosts.stop().await;
            return Err(error);
        }
        Ok(hosts)
    }

    /// Ends every host and part, and removes what bears the lab's name.
    pub(crate) async fn stop(self) -> Result<(), HostError> {
        self.stop.cancel();
        // A follower that failed has nothing more to end; what it left goes with the slot.
        let _ = self.task.await;
        self.site.lower().await
    }
}

#[derive(Debug)]
struct Follower {
    site: Arc<Site>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    workers: BTreeMap<u64, JoinHandle<()>>,
    parts: Vec<Box<dyn Part>>,
    networks: BTreeSet<u64>,
}

impl Follower {
    async fn run(mut self) {
        let mut changed = self.shared.changed.subscribe();
        while !self.stop.is_cancelled() {
            changed.mark_unchanged();
            self.employ();
            self.follow().await;
            if let Err(error) = self.shared.save() {
                tracing::warn!(%error, "the lab's state could not be written");
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep(AT_LEAST) => {}
            }
        }
        for worker in self.workers.into_values() {
            let _ = worker.await;
        }
        for part in &mut self.parts {
            part.stop().await;
        }
    }

    /// A worker for each machine; one that has ended is let go.
    fn employ(&mut self) {
        self.workers.retain(|_, worker| !worker.is_finished());
        let world = self.shared.lock();
        for (name, project) in &world.projects {
            for id in project.machines.keys() {
                self.workers.entry(*id).or_insert_with(|| {
                    let worker = Worker::new(self.shared.clone(), self.site.clone(), name.clone(), *id);
                    tokio::spawn(worker.run(self.stop.clone()))
                });
            }
        }
    }

    async fn follow(&mut self) {
        let picture = picture(&mut self.shared.lock());
        for part in &mut self.parts {
            match part.follow(&picture).await {
                Ok(findings) => note(&mut self.shared.lock(), findings),
                Err(error) => tracing::warn!(?part, %error, "a part of the lab lags behind"),
            }
        }
        let networks: BTreeSet<u64> = picture
            .networks
            .iter()
            .filter_map(|net| net["id"].as_u64())
            .collect();
        for gone in self.networks.difference(&networks) {
            if let Err(error) = self.site.fabric().forget_network(*gone).await {
                tracing::warn!(network = gone, %error, "a private network is left");
            }
        }
        self.networks = networks;
    }
}

/// What all projects hold now.
fn picture(world: &mut World) -> Picture {
    let now = jiff::Timestamp::now();
    let mut picture = Picture::default();
    for project in world.projects.values_mut() {
        project.advance(now);
        let all = |kind: &str| crate::router::everything(project, kind);
        picture.servers.extend(all("servers"));
        picture.networks.extend(all("networks"));
        picture.firewalls.extend(all("firewalls"));
        picture.load_balancers.extend(all("load_balancers"));
        picture.volumes.extend(all("volumes"));
        let leaders = project.machines.iter();
        picture
            .leaders
            .extend(leaders.filter_map(|(id, machine)| Some((*id, machine.leader?))));
    }
    picture
}

/// Puts findings into the resources they are about, if those are still there.
fn note(world: &mut World, findings: Vec<Finding>) {
    for finding in findings {
        let resource = world
            .projects
            .values_mut()
            .find_map(|project| project.get_mut(finding.kind, finding.id).ok());
        if let (Some(Value::Object(resource)), Value::Object(fields)) = (resource, finding.fields) {
            resource.extend(fields);
        }
    }
}
