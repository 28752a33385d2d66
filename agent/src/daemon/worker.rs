//! Does what the installer says, one task after the other, and keeps trying what failed.

mod goal;
mod pass;
mod tasks;

use std::time::Duration;

use sovereign_core::host::HostConfig;
use sovereign_core::k3s::K3sNode;
use tokio::time::{Instant, timeout_at};

use super::backoff::Backoff;
use super::desk::Desk;
use super::inbox::Order;
use crate::fault::Fault;
use crate::host::Host;
use crate::host_keys::{OwnKey, Stage};
use crate::leave;

use self::goal::Goal;
use self::pass::Pass;
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
            due = Instant::now() + backoff.next();
        }
        let order = match wanted.missing() {
            None => {
                desk.rest();
                Ok(desk.inbox.take().await)
            }
            Some(missing) => {
                desk.begin("retry");
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
    k3s: Option<Pass<K3sNode>>,
    exit: Option<Exit>,
}

impl Wanted {
    /// What an agent before this one was in the middle of.
    async fn at_start(desk: &Desk, host: &Host) -> Result<Self, Fault> {
        if OwnKey::load(host)?.is_some_and(|key| key.stage == Stage::Wanted) {
            tasks::use_host_key(desk, host).await;
        }
        Ok(Self {
            host: unfinished(host)?,
            k3s: unfinished(host)?,
            exit: leave::is_leaving(host).then(Exit::default),
        })
    }

    /// What failed and is tried again, if anything.
    fn missing(&self) -> Option<String> {
        if let Some(exit) = &self.exit {
            return Some(exit.stays.clone().unwrap_or_default());
        }
        let host = self.host.as_ref().map(Pass::missing);
        host.or_else(|| self.k3s.as_ref().map(Pass::missing))
    }

    /// Tries what is wanted once; whether the agent has left.
    async fn go_on(&mut self, desk: &Desk, host: &Host) -> bool {
        if let Some(exit) = &mut self.exit {
            return exit.leave(desk, host).await;
        }
        go_on(&mut self.host, desk, host).await;
        // A host that is not what it is to be runs nothing new.
        if self.host.is_none() {
            go_on(&mut self.k3s, desk, host).await;
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
                self.exit.get_or_insert_default();
                return true;
            }
            Order::Converge(config) => {
                self.host = desire(desk, host, *config);
                return true;
            }
            Order::RunK3s(node) => {
                self.k3s = desire(desk, host, *node);
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
