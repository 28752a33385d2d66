//! The hand-off: the Sovereign is proven to go on by itself, and its operator gets what is needed to run it.
//!
//! ```text
//!  nodes ──► kit ──► source ──► steady ──► drift ──► join token ──► inventory ──► cloud token ──► kubeconfig
//! ```
//!
//! What is proven once stays proven for this order; each look goes on with the first that is not.

mod cloud_token;
mod drift;
mod flux;
mod inventory;
mod kubeconfig;
mod nodes;
mod source;
mod steady;
pub(crate) mod token;

use jiff::Timestamp;
use sovereign_core::hand_off::HandOffOrder;
use sovereign_core::kit_order::KitOrder;

use self::drift::Drift;
use self::kubeconfig::Sealed;
use self::steady::Steady;
use crate::cluster::glance::Glance;
use crate::cluster::{Cluster, Opened};
use crate::fault::Fault;
use crate::host::Host;
use crate::kit::Installation;
use crate::standing::{Look, Standing};
use crate::state;

/// A hand-off on its way.
#[derive(Debug)]
pub(crate) struct HandOff {
    order: HandOffOrder,
    cluster: Opened,
    kit: Option<Installation>,
    steady: Steady,
    drift: Drift,
    kubeconfig: Option<Sealed>,
}

impl HandOff {
    pub(crate) fn new(order: HandOffOrder) -> Self {
        Self {
            order,
            cluster: Opened::default(),
            kit: None,
            steady: Steady::default(),
            drift: Drift::default(),
            kubeconfig: None,
        }
    }

    /// Goes as far as it goes right now, and says where each part stands, in the order of work.
    pub(crate) async fn go_on(&mut self, host: &Host) -> Look {
        let mut look = Look::default();
        if let Err(fault) = self.try_go_on(host, &mut look).await {
            look.note("hand-off", Standing::Unknown(fault));
        }
        look
    }

    /// The operator's way in, sealed; empty before all is proven.
    pub(crate) fn kubeconfig(&self) -> &str {
        self.kubeconfig.as_ref().map_or("", |sealed| &sealed.text)
    }

    async fn try_go_on(&mut self, host: &Host, look: &mut Look) -> Result<(), Fault> {
        let cluster = self.cluster.get(&host.root).await?;
        let glance = Glance::at(&cluster);
        let now = Timestamp::now().to_string();
        let root = &host.root;
        look.whole = look.note("nodes", nodes::look(&glance, &self.order.nodes).await?)
            && look.note("kit runs", self.kit_runs(host, &glance).await?)
            && look.note("source", source::look(&glance).await?)
            && look.note("steady", self.steady.go_on(&glance, &now).await?)
            && look.note("drift", self.drift.go_on(&glance, &now).await?)
            && look.note("join token", token::look(root, &self.order.old_token).await?)
            && look.note(
                "inventory",
                inventory::put(&cluster, &self.order.inventory).await?,
            )
            && self.cloud_token(&cluster, look).await?
            && look.note("kubeconfig", self.seal(host)?);
        Ok(())
    }

    /// Every part of the kit, once more.
    async fn kit_runs(&mut self, host: &Host, glance: &Glance<'_>) -> Result<Standing, Fault> {
        if self.kit.is_none() {
            let order: Option<KitOrder> = state::KIT.desired(&host.root)?;
            self.kit = order.map(Installation::new);
        }
        let Some(kit) = &mut self.kit else {
            return Ok(Standing::Missing("the kit: nobody has ordered one here".into()));
        };
        Ok(kit.look(host, glance).await.into_one())
    }

    /// The cloud token that stays, if there is one; whether nothing is open.
    async fn cloud_token(&self, cluster: &Cluster, look: &mut Look) -> Result<bool, Fault> {
        let Some(given) = &self.order.cloud_token else {
            return Ok(true);
        };
        Ok(look.note("cloud token", cloud_token::give(cluster, given).await?))
    }

    fn seal(&mut self, host: &Host) -> Result<Standing, Fault> {
        let sealed = match self.kubeconfig.take() {
            Some(sealed) => sealed,
            None => kubeconfig::sealed(&host.root, &self.order)?,
        };
        let (keys, named) = (sealed.recipients, self.order.recipients.len());
        self.kubeconfig = Some(sealed);
        Ok(Standing::proven(
            false,
            format!("sealed to {keys} of {named} keys"),
        ))
    }
}
