//! Everything a Sovereign holds in the account, and the plan that removes it.
//!
//! A Sovereign's cluster makes things that carry no label of ours: servers of an autoscaler, volumes, load balancers. They are
//! found by what they hang on: a network, a server, a target. A label of another Sovereign settles it the other way.

mod holdings;
mod machines;
mod name;
mod plan;
mod pool;
mod scope;

use futures::future::try_join_all;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sovereign_cloud::inventory::PriceList;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{Cloud, CloudError};
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::Run;

pub use holdings::{Holding, Holdings};
pub use machines::MachineTeardown;
pub use name::{NameTeardown, WayBack};
pub use plan::{plan_destroy, plan_leave, plan_release, plan_rollback};
pub use pool::PoolTeardown;
pub use scope::Scope;

/// One resource that goes, or is spared, with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeardownItem {
    /// The resource.
    pub resource: Resource,
    /// Why it goes, or why it stays.
    pub reason: String,
    /// What it costs a month, net; `None` where there is no charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Decimal>,
}

/// Everything that goes when a Sovereign is destroyed. The same list is shown, run and kept in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Teardown {
    /// What was looked for, with what was learned on the way.
    pub scope: Scope,
    /// What goes, in the order in which it goes.
    pub items: Vec<TeardownItem>,
    /// What is near the Sovereign and stays, because it may be somebody else's.
    pub spared: Vec<TeardownItem>,
    /// What the items cost a month, net.
    pub monthly: Decimal,
    /// ISO 4217 code.
    pub currency: String,
}

/// Looks through the whole account for what is `sovereign`'s.
///
/// `known` is the Sovereign's last run, if there is one: it remembers networks and servers that are gone, so that what hung on
/// them is still recognised. Without it the account alone decides.
pub async fn teardown_listing(
    cloud: &dyn Cloud,
    sovereign: &SovereignName,
    known: Option<&Run>,
) -> Result<Teardown, CloudError> {
    let mut scope = Scope::of(sovereign.clone());
    if let Some(run) = known {
        scope.recall(run);
    }
    let (everything, prices) = tokio::try_join!(list_everything(cloud), cloud.prices())?;
    Ok(Teardown::of(Holdings::judge(&everything, scope), &prices))
}

/// Every resource of every kind, now.
pub(crate) async fn list_everything(cloud: &dyn Cloud) -> Result<Vec<Resource>, CloudError> {
    let listings = ResourceKind::ALL.map(|kind| cloud.list(kind));
    Ok(try_join_all(listings).await?.concat())
}

impl Teardown {
    /// Holdings with their prices.
    pub fn of(holdings: Holdings, prices: &PriceList) -> Self {
        let item = |holding: Holding| TeardownItem {
            monthly: prices.monthly(&holding.resource),
            resource: holding.resource,
            reason: holding.reason,
        };
        let items: Vec<TeardownItem> = holdings.items.into_iter().map(item).collect();
        Self {
            scope: holdings.scope,
            monthly: items.iter().filter_map(|item| item.monthly).sum(),
            items,
            spared: holdings.spared.into_iter().map(item).collect(),
            currency: prices.currency.clone(),
        }
    }
}
