//! What one server is told at its first boot: made, with its secrets, when the server is asked for, and noted before.

use std::time::Duration;

use jiff::Timestamp;
use sovereign_engine::step::{StepContext, StepError};
use sovereign_remote::{NodeId, Ticket, ssh};
use sovereign_templates::{Budget, CloudInit, Reach, UserData};

use super::CreateServer;
use crate::link::Transport;
use crate::services::Services;
use crate::steps::conversation::unnoted;

/// How long a ticket may wait for its host.
const TICKET_LIFE: Duration = Duration::from_hours(1);

impl CreateServer {
    /// User data with fresh secrets. What the host will prove itself by is durable before this returns.
    pub(super) async fn user_data(&self, cx: &StepContext<'_, Services>) -> Result<UserData, StepError> {
        let node = NodeId {
            sovereign: self.boot.sovereign.clone(),
            node: self.name.clone(),
        };
        // A host that answered before and is made anew is no intruder. One that never did may come up yet, with what it was told.
        let nodes = &cx.services.nodes;
        if nodes.book().last_heard(&node).await.map_err(unnoted)? > 0 {
            nodes.expect_new_host(&node).await.map_err(unnoted)?;
        }
        // From here on the host may call.
        nodes.link(&node);
        let reach = match &self.boot.transport {
            Transport::Https { url } => self.call_us(cx, &node, url).await?,
            Transport::Ssh => self.be_called(cx, &node).await?,
        };
        let input = CloudInit {
            hostname: self.name.clone(),
            sovereign: self.boot.sovereign.clone(),
            organization: self.boot.organization.clone(),
            fqdn: self.boot.fqdn.clone(),
            role: self.boot.role,
            authorized_keys: self.boot.authorized_keys.clone(),
            reach,
        };
        let budget = Budget::hetzner();
        let rendered =
            UserData::render(&input, budget.encoding).map_err(|error| unusable(&self.name, &error))?;
        budget
            .check(&rendered)
            .map_err(|error| unusable(&self.name, &error))?;
        Ok(rendered)
    }

    async fn call_us(
        &self,
        cx: &StepContext<'_, Services>,
        node: &NodeId,
        url: &str,
    ) -> Result<Reach, StepError> {
        let nodes = &cx.services.nodes;
        let Some(authority) = nodes.authority() else {
            return Err(StepError::Fatal {
                cause: "hosts are to call this installer, and it does not listen".into(),
                remedy: format!("run `up` with `--advertise {url}`"),
            });
        };
        let ticket = Ticket::new();
        let until = Timestamp::now()
            .saturating_add(TICKET_LIFE)
            .unwrap_or(Timestamp::MAX);
        nodes
            .book()
            .issue_ticket(node, &ticket.digest(), until)
            .await
            .map_err(unnoted)?;
        Ok(Reach::Https {
            url: url.to_owned(),
            ca_pem: authority.to_owned(),
            ticket: ticket.expose().into(),
            agent_sha256: self.boot.agent.clone(),
        })
    }

    /// The host key is the installer's for the first contact only. Those of earlier attempts stay known: one may come up yet.
    async fn be_called(&self, cx: &StepContext<'_, Services>, node: &NodeId) -> Result<Reach, StepError> {
        let (private, public) =
            ssh::new_key_pair(&self.name).map_err(|error| unusable(&self.name, &error))?;
        let book = cx.services.nodes.book();
        let mut known = book.host_keys(node).await.map_err(unnoted)?;
        known.push(public.clone());
        book.put_host_keys(node, &known).await.map_err(unnoted)?;
        Ok(Reach::Ssh {
            host_key_private: private,
            host_key_public: public,
            login_key_public: cx.output(&self.boot.link)?.login_key,
        })
    }
}

fn unusable(name: &str, error: &dyn std::error::Error) -> StepError {
    StepError::Fatal {
        cause: format!(
            "the user data of `{name}` cannot be made: {}",
            sovereign_engine::step::chain(error)
        ),
        remedy: "nothing was asked of the cloud; correct the spec, then run `up` again".into(),
    }
}
