//! A nudge for Flux: what failed is tried again at once, not when its turn comes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::cluster::{Cluster, ObjectId};
use crate::fault::Fault;
use crate::flux;

/// Whom it was given to. Each object gets one for each order: whoever gives the order again sees whether it succeeds now, and
/// what fails again and again keeps Flux' own pace.
#[derive(Debug, Default)]
pub(super) struct Nudge(BTreeSet<ObjectId>);

impl Nudge {
    pub(super) async fn give(
        &mut self,
        cluster: &Cluster,
        failed: impl IntoIterator<Item = ObjectId>,
    ) -> Result<(), Fault> {
        let now = Timestamp::now().to_string();
        for id in failed {
            if !self.0.contains(&id) && cluster.get(&id).await?.is_some() {
                flux::request(cluster, &id, &now).await?;
                self.0.insert(id);
            }
        }
        Ok(())
    }
}
