//! Does what the installer says, one task after the other, and keeps trying what failed.

mod goal;
mod pass;
mod quest;
mod tasks;

use std::time::Duration;

use sovereign_core::host::HostConfig;
use sovereign_core::k3s::K3sNode;
use sovereign_core::registry::NodeRegistry;
use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::desk::Desk;
use super::inbox::Order;
use crate::fault::Fault;
use crate::hand_off::HandOff;
use crate::hand_off::token::Rotation;
use crate::host::Host;
use crate::host_keys::{OwnKey, Stage};
use crate::kit::Installation;
use crate::standing;

use self::goal::Goal;
use self::pass::Pass;
use self::quest::{Aim, Quest};
use self::tasks::Exit;

const FIRST: Duration = Duration::from_secs(2);
const MOST: Duration = Duration::from_mins(1);

/// Works until the agent has left the host.
pub(super) async fn work(desk: &Desk, host: &Host) -> Result<(), Fault> {
    let mut wanted = Wanted::at_start(desk, host).await?;
    let mut backoff = Backoff::new(FIRST, MOST);
    let mut due = Instant::now();
    loop {
        if due <= Instant::now() {
            if wanted.go_on(desk, host).await {
                return Ok(());
            }
            due = Instant::now() + wanted.pause(&mut backoff);
        }
        let order = match wanted.missing() {
            None => {
                desk.rest();
                Ok(desk.inbox.take().await)
            }
            Some((task, missing)) => {
                desk.begin(task);
                desk.saw(&missing);
                timeout_at(due, desk.inbox.take()).await
            }
        };
        if let Ok(order) = order
            && wanted.take_on(desk, host, order).await
        {
            backoff.reset();
            due = Instant::now();
        }
    }
}

/// What is wanted and not there yet.
#[derive(Debug, Default)]
struct Wanted {
    host: Option<Pass<HostConfig>>,
    registry: Option<Pass<NodeRegistry>>,
    k3s: Option<Pass<K3sNode>>,
    kit: Option<Quest<Installation>>,
    hand_off: Option<Quest<HandOff>>,
    exit: Option<Exit>,
}

impl Wanted {
    /// What an agent before this one was in the middle of.
    async fn at_start(desk: &Desk, host: &Host) -> Result<Self, Fault> {
        if OwnKey::load(host)?.is_some_and(|key| key.stage == Stage::Wanted) {
            tasks::use_host_key(desk, host).await;
        }
        let exit = Exit::noted(host)?;
        if exit.is_none()
            && let Some(rotation) = Rotation::noted(&host.root)?
        {
            tasks::rotate_token(desk, host, &rotation).await;
        }
        Ok(Self {
            host: unfinished(host)?,
            registry: unfinished(host)?,
            k3s: unfinished(host)?,
            kit: Quest::unfinished(host)?,
            hand_off: Quest::unfinished(host)?,
            exit,
        })
    }

    /// What is not done and gone on with, if anything: the task, and where it stands.
    fn missing(&self) -> Option<(&'static str, String)> {
        if let Some(exit) = &self.exit {
            return Some(("retry", exit.stays.clone().unwrap_or_default()));
        }
        let host = self.host.as_ref().map(Pass::missing);
        let registry = || self.registry.as_ref().map(Pass::missing);
        let failed = host
            .or_else(registry)
            .or_else(|| self.k3s.as_ref().map(Pass::missing))
            .map(|missing| ("retry", missing));
        failed
            .or_else(|| self.kit.as_ref().map(Quest::missing))
            .or_else(|| self.hand_off.as_ref().map(Quest::missing))
    }

    /// Time until the next try. What takes a while has not failed: it is looked at steadily.
    fn pause(&self, backoff: &mut Backoff) -> Duration {
        let quest = self.kit.is_some() || self.hand_off.is_some();
        if self.exit.is_none() && self.is_a_node() && quest {
            standing::LOOK
        } else {
            backoff.next()
        }
    }

    /// The host and all below the kit are what they are to be.
    fn is_a_node(&self) -> bool {
        self.host.is_none() && self.registry.is_none() && self.k3s.is_none()
    }

    /// Tries what is wanted once; whether the agent has left.
    async fn go_on(&mut self, desk: &Desk, host: &Host) -> bool {
        if let Some(exit) = &mut self.exit {
            return exit.go_on(desk, host).await;
        }
        go_on(&mut self.host, desk, host).await;
        // A host that is not what it is to be runs nothing new.
        if self.host.is_none() {
            go_on(&mut self.registry, desk, host).await;
        }
        // k3s fetches what it runs from the registry.
        if self.host.is_none() && self.registry.is_none() {
            go_on(&mut self.k3s, desk, host).await;
        }
        if self.is_a_node() {
            go_after(&mut self.kit, desk, host).await;
        }
        if self.is_a_node() && self.kit.is_none() {
            go_after(&mut self.hand_off, desk, host).await;
        }
        false
    }

    /// Does what is asked, or notes it; whether there is something new to go on with.
    async fn take_on(&mut self, desk: &Desk, host: &Host, order: Order) -> bool {
        match order {
            Order::Preflight(order) => tasks::preflight(desk, host, &order).await,
            Order::MakeHostKeys => tasks::make_host_key(desk, host).await,
            Order::UseHostKeys => tasks::use_host_key(desk, host).await,
            Order::Leave => {
                self.exit.get_or_insert_with(Exit::whole);
                return true;
            }
            Order::Converge(config) => {
                self.host = desire(desk, host, *config);
                return true;
            }
            Order::ServeRegistry(registry) => {
                self.registry = desire(desk, host, *registry);
                return true;
            }
            Order::RunK3s(node) => {
                self.k3s = desire(desk, host, *node);
                return true;
            }
            Order::InstallKit(order) => {
                self.kit = Quest::desire(desk, host, *order);
                return true;
            }
            Order::RotateToken(rotation) => tasks::rotate_token(desk, host, &rotation).await,
            Order::HandOff(order) => {
                self.hand_off = Quest::desire(desk, host, *order);
                return true;
            }
            Order::Release(order) => {
                self.exit.get_or_insert_with(|| Exit::alone(order));
                return true;
            }
        }
        false
    }
}

/// What an agent before this one did not finish.
fn unfinished<G: Goal>(host: &Host) -> Result<Option<Pass<G>>, Fault> {
    let desired: Option<G> = G::SLOT.desired(&host.root)?;
    let applied = G::SLOT.applied(&host.root)?;
    Ok(desired
        .filter(|goal| Some(goal.digest()) != applied)
        .map(Pass::new))
}

/// Tries what is wanted once.
async fn go_on<G: Goal>(wanted: &mut Option<Pass<G>>, desk: &Desk, host: &Host) {
    if let Some(pass) = wanted
        && pass.run(desk, host).await
    {
        *wanted = None;
    }
}

/// Looks once after what is wanted.
async fn go_after<A: Aim>(wanted: &mut Option<Quest<A>>, desk: &Desk, host: &Host) {
    if let Some(quest) = wanted
        && quest.go_on(desk, host).await
    {
        *wanted = None;
    }
}

/// Notes on the disk what is wanted, before anything is done about it.
fn desire<G: Goal>(desk: &Desk, host: &Host, goal: G) -> Option<Pass<G>> {
    match G::SLOT.set_desired(&host.root, &goal) {
        Ok(()) => Some(Pass::new(goal)),
        Err(fault) => {
            tasks::tell_failed(desk, &goal.digest(), &fault);
            None
        }
    }
}
