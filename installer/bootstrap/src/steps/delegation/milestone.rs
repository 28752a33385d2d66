//! The stages of the way to our name servers, a step each: old keys off, pointed, forgotten, our keys on.
//!
//! Each looks at where the name is and makes every move that is missing up to its stage, so that one which is tried again after a
//! roll-back goes the whole way.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::{Memory, Stage};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::course::Course;
use crate::services::Services;

/// A stage that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReachedStage {
    /// What caches may hold.
    pub memory: Memory,
}

macro_rules! milestone {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $stage:expr, after: $earlier:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// The way.
            #[serde(flatten)]
            pub course: Course,
            /// The stage before.
            pub earlier: Option<StepRef<$earlier>>,
        }

        impl Step for $name {
            const KIND: &'static str = $kind;
            type Services = Services;
            type Output = ReachedStage;

            fn deadline(&self) -> Duration {
                self.course.name.deadline()
            }

            async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ReachedStage>, StepError> {
                let known = self.earlier.as_ref().map(|earlier| cx.output(earlier)).transpose()?;
                let voyage = self.course.begin(cx, known.map(|known| known.memory)).await?;
                let memory = voyage.stands_at($stage).await;
                Ok(memory.map(|memory| ReachedStage { memory }))
            }

            async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ReachedStage, StepError> {
                let known = self.earlier.as_ref().map(|earlier| cx.output(earlier)).transpose()?;
                let voyage = self.course.begin(cx, known.map(|known| known.memory)).await?;
                let memory = voyage.reach($stage).await?;
                Ok(ReachedStage { memory })
            }

            async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
                self.course.name.refuse_undo(cx).await
            }
        }
    };
}

milestone! {
    /// Takes keys (DS) off the parent that our servers cannot answer with, and waits until no cache has them.
    UnsignDelegation, "delegation.unsign", Stage::KeysOff, after: UnsignDelegation
}

milestone! {
    /// Has the parent lead to our name servers, and sees it at every one of its servers.
    PointDelegation, "delegation.point", Stage::Pointed, after: UnsignDelegation
}

milestone! {
    /// Waits until every cache has forgotten the old name servers.
    DrainDelegation, "delegation.drain", Stage::Forgotten, after: PointDelegation
}

milestone! {
    /// Has the parent vouch for the zone's keys, and sees it at every one of its servers.
    SignDelegation, "delegation.sign", Stage::KeysOn, after: DrainDelegation
}
