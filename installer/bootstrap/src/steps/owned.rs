//! A resource that a step makes: looked for, adopted and removed by exact name and ownership label, never by name alone.

use sovereign_cloud::label::{self, Labels};
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{CloudError, ErrorClass, Freshness};
use sovereign_engine::step::{StepContext, StepError};

use super::error::step_error;
use super::voice::Voice;
use crate::services::Services;

/// How old an answer a first look may be: a listing shared with other steps, or the cloud itself after an attempt whose outcome
/// nobody recorded.
pub(super) fn freshness(cx: &StepContext<'_, Services>) -> Freshness {
    if cx.unsettled {
        Freshness::Now
    } else {
        Freshness::Recent
    }
}

/// Whether two label sets name the same Sovereign.
pub(super) fn same_owner(ours: &Labels, theirs: &Labels) -> bool {
    ours.get(label::SOVEREIGN)
        .is_some_and(|sovereign| label::belongs_to(theirs, sovereign))
}

/// Removes a resource by its number; missing is success.
pub(super) async fn remove(
    cx: &StepContext<'_, Services>,
    kind: ResourceKind,
    id: u64,
) -> Result<(), StepError> {
    let deleted = cx.services.cloud()?.delete(kind, id, &Voice::of(cx).wait()).await;
    deleted.map_err(step_error)
}

/// What a step makes: a kind, an exact name, and the labels that say whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owned<'a> {
    pub(super) kind: ResourceKind,
    pub(super) name: &'a str,
    pub(super) labels: &'a Labels,
}

impl Owned<'_> {
    /// The resource, if it is there; an error if somebody else's is in its place.
    pub(super) async fn find(
        &self,
        cx: &StepContext<'_, Services>,
        freshness: Freshness,
    ) -> Result<Option<Resource>, StepError> {
        match self.look(cx, freshness).await? {
            Some(found) if !same_owner(self.labels, &found.labels) => Err(taken(&found)),
            found => Ok(found),
        }
    }

    /// What came of a create. If the name was taken it is looked at once, now: ours is as good as made by this attempt.
    pub(super) async fn made(
        &self,
        cx: &StepContext<'_, Services>,
        outcome: Result<Resource, CloudError>,
    ) -> Result<Resource, StepError> {
        let error = match outcome {
            Err(error) if error.class == ErrorClass::Exists => error,
            outcome => return outcome.map_err(step_error),
        };
        match self.find(cx, Freshness::Now).await? {
            Some(found) => Ok(found),
            None => Err(step_error(error)),
        }
    }

    /// Removes the resource if it is ours. Missing is success; somebody else's is left alone.
    pub(super) async fn remove(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        match self.look(cx, Freshness::Now).await? {
            Some(found) if same_owner(self.labels, &found.labels) => remove(cx, self.kind, found.id).await,
            _ => Ok(()),
        }
    }

    async fn look(
        &self,
        cx: &StepContext<'_, Services>,
        freshness: Freshness,
    ) -> Result<Option<Resource>, StepError> {
        let found = cx.services.cloud()?.find(self.kind, self.name, freshness).await;
        found.map_err(step_error)
    }
}

fn taken(found: &Resource) -> StepError {
    let owner = found.labels.get(label::SOVEREIGN).map_or_else(
        || "nobody's that the installer knows".to_owned(),
        |owner| format!("Sovereign `{owner}`'s"),
    );
    StepError::Fatal {
        cause: format!("{found} is there already and is {owner}"),
        remedy: "rename or remove it in the cloud's console, or choose another Sovereign name".into(),
    }
}
