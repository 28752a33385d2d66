//! Looks after one server's machine: brings it to what it is to be, and says so when it stands still by itself.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::network::Wiring;
use super::site::Site;
use super::spec::View;
use super::{Ended, HostError, HostSpec, RunningHost};
use crate::machine::{HostFaults, Machine};
use crate::shared::Shared;

/// How long a host may take to stand still in order.
const ORDERLY_WITHIN: Duration = Duration::from_secs(20);
/// Time between two looks for the first process of a host that has just begun.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The same once it has had time enough.
const LOOK_SELDOM: Duration = Duration::from_secs(2);

/// Looks after one server's machine.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    site: Arc<Site>,
    project: String,
    id: u64,
    up: Option<Up>,
}

/// A machine that runs, and what was done to it.
#[derive(Debug)]
struct Up {
    host: Arc<dyn RunningHost>,
    spec: HostSpec,
    wiring: Wiring,
    boots: u64,
    faults: HostFaults,
    misrouted: bool,
    leader: Option<u32>,
    began: Instant,
}

impl Worker {
    /// One for a server of a project.
    pub(crate) fn new(shared: Arc<Shared>, site: Arc<Site>, project: String, id: u64) -> Self {
        Self {
            shared,
            site,
            project,
            id,
            up: None,
        }
    }

    /// Works until the server is gone or the lab ends; nothing of the machine runs then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut changed = self.shared.changed.subscribe();
        while !stop.is_cancelled() {
            changed.mark_unchanged();
            let Some(view) = self.look() else { break };
            if self.is_behind(&view) {
                let outcome = self.bring_about(&view).await;
                self.report(&view, outcome);
                continue;
            }
            if let Err(error) = self.suffer(&view).await {
                tracing::warn!(server = self.id, %error, "a fault of a host could not be set");
            }
            self.find_leader(&view);
            let ended = async {
                match &self.up {
                    Some(up) => up.host.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep(self.look_again()), if self.lacks_leader() => {}
                ended = ended => self.stood_still(ended).await,
            }
        }
        self.end(false).await;
    }

    /// Soon at first, then ever less often: some hosts never have a first process.
    fn look_again(&self) -> Duration {
        let since = self.up.as_ref().map_or(Duration::ZERO, |up| up.began.elapsed());
        (since / 4).clamp(LOOK_AGAIN, LOOK_SELDOM)
    }

    /// Whether it runs without a first process that is known.
    fn lacks_leader(&self) -> bool {
        self.up.as_ref().is_some_and(|up| up.leader.is_none())
    }

    /// A host's first process comes a moment after its machine.
    fn find_leader(&mut self, view: &View) {
        let Some(up) = &mut self.up else { return };
        up.leader = up.leader.or_else(|| up.host.leader());
        if up.leader != view.machine.leader {
            let leader = up.leader;
            self.tell(|machine| machine.leader = leader, "running");
        }
    }

    fn look(&self) -> Option<View> {
        let world = self.shared.lock();
        let project = world.projects.get(&self.project)?;
        Some(View {
            server: project.get("servers", self.id).ok()?.clone(),
            machine: project.machines.get(&self.id)?.clone(),
            networks: project.all("networks").cloned().collect(),
        })
    }

    fn is_behind(&self, view: &View) -> bool {
        let machine = &view.machine;
        let off = machine.power && !machine.deleted && self.up.is_none();
        machine.reached < machine.wished || off
    }

    fn directory(&self) -> PathBuf {
        self.site.directory(self.id)
    }

    /// Returns whether it booted on the way.
    async fn bring_about(&mut self, view: &View) -> Result<bool, HostError> {
        let machine = &view.machine;
        let other_disk = machine.made_disk.is_some_and(|made| made != machine.disk);
        let other_boot = self.up.as_ref().is_some_and(|up| up.boots != machine.boots);
        if machine.deleted || !machine.power || other_disk || other_boot {
            self.end(machine.orderly && !machine.deleted).await;
        }
        if machine.deleted || other_disk {
            let spec = view.spec(self.site.slot(), self.directory());
            self.site.driver().discard_disk(&spec).await?;
        }
        if machine.deleted {
            return match fs::remove_dir_all(self.directory()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(HostError::system(
                    format!("remove {}", self.directory().display()),
                )(error)),
                _ => Ok(false),
            };
        }
        let boots = machine.power && self.up.is_none();
        if boots {
            match self.boot(view).await {
                Ok(up) => self.up = Some(up),
                Err(error) => {
                    self.end(false).await;
                    return Err(error);
                }
            }
        }
        Ok(boots)
    }

