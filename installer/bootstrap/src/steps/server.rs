//! Makes a server of the first type and location that can be had.

mod choice;
mod user_data;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_cloud::label::Labels;
use sovereign_cloud::request::ServerRequest;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{CloudError, ErrorClass, Freshness};
use sovereign_core::spec::Candidate;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use tokio::time::{Instant, sleep};

use self::choice::price_difference;
use super::boot::HostBoot;
use super::error::step_error;
use super::firewall::CreateFirewall;
use super::network::CreateNetwork;
use super::owned::{Owned, freshness, remove};
use super::placement_group::CreatePlacementGroup;
use super::ssh_key::CreateSshKey;
use super::voice::Voice;
use crate::services::Services;

pub use self::choice::{Fallback, MadeServer, ServerChoice};

/// How long a server found half-made may take to come up.
const HALF_MADE: Duration = Duration::from_mins(3);
/// Time between looks at a server that is coming up.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Time before another round through choices that are all sold out. Rounds cost requests that others in the project need.
const SOLD_OUT: Duration = Duration::from_mins(2);
/// Times a server is made anew that came up without its private network.
const TRIES_FOR_NETWORK: u32 = 2;

/// Makes a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateServer {
    /// Host name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// What it is told at its first boot.
    pub boot: HostBoot,
    /// Types and locations; every attempt tries them in this order.
    pub choices: Vec<ServerChoice>,
    /// Its private network; public addresses only without.
    pub network: Option<StepRef<CreateNetwork>>,
    /// Its firewall.
    pub firewall: StepRef<CreateFirewall>,
    /// Keys that may log in.
    pub ssh_keys: Vec<StepRef<CreateSshKey>>,
    /// Its placement group.
    pub placement_group: Option<StepRef<CreatePlacementGroup>>,
}

