//! A part of a document that is made true: it looks first, changes what differs, and looks again. All of it may be repeated,
//! and may be cut off anywhere.

use std::fmt;

use futures::future::LocalBoxFuture;
use sovereign_core::crash;

use crate::fault::Fault;
use crate::host::Host;

/// How a part went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Something had to be changed.
    pub changed: bool,
    /// What was done or found, in a few words.
    pub detail: String,
}

impl Done {
    pub(crate) fn new(changed: bool, detail: impl Into<String>) -> Self {
        Self {
            changed,
            detail: detail.into(),
        }
    }
}

/// How a part ended.
pub type Outcome = Result<Done, Fault>;

type Converge<D> = for<'a> fn(&'a Host, &'a D) -> LocalBoxFuture<'a, Outcome>;
type Undo = for<'a> fn(&'a Host) -> LocalBoxFuture<'a, Result<(), Fault>>;

/// A part of what a document `D` says.
pub struct Part<D: 'static> {
    /// Stable name; part of the protocol.
    pub name: &'static str,
    pub(crate) converge: Converge<D>,
    pub(crate) undo: Undo,
}

impl<D> fmt::Debug for Part<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Part").field(&self.name).finish()
    }
}

impl<D> Part<D> {
    /// Makes this part of the document true.
    pub async fn converge(&self, host: &Host, document: &D) -> Outcome {
        crash::once("before", self.name);
        let outcome = (self.converge)(host, document).await;
        crash::once("after", self.name);
        outcome
    }

    /// Takes this part away and puts back what was there before, as far as it is known.
    pub async fn undo(&self, host: &Host) -> Result<(), Fault> {
        crash::once("before the undoing of", self.name);
        let outcome = (self.undo)(host).await;
        crash::once("after the undoing of", self.name);
        outcome
    }
}
