//! What is taken away from the cluster comes back: Flux is asked to look, and nobody else puts it there.

use std::time::Duration;

use tokio::time::Instant;

use super::flux::Kustomization;
use crate::cluster::ObjectId;
use crate::cluster::glance::Glance;
use crate::fault::Fault;
use crate::standing::Standing;

/// Kinds whose objects may be missing for a moment without anybody noticing.
const HARMLESS: [&str; 2] = ["OCIRepository", "ConfigMap"];
/// Time Flux gets.
const PATIENCE: Duration = Duration::from_mins(5);

/// How far the proof is.
#[derive(Debug, Default)]
pub(super) struct Drift {
    taken: Option<Taken>,
    proven: Option<String>,
}

/// An object that was taken away.
#[derive(Debug)]
struct Taken {
    id: ObjectId,
    /// What tells it from the one that comes back.
    uid: Option<String>,
    since: Instant,
}

impl Drift {
    /// Goes on with it: one look, and no waiting.
    pub(super) async fn go_on(&mut self, glance: &Glance<'_>, at: &str) -> Result<Standing, Fault> {
        if let Some(seen) = &self.proven {
            return Ok(Standing::proven(false, seen.clone()));
        }
        let Some(Taken { id, uid, since }) = &self.taken else {
            return self.take(glance, at).await;
        };
        let another = glance
            .cluster()
            .get(id)
            .await?
            .is_some_and(|live| live.metadata.uid != *uid);
        if another {
            let seen = format!("{id} was deleted; Flux was asked to look, and it came back");
            self.proven = Some(seen.clone());
            return Ok(Standing::proven(false, seen));
        }
        if since.elapsed() < PATIENCE {
            return Ok(Standing::Waiting(to_come(id)));
        }
        let cause = format!(
            "{id} was deleted; Flux was asked to look, and it did not come back within {} min",
            PATIENCE.as_secs() / 60
        );
        let remedy = "see what the kustomize-controller says: `kubectl -n flux-system logs deploy/kustomize-controller`";
        Ok(Standing::TimedOut(Fault::new(cause, remedy)))
    }

    async fn take(&mut self, glance: &Glance<'_>, at: &str) -> Result<Standing, Fault> {
        let all = Kustomization::all(glance).await?;
        let harmless = |one: &Kustomization| {
            one.inventory()
                .into_iter()
                .find(|id| HARMLESS.contains(&id.kind.as_str()))
        };
        let Some((owner, id)) = all.iter().find_map(|one| Some((one, harmless(one)?))) else {
            let cause = "the kit has no object that could be missing for a moment";
            let remedy = "give one of its components a ConfigMap";
            return Ok(Standing::Stalled(Fault::new(cause, remedy)));
        };
        let cluster = glance.cluster();
        let uid = cluster.get(&id).await?.and_then(|live| live.metadata.uid);
        cluster.delete(&id).await?;
        owner.request(cluster, at).await?;
        let words = to_come(&id);
        let since = Instant::now();
        self.taken = Some(Taken { id, uid, since });
        Ok(Standing::Waiting(words))
    }
}

fn to_come(id: &ObjectId) -> String {
    format!("{id} was deleted, Flux was asked to look, and it is to come back")
}