    async fn boot(&self, view: &View) -> Result<Up, HostError> {
        let directory = self.directory();
        let failed = HostError::system(format!("make {}", directory.display()));
        fs::create_dir_all(&directory).map_err(failed)?;
        let driver = self.site.driver();
        let wiring = view.wiring(!driver.configures_itself());
        let spec = view.spec(self.site.slot(), directory);
        self.site.fabric().plug(&wiring).await?;
        let faults = view.machine.faults.clone();
        if faults.cut_public {
            self.site.fabric().public_carrier(&wiring, false).await?;
        }
        if faults.cut_private {
            self.site.fabric().private_carrier(&wiring, false).await?;
        }
        let host: Arc<dyn RunningHost> = driver.start(&spec).await?.into();
        self.shared.running().insert(self.id, host.clone());
        Ok(Up {
            host,
            spec,
            wiring,
            boots: view.machine.boots,
            faults,
            misrouted: false,
            leader: None,
            began: Instant::now(),
        })
    }

    /// Brings a running host to the faults that are set.
    async fn suffer(&mut self, view: &View) -> Result<(), HostError> {
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        let (old, new) = (up.faults.clone(), view.machine.faults.clone());
        let fabric = self.site.fabric();
        if old.cut_public != new.cut_public {
            fabric.public_carrier(&up.wiring, !new.cut_public).await?;
        }
        if old.cut_private != new.cut_private {
            fabric.private_carrier(&up.wiring, !new.cut_private).await?;
        }
        if old.disk_left_mib != new.disk_left_mib {
            up.host.leave_on_disk(&up.spec, new.disk_left_mib).await?;
        }
        let misroute = new.metadata_route && view.machine.fetched == Some(view.machine.disk);
        if misroute && !up.misrouted {
            // The last answer is still on its way.
            tokio::time::sleep(LOOK_AGAIN).await;
            fabric.misroute_metadata(&up.wiring).await?;
        }
        up.misrouted = misroute;
        up.faults = new;
        Ok(())
    }

    /// Ends what runs, if anything does, and takes its network apart.
    async fn end(&mut self, orderly: bool) {
        self.shared.running().remove(&self.id);
        if let Some(up) = self.up.take() {
            if orderly && up.host.press_power_button().await.is_ok() {
                let _ = tokio::time::timeout(ORDERLY_WITHIN, up.host.ended()).await;
            }
            up.host.cut_power().await;
        }
        if let Err(error) = self.site.fabric().unplug(self.id).await {
            tracing::warn!(server = self.id, %error, "a host's network is left");
        }
    }

    async fn stood_still(&mut self, ended: Ended) {
        self.up = None;
        self.shared.running().remove(&self.id);
        if ended == Ended::Reboot {
            return;
        }
        if let Ended::Broken(why) = &ended {
            tracing::warn!(server = self.id, %why, "a host broke");
        }
        self.end(false).await;
        let off = |machine: &mut Machine| {
            machine.power = false;
            machine.leader = None;
        };
        self.tell(off, "off");
    }

    fn report(&self, view: &View, outcome: Result<bool, HostError>) {
        let seen = &view.machine;
        let booted = matches!(outcome, Ok(true));
        let failed = outcome.err().map(|error| error.to_string());
        if let Some(why) = &failed {
            tracing::warn!(server = self.id, %why, "a host is not what it is to be");
        }
        let running = self.up.is_some();
        let status = match running {
            _ if seen.deleted => "deleting",
            true => "running",
            false => "off",
        };
        let change = |machine: &mut Machine| {
            machine.reached = seen.wished;
            if failed.is_some() {
                machine.power = false;
            }
            if booted {
                machine.leader = None;
                machine.made_disk = Some(seen.disk);
                // A rescue system boots once.
                if machine.rescue == seen.rescue {
                    machine.rescue = None;
                }
            }
            machine.failed = failed;
        };
        self.tell(change, status);
    }

    fn tell(&self, change: impl FnOnce(&mut Machine), status: &str) {
        let mut world = self.shared.lock();
        let Some(project) = world.projects.get_mut(&self.project) else {
            return;
        };
        if let Some(machine) = project.machines.get_mut(&self.id) {
            change(machine);
            let rescue = machine.rescue.is_some();
            if let Ok(server) = project.get_mut("servers", self.id) {
                server["status"] = json!(status);
                server["rescue_enabled"] = json!(rescue);
            }
        }
        drop(world);
        self.shared.announce();
    }
}
