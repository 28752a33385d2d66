//! The secret that let nodes in lets nobody in any more.
//!
//! k3s is asked for another one at `PUT /v1-k3s/token`, as its own `k3s token rotate` does; the command line has the secret among its
//! arguments, where every process of the host can read it. That writes the new one down, and opens what servers share by it alone.
//! Whom a running k3s lets in it has read when it started, so it starts anew, with the new one in its token file: with the old one
//! there it would not start any more.
//! (github.com/k3s-io/k3s, `pkg/server/handlers/token.go`, `pkg/authenticator/passwordfile`, `pkg/cluster/storage.go`)

use std::time::Duration;

use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sovereign_core::k3s::JoinToken;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::k3s;
use crate::root::Root;
use crate::standing::{LOOK, Standing};
use crate::state;

/// There from before k3s is asked for another secret until the old one is refused.
const NOTE: &str = "/var/lib/sovereign-agent/join-token.json";
const TOKEN: &str = "/v1-k3s/token";
/// Answered only to who has the secret.
const PROBE: &str = "/v1-k3s/encrypt/status";
/// Time a k3s that has just started gets to answer.
const PATIENCE: Duration = Duration::from_mins(1);
const NEITHER: &str = "k3s refuses both the old secret that lets nodes in and the new one";
const RESTORE: &str = "somebody else changed it: let k3s take the one in `/etc/rancher/k3s/token` again with `k3s token rotate` on the server, `systemctl restart k3s` there, and run `sovereign up` again";

/// One secret in place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) old: JoinToken,
    pub(crate) new: JoinToken,
}

impl Rotation {
    /// One that was begun and not seen through.
    pub(crate) fn noted(root: &Root) -> Result<Option<Self>, Fault> {
        state::read_json(root, NOTE)
    }

    /// Lets nodes in by the new secret alone, and sees that the old one is refused; whether that was a change. Cut off anywhere, it
    /// can be done again.
    pub(crate) async fn carry_out(&self, host: &Host) -> Result<bool, Fault> {
        let root = &host.root;
        let is_begun = Self::noted(root)?.as_ref() == Some(self);
        let opened = match opens(root, &self.new).await {
            // It may have taken the new one, and does not start with the old one since.
            Err(_) if is_begun => false,
            opened => opened?,
        };
        if !opened {
            state::write_json(root, NOTE, self)?;
            // An answer may be lost, and a k3s that is down gives none: what it starts with tells.
            if matches!(self.ask(root).await, Ok(false)) && !is_begun {
                forget(root)?;
                return Err(Fault::new(NEITHER, RESTORE));
            }
        }
        self.start(host).await?;
        self.prove(root).await?;
        forget(root)?;
        Ok(is_begun || !opened)
    }

    /// Lets k3s start with the new secret. One that never took it does not, and is asked once more.
    async fn start(&self, host: &Host) -> Result<(), Fault> {
        match k3s::start_with(host, &self.new).await {
            Err(fault) if k3s::wants_another_secret(&fault) => {
                k3s::start_with(host, &self.old).await?;
                if !self.ask(&host.root).await? {
                    return Err(Fault::new(NEITHER, RESTORE));
                }
                k3s::start_with(host, &self.new).await
            }
            started => started,
        }
    }

    /// Asks k3s to open what servers share by the new secret alone; whether it takes the old one, by which it is asked.
    async fn ask(&self, root: &Root) -> Result<bool, Fault> {
        let body = json!({"newToken": self.new.expose()}).to_string();
        let request = Request::put(TOKEN).body(body.into_bytes());
        call(root, &self.old, request).await
    }

    async fn prove(&self, root: &Root) -> Result<(), Fault> {
        if !answered(root, &self.new).await? {
            return Err(Fault::new(
                "k3s refuses the secret that it was started with",
                RESTORE,
            ));
        }
        if self.old != self.new && opens(root, &self.old).await? {
            return Err(Fault::new("k3s still takes the old secret", RESTORE));
        }
        Ok(())
    }
}

/// Whether the old secret opens nothing any more.
pub(super) async fn look(root: &Root, old: &JoinToken) -> Result<Standing, Fault> {
    Ok(if opens(root, old).await? {
        Standing::Failed(Fault::new(
            "k3s still takes the secret that nodes joined by",
            RESTORE,
        ))
    } else {
        Standing::proven(false, "the secret that nodes joined by is refused")
    })
}

/// Whether a k3s that has just started takes this secret.
async fn answered(root: &Root, token: &JoinToken) -> Result<bool, Fault> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match opens(root, token).await {
            Err(_) if Instant::now() < deadline => sleep(LOOK).await,
            answer => return answer,
        }
    }
}

/// Whether k3s takes this secret.
async fn opens(root: &Root, token: &JoinToken) -> Result<bool, Fault> {
    call(root, token, Request::get(PROBE).body(Vec::new())).await
}

/// Asks k3s by a secret for something; whether it takes the secret.
async fn call(
    root: &Root,
    token: &JoinToken,
    request: http::Result<Request<Vec<u8>>>,
) -> Result<bool, Fault> {
    let request = request
        .map_err(|error| Fault::new(format!("a request cannot be made: {error}"), "please report this"))?;
    let cluster = Cluster::open_as_server(root, token).await?;
    Ok(cluster.call(request).await?.is_some())
}

fn forget(root: &Root) -> Result<(), Fault> {
    disk::remove(&root.path(NOTE))
        .or_fault("removing", NOTE)
        .map(drop)
}

#[cfg(test)]
mod tests;