impl Step for CreateServer {
    const KIND: &'static str = "server.create";
    type Services = Services;
    type Output = MadeServer;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<MadeServer>, StepError> {
        let Some(found) = self.own().find(cx, freshness(cx)).await? else {
            return Ok(None);
        };
        let Some(server) = self.come_up(cx, found).await? else {
            return Ok(None);
        };
        if self.lacks_network(&server) {
            // It may hold data: only a person takes it down.
            return Err(StepError::Fatal {
                cause: format!("{server} is there and not in its private network"),
                remedy:
                    "attach it to the network in the cloud's console, or delete it there and run `up` again"
                        .into(),
            });
        }
        Ok(Some(MadeServer::new(server, &self.choices)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<MadeServer, StepError> {
        for _ in 0..TRIES_FOR_NETWORK {
            let server = self.first_to_be_had(cx).await?;
            if !self.lacks_network(&server) {
                return Ok(MadeServer::new(server, &self.choices));
            }
            // Such a server never joins the others; a fresh one usually does.
            cx.waiting(
                "a server with its private network",
                "it came up without: making it anew",
            );
            remove(cx, ResourceKind::Server, server.id).await?;
        }
        Err(StepError::Fatal {
            cause: format!(
                "server `{}` came up {TRIES_FOR_NETWORK} times without its private network; each was removed",
                self.name
            ),
            remedy: "run `up` again later; if it stays so, ask the cloud's support about the network".into(),
        })
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        self.own().remove(cx).await
    }
}

impl CreateServer {
    fn own(&self) -> Owned<'_> {
        Owned {
            kind: ResourceKind::Server,
            name: &self.name,
            labels: &self.labels,
        }
    }

    fn lacks_network(&self, server: &Resource) -> bool {
        self.network.is_some() && server.private_ipv4.is_none()
    }

    fn request(
        &self,
        cx: &StepContext<'_, Services>,
        choice: &ServerChoice,
    ) -> Result<ServerRequest, StepError> {
        let keys = self.ssh_keys.iter().map(|key| Ok(cx.output(key)?.id));
        let network = self.network.as_ref().map(|step| cx.output(step)).transpose()?;
        let group = self.placement_group.as_ref().map(|step| cx.output(step));
        Ok(ServerRequest {
            name: self.name.clone(),
            labels: self.labels.clone(),
            candidate: choice.candidate.clone(),
            image: choice.image,
            ssh_keys: keys.collect::<Result<_, StepError>>()?,
            networks: network.iter().map(|made| made.id).collect(),
            firewalls: vec![cx.output(&self.firewall)?.id],
            placement_group: group.transpose()?.map(|made| made.id),
        })
    }

    /// A server of the first choice that can be had.
    async fn first_to_be_had(&self, cx: &StepContext<'_, Services>) -> Result<Resource, StepError> {
        let mut refusals = Vec::new();
        let user_data = self.user_data(cx).await?;
        for (index, choice) in self.choices.iter().enumerate() {
            let request = self.request(cx, choice)?;
            let made = cx
                .services
                .cloud()?
                .create_server(&request, &user_data.expose().into(), &Voice::of(cx).wait())
                .await;
            match made {
                Ok(server) => return Ok(server),
                Err(error) if error.class == ErrorClass::FallBack => {
                    self.tell_fallback(cx, index, &error);
                    refusals.push(format!("{}: {}", words(&choice.candidate), error.code));
                }
                Err(error) if error.class == ErrorClass::Exists => {
                    return Err(self.in_the_way(cx, error).await);
                }
                Err(error) => return Err(step_error(error)),
            }
        }
        Err(StepError::Retry {
            cause: format!(
                "server `{}` cannot be had now ({}); to stop waiting, add server types or locations to the spec",
                self.name,
                refusals.join(", ")
            ),
            after: Some(SOLD_OUT),
            unsettled: false,
        })
    }

    fn tell_fallback(&self, cx: &StepContext<'_, Services>, refused: usize, error: &CloudError) {
        let seen = format!(
            "{} refused: {}",
            words(&self.choices[refused].candidate),
            error.code
        );
        match self.choices.get(refused + 1) {
            Some(next) => {
                let difference = price_difference(next, &self.choices[0]);
                cx.waiting(&format!("{}{difference}", words(&next.candidate)), &seen);
            }
            None => cx.waiting("any of its server types and locations", &seen),
        }
    }

    /// Something has the name that no look had found. Ours is judged by the next look; what never came up is taken away.
    async fn in_the_way(&self, cx: &StepContext<'_, Services>, error: CloudError) -> StepError {
        let cause = error.to_string();
        let found = match self.own().find(cx, Freshness::Now).await {
            Ok(Some(found)) => found,
            Ok(None) => return step_error(error),
            Err(error) => return error,
        };
        if is(&found, "initializing")
            && let Err(error) = remove(cx, ResourceKind::Server, found.id).await
        {
            return error;
        }
        StepError::Retry {
            cause,
            after: None,
            unsettled: true,
        }
    }

    /// Waits for a server found on its way up. `None` if it went away, or never ran and is to be made anew.
    async fn come_up(
        &self,
        cx: &StepContext<'_, Services>,
        found: Resource,
    ) -> Result<Option<Resource>, StepError> {
        let deadline = Instant::now() + HALF_MADE;
        let mut server = found;
        while ["initializing", "starting", "deleting"]
            .iter()
            .any(|status| is(&server, status))
        {
            let status = server.status.clone().unwrap_or_default();
            if Instant::now() >= deadline {
                return if is(&server, "initializing") {
                    Ok(None)
                } else {
                    Err(StepError::Retry {
                        cause: format!("{server} stays `{status}`"),
                        after: None,
                        unsettled: true,
                    })
                };
            }
            cx.waiting(&format!("server `{}` to run", self.name), &status);
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
            }
            // One listing serves every server that waits.
            let servers = cx
                .services
                .cloud()?
                .list(ResourceKind::Server)
                .await
                .map_err(step_error)?;
            match servers.into_iter().find(|seen| seen.id == server.id) {
                Some(seen) => server = seen,
                None => return Ok(None),
            }
        }
        Ok(Some(server))
    }
}

fn is(server: &Resource, status: &str) -> bool {
    server.status.as_deref() == Some(status)
}

fn words(candidate: &Candidate) -> String {
    format!("{} in {}", candidate.server_type, candidate.location)
}
