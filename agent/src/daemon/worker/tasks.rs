//! Everything the worker does besides converging.

use std::time::Duration;

use sovereign_core::agent::{AgentEventKind, PreflightOrder, SubStepState};
use sovereign_core::crash;
use tokio::time::{sleep, timeout};

use crate::converge::scrub;
use crate::daemon::desk::Desk;
use crate::fault::Fault;
use crate::host::Host;
use crate::host_keys::OwnKey;
use crate::leave;
use crate::preflight;

/// Name of the tasks about host keys.
const HOST_KEYS: &str = "host-keys";
/// Name of the last task.
const LEAVE: &str = "leave";
/// Time the last word gets to reach an installer.
const LAST_WORD: Duration = Duration::from_secs(5);
/// Time it gets on its way once it is sent.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

pub(super) fn tell_failed(desk: &Desk, task: &str, fault: &Fault) {
    tracing::warn!(task, cause = %fault, remedy = %fault.remedy, "failed");
    desk.tell(AgentEventKind::Failed {
        task: task.to_owned(),
        cause: fault.cause.clone(),
        remedy: fault.remedy.clone(),
    });
}

pub(super) async fn preflight(desk: &Desk, host: &Host, order: &PreflightOrder) {
    desk.begin("preflight");
    let report = preflight::preflight(host, order, &|at| desk.saw(at)).await;
    desk.tell(AgentEventKind::Preflight(report));
}

pub(super) async fn make_host_key(desk: &Desk, host: &Host) {
    desk.begin(HOST_KEYS);
    crash::point("agent-before");
    let made = OwnKey::make(host).await;
    crash::point("agent-after");
    match made {
        Ok(key) => {
            desk.tell(AgentEventKind::HostKeys {
                public: vec![key.public],
            });
        }
        Err(fault) => part_failed(desk, HOST_KEYS, &fault),
    }
}

pub(super) async fn use_host_key(desk: &Desk, host: &Host) {
    desk.begin(HOST_KEYS);
    crash::point("agent-before");
    let used = OwnKey::put_to_use(host).await;
    crash::point("agent-after");
    // The key that came with the user data is worth nothing any more, but it is nobody's business either.
    match used.and_then(|()| scrub(host)) {
        Ok(_) => {
            desk.tell(AgentEventKind::HostKeysInUse);
        }
        Err(fault) => part_failed(desk, HOST_KEYS, &fault),
    }
}

fn part_failed(desk: &Desk, task: &str, fault: &Fault) {
    let log = fault.log.clone();
    let (cause, remedy) = (fault.cause.clone(), fault.remedy.clone());
    desk.tell_part(task, SubStepState::Failed { cause, remedy, log });
    tell_failed(desk, task, fault);
}

/// The way out.
#[derive(Debug, Default)]
pub(super) struct Exit {
    /// What keeps the agent here, as it was told.
    pub(super) stays: Option<String>,
    /// The last word was said.
    said: bool,
}

impl Exit {
    /// Leaves the host; whether that is done. What keeps it here is told once.
    pub(super) async fn leave(&mut self, desk: &Desk, host: &Host) -> bool {
        desk.begin(LEAVE);
        let Err(fault) = self.try_leave(desk, host).await else {
            return true;
        };
        if self.stays.as_ref() != Some(&fault.cause) {
            self.stays = Some(fault.cause.clone());
            part_failed(desk, LEAVE, &fault);
        }
        false
    }

    async fn try_leave(&mut self, desk: &Desk, host: &Host) -> Result<(), Fault> {
        leave::set_leaving(host)?;
        leave::undo_all(host, &|part| desk.saw(part)).await?;
        if !std::mem::replace(&mut self.said, true) {
            last_word(desk).await;
        }
        leave::remove_agent(host).await
    }
}

/// Nobody may be there to hear it; the host is clean all the same.
async fn last_word(desk: &Desk) {
    let seq = desk.tell(AgentEventKind::Leaving);
    let mut told = desk.told();
    let heard = timeout(LAST_WORD, told.wait_for(|&told| told >= seq)).await;
    if heard.is_ok() {
        sleep(ON_ITS_WAY).await;
    }
}
