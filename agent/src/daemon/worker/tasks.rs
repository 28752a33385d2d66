//! Everything the worker does besides converging.

use std::time::Duration;

use sovereign_core::agent::{AgentEventKind, PreflightOrder, SubStepState};
use sovereign_core::crash;
use sovereign_core::hand_off::ReleaseOrder;
use tokio::time::{sleep, timeout};

use crate::converge::scrub;
use crate::daemon::desk::Desk;
use crate::fault::Fault;
use crate::hand_off::token::Rotation;
use crate::host::Host;
use crate::host_keys::OwnKey;
use crate::{leave, preflight, release};

/// Name of the tasks about host keys.
const HOST_KEYS: &str = "host-keys";
/// Name of the task that changes the secret by which nodes join.
const JOIN_TOKEN: &str = "join-token";
/// Names of the last tasks.
const LEAVE: &str = "leave";
const RELEASE: &str = "release";
/// Time the last word gets to reach an installer, which looks at the host afterwards.
const LAST_WORD: Duration = Duration::from_secs(5);
/// Time an installer gets to note the last word where it has no other way to look at the host: one that died is back by then.
const NOTED: Duration = Duration::from_mins(10);
const UNWRITTEN: &str = "that the host is let go of cannot be written down, so it would not be told";
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
    crash::once("before", "making of host keys");
    let made = OwnKey::make(host).await;
    crash::once("after", "making of host keys");
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
    crash::once("before", "use of host keys");
    let used = OwnKey::put_to_use(host).await;
    crash::once("after", "use of host keys");
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

/// Lets the cluster take nodes by another secret.
pub(super) async fn rotate_token(desk: &Desk, host: &Host, rotation: &Rotation) {
    desk.begin(JOIN_TOKEN);
    desk.tell_part(JOIN_TOKEN, SubStepState::Begun);
    crash::once("before", JOIN_TOKEN);
    let rotated = rotation.carry_out(host).await;
    crash::once("after", JOIN_TOKEN);
    match rotated {
        Ok(changed) => {
            let detail = "the old one is refused".to_owned();
            desk.tell_part(JOIN_TOKEN, SubStepState::Done { changed, detail });
            desk.tell(AgentEventKind::TokenRotated);
        }
        Err(fault) => part_failed(desk, JOIN_TOKEN, &fault),
    }
}

/// The way out.
#[derive(Debug)]
pub(super) struct Exit {
    way: Way,
    /// What keeps the agent here, as it was told.
    pub(super) stays: Option<String>,
    /// The last word was said.
    said: bool,
}

/// How the agent goes.
#[derive(Debug)]
enum Way {
    /// With everything that was put on the host.
    Whole,
    /// Alone.
    Alone(ReleaseOrder),
}

impl Exit {
    /// The agent goes with everything that was put on the host.
    pub(super) fn whole() -> Self {
        Self::by(Way::Whole)
    }

    /// The agent goes alone.
    pub(super) fn alone(order: ReleaseOrder) -> Self {
        Self::by(Way::Alone(order))
    }

    /// What an agent before this one was told.
    pub(super) fn noted(host: &Host) -> Result<Option<Self>, Fault> {
        if leave::is_leaving(host) {
            return Ok(Some(Self::whole()));
        }
        Ok(release::noted(host)?.map(Self::alone))
    }

    fn by(way: Way) -> Self {
        Self {
            way,
            stays: None,
            said: false,
        }
    }

    /// Leaves the host; whether that is done. What keeps it here is told once.
    pub(super) async fn go_on(&mut self, desk: &Desk, host: &Host) -> bool {
        let task = match self.way {
            Way::Whole => LEAVE,
            Way::Alone(_) => RELEASE,
        };
        desk.begin(task);
        let Err(fault) = self.try_go_on(desk, host).await else {
            return true;
        };
        if self.stays.as_ref() != Some(&fault.cause) {
            self.stays = Some(fault.cause.clone());
            part_failed(desk, task, &fault);
        }
        false
    }

    async fn try_go_on(&mut self, desk: &Desk, host: &Host) -> Result<(), Fault> {
        match &self.way {
            Way::Whole => {
                leave::set_leaving(host)?;
                leave::undo_all(host, &|part| desk.saw(part)).await?;
                if !self.said {
                    is_told(desk, desk.tell(AgentEventKind::Leaving)).await;
                    self.said = true;
                }
                leave::remove_agent(host).await
            }
            Way::Alone(order) => {
                release::note(host, order)?;
                release::lock_out(host, order)?;
                if !self.said {
                    is_noted(desk, desk.tell(AgentEventKind::Released)).await?;
                    self.said = true;
                }
                release::remove_daemon(host).await
            }
        }
    }
}

/// Nobody may be there to hear it; the agent goes all the same.
async fn is_told(desk: &Desk, seq: u64) {
    let mut told = desk.told();
    let heard = timeout(LAST_WORD, told.wait_for(|&told| told >= seq)).await;
    if heard.is_ok() {
        sleep(ON_ITS_WAY).await;
    }
}

/// An installer that is gone for good does not keep the agent. One that is not takes silence for a sign only after this word.
async fn is_noted(desk: &Desk, seq: u64) -> Result<(), Fault> {
    if seq == 0 {
        return Err(Fault::new(UNWRITTEN, "make room on the disk of `/var/lib`"));
    }
    let mut noted = desk.noted();
    let _ = timeout(NOTED, noted.wait_for(|&noted| noted >= seq)).await;
    Ok(())
}
