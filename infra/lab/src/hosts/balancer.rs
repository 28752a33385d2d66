//! Load balancers: a haproxy in the load balancer's own namespace, told by the API's object alone.
//!
//! `tcp` services are passed through, `http` ones carry `X-Forwarded-For` and `X-Forwarded-Proto`. `https` ends at
//! certificates that the lab does not keep, so such a service is not served and its targets stay `unknown`. Targets
//! over public addresses are IPv4, as the vendor's are. What the health checks find goes into the API's object.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::network::{Fabric, Wiring};
use super::process::{Kept, Order};
use super::{Finding, HostError, Part, Picture, command, namespace};

mod config;
mod health;
mod place;

pub(crate) use health::show_health;

use health::Health;

/// Keeps a haproxy for every load balancer.
#[derive(Debug)]
pub(crate) struct Balancers {
    fabric: Arc<Fabric>,
    directory: PathBuf,
    running: BTreeMap<u64, Balancer>,
}

/// A load balancer at work.
#[derive(Debug)]
struct Balancer {
    wiring: Wiring,
    config: String,
    process: Kept,
    /// The namespace it runs in; one of the same name may take its place.
    namespace: u64,
    /// Earlier processes that still carry connections.
    retiring: Vec<Kept>,
    /// Counts the processes.
    generation: u64,
    health: Health,
}

impl Balancers {
    /// Wires load balancers into the fabric and keeps its files in `directory`.
    pub(crate) fn new(fabric: Arc<Fabric>, directory: impl Into<PathBuf>) -> Self {
        Self {
            fabric,
            directory: directory.into(),
            running: BTreeMap::new(),
        }
    }

    fn file(&self, id: u64, kind: &str) -> PathBuf {
        self.directory.join(format!("balancer-{id}.{kind}"))
    }

    /// Makes sure that the load balancer has its place in the network and a process with its configuration.
    async fn keep(&mut self, balancer: &Value, id: u64, picture: &Picture) -> Result<(), HostError> {
        let wiring = place::wiring(id, balancer, &picture.networks);
        let path = namespace::path(&self.fabric.slot().host(id));
        let before = self.running.get(&id);
        if before.is_none_or(|before| before.wiring != wiring) || !path.exists() {
            self.fabric.plug(&wiring).await?;
        }
        let namespace = inode(&path)?;
        let config = config::render(balancer, &picture.servers, &self.file(id, "sock"));
        let before = self.running.get_mut(&id);
        if before.is_some_and(|before| before.serves(&config, namespace)) {
            return Ok(());
        }
        let before = self.running.get(&id);
        let generation = before.map_or(0, |before| before.generation + 1);
        let predecessor = before.filter(|before| before.namespace == namespace && before.alive());
        let predecessor = predecessor.map(|before| before.process.pid());
        let broken = before.is_some_and(|before| !before.alive());
        let process = self.start(id, generation, &config, predecessor).await?;
        let mut balancer = Balancer {
            wiring,
            config,
            process,
            namespace,
            retiring: Vec::new(),
            generation,
            health: Health::default(),
        };
        if let Some(before) = self.running.remove(&id) {
            balancer.succeed(before);
        }
        self.running.insert(id, balancer);
        if broken {
            return Err(self.last_words(id));
        }
        Ok(())
    }

    /// Why a process has ended that nobody told to.
    fn last_words(&self, id: u64) -> HostError {
        let said = fs::read_to_string(self.file(id, "log")).unwrap_or_default();
        HostError::Command {
            command: format!("haproxy of load balancer {id}"),
            said: said.lines().last().unwrap_or("it said nothing").to_owned(),
        }
    }

    /// Starts a process. It takes over its predecessor's ports and lets it finish its connections.
    async fn start(
        &self,
        id: u64,
        generation: u64,
        config: &str,
        predecessor: Option<u32>,
    ) -> Result<Kept, HostError> {
        let path = self.file(id, "cfg");
        let failed = HostError::system(format!("make {}", self.directory.display()));
        fs::create_dir_all(&self.directory).map_err(failed)?;
        fs::write(&path, config).map_err(HostError::system(format!("write {}", path.display())))?;
        let path = path.display().to_string();
        command::run("haproxy", ["-c", "-f", &path]).await?;
        let mut line = vec!["haproxy".into(), "-db".into(), "-f".into(), path];
        if let Some(pid) = predecessor {
            line.extend(["-sf".into(), pid.to_string()]);
        }
        let group = self.fabric.slot().group(&format!("balancer-{id}-{generation}"));
        let order = Order::new(group, self.file(id, "log"), line);
        Kept::start(order.within(self.fabric.slot().host(id))).await
    }

    /// What a load balancer's health checks have found, if it is news.
    async fn look(&mut self, id: u64) -> Option<Finding> {
        let socket = self.file(id, "sock");
        let balancer = self.running.get_mut(&id)?;
        // It answers a moment after its start; the next look is a second away.
        let news = balancer.health.look(&socket).await.unwrap_or_default();
        news.then(|| Finding {
            kind: "load_balancers",
            id,
            fields: json!({"health": balancer.health.fields()}),
        })
    }

    async fn end(&mut self, id: u64) -> Result<(), HostError> {
        if let Some(balancer) = self.running.remove(&id) {
            for process in balancer.retiring.iter().chain([&balancer.process]) {
                process.kill().await;
            }
        }
        for kind in ["cfg", "log", "sock"] {
            let _ = fs::remove_file(self.file(id, kind));
        }
        self.fabric.unplug(id).await
    }
}

impl Balancer {
    fn alive(&self) -> bool {
        self.process.ended().now_or_never().is_none()
    }

    fn serves(&mut self, config: &str, namespace: u64) -> bool {
        self.retiring
            .retain(|process| process.ended().now_or_never().is_none());
        self.alive() && self.config == config && self.namespace == namespace
    }

    /// Takes over what its predecessor leaves; from another namespace that is nothing.
    fn succeed(&mut self, before: Self) {
        if before.namespace == self.namespace {
            self.retiring = before.retiring;
            self.retiring.push(before.process);
            self.health = before.health;
        }
    }
}

#[async_trait]
impl Part for Balancers {
    async fn follow(&mut self, picture: &Picture) -> Result<Vec<Finding>, HostError> {
        let wanted: BTreeMap<u64, &Value> = picture
            .load_balancers
            .iter()
            .filter_map(|balancer| Some((balancer["id"].as_u64()?, balancer)))
            .collect();
        let mut failure = None;
        let gone = self.running.keys().filter(|id| !wanted.contains_key(id));
        for id in gone.copied().collect::<Vec<_>>() {
            failure = self.end(id).await.err().or(failure);
        }
        let mut findings = Vec::new();
        for (id, balancer) in wanted {
            // One that cannot be kept is not to stop the others.
            failure = self.keep(balancer, id, picture).await.err().or(failure);
            findings.extend(self.look(id).await);
        }
        // What was found is told now; what failed will fail again a moment later.
        failure.filter(|_| findings.is_empty()).map_or(Ok(findings), Err)
    }

    async fn stop(&mut self) {
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            // Namespaces that stay go with the slot.
            let _ = self.end(id).await;
        }
    }
}

fn inode(path: &Path) -> Result<u64, HostError> {
    let failed = HostError::system(format!("find the namespace {}", path.display()));
    fs::metadata(path).map(|file| file.ino()).map_err(failed)
}

#[cfg(test)]
#[path = "balancer_tests.rs"]
mod tests;
