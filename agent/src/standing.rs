//! Where a part of a task stands. Only one of these is success, and none of the others is taken for it.

use std::time::Duration;

use sovereign_core::agent::SubStepState;

use crate::fault::Fault;

/// Time between two looks at what takes a while.
pub(crate) const LOOK: Duration = Duration::from_secs(2);

/// Where something stands, as far as it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The evidence is there.
    Proven {
        /// Something had to be written for it.
        changed: bool,
        /// What was seen.
        seen: String,
    },
    /// It is not there, and may still come.
    Missing(String),
    /// It is there, and on its way.
    Waiting(String),
    /// It cannot be seen.
    Unknown(Fault),
    /// It will not go on by itself.
    Stalled(Fault),
    /// It was tried and did not succeed; whoever tried may try again.
    Failed(Fault),
    /// It had its time.
    TimedOut(Fault),
}

impl Standing {
    pub(crate) fn proven(changed: bool, seen: impl Into<String>) -> Self {
        Self::Proven {
            changed,
            seen: seen.into(),
        }
    }

    pub(crate) fn is_proven(&self) -> bool {
        matches!(self, Self::Proven { .. })
    }

    /// Whether it was tried and did not succeed.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self, Self::Stalled(_) | Self::Failed(_) | Self::TimedOut(_))
    }

    /// In a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Proven { seen, .. } => seen.clone(),
            Self::Missing(what) => format!("missing: {what}"),
            Self::Waiting(what) => what.clone(),
            Self::Unknown(fault) | Self::Stalled(fault) | Self::Failed(fault) | Self::TimedOut(fault) => {
                format!("{}: {}", self.word(), fault.cause)
            }
        }
    }

    /// What is told of it. Nothing is told of what may still come.
    pub(crate) fn told(&self) -> Option<SubStepState> {
        let fault = match self {
            Self::Proven { changed, seen } => {
                return Some(SubStepState::Done {
                    changed: *changed,
                    detail: seen.clone(),
                });
            }
            Self::Missing(_) | Self::Waiting(_) => return None,
            Self::Unknown(fault) | Self::Stalled(fault) | Self::Failed(fault) | Self::TimedOut(fault) => {
                fault
            }
        };
        Some(SubStepState::Failed {
            cause: self.words(),
            remedy: fault.remedy.clone(),
            log: fault.log.clone(),
        })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Proven { .. } => "proven",
            Self::Missing(_) => "missing",
            Self::Waiting(_) => "waiting",
            Self::Unknown(_) => "unknown",
            Self::Stalled(_) => "stalled",
            Self::Failed(_) => "failed",
            Self::TimedOut(_) => "timed out",
        }
    }
}

/// The first that is not proven, or all of them together: what many things come to.
pub(crate) fn all(standings: impl IntoIterator<Item = Standing>) -> Standing {
    let mut seen = Vec::new();
    let mut first: Option<Standing> = None;
    for standing in standings {
        match standing {
            Standing::Proven { seen: one, .. } => seen.push(one),
            // What has failed is told before what may still come.
            open if first
                .as_ref()
                .is_none_or(|first| first.told().is_none() && open.told().is_some()) =>
            {
                first = Some(open);
            }
            _ => {}
        }
    }
    first.unwrap_or_else(|| Standing::proven(false, seen.join(", ")))
}

/// Where a named part stands after a look.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Stable name, for example `component gitea`.
    pub(crate) name: String,
    pub(crate) standing: Standing,
}

impl Seen {
    /// Where it stands, in a few words.
    pub(crate) fn words(&self) -> String {
        format!("{}: {}", self.name, self.standing.words())
    }

    /// Where it stands, for a look of which it is one part: what is not proven says whose it is.
    fn named(self) -> Standing {
        let Self { name, standing } = self;
        let named = |words: String| format!("{name}: {words}");
        let fault = |fault: Fault| Fault {
            cause: named(fault.cause),
            ..fault
        };
        match standing {
            Standing::Proven { .. } => standing,
            Standing::Missing(what) => Standing::Missing(named(what)),
            Standing::Waiting(what) => Standing::Waiting(named(what)),
            Standing::Unknown(why) => Standing::Unknown(fault(why)),
            Standing::Stalled(why) => Standing::Stalled(fault(why)),
            Standing::Failed(why) => Standing::Failed(fault(why)),
            Standing::TimedOut(why) => Standing::TimedOut(fault(why)),
        }
    }
}

/// What one look saw.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Parts in the order of work.
    pub(crate) seen: Vec<Seen>,
    /// No part was left out.
    pub(crate) whole: bool,
}

impl Look {
    /// Notes where a part stands; whether it is proven.
    pub(crate) fn note(&mut self, name: impl Into<String>, standing: Standing) -> bool {
        let name = name.into();
        let proven = standing.is_proven();
        self.seen.push(Seen { name, standing });
        proven
    }

    /// Everything is there by proof.
    pub(crate) fn is_proven(&self) -> bool {
        self.whole && self.seen.iter().all(|seen| seen.standing.is_proven())
    }

    /// What it comes to as a part of another look: the first that has failed, or else the first that may still come.
    pub(crate) fn into_one(self) -> Standing {
        let (count, whole) = (self.seen.len(), self.whole);
        match all(self.seen.into_iter().map(Seen::named)) {
            Standing::Proven { .. } if whole => Standing::proven(false, format!("{count} parts proven")),
            Standing::Proven { .. } => Standing::Waiting(format!("{count} parts proven, and more to come")),
            open => open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_proven_only_if_each_is_and_failures_come_first() {
        let proven = || Standing::proven(false, "here");
        let failed = Standing::Failed(Fault::new("no", "do"));
        assert!(all([proven(), proven()]).is_proven());
        assert_eq!(
            all([proven(), Standing::Missing("x".into())]),
            Standing::Missing("x".into())
        );
        assert_eq!(
            all([Standing::Waiting("y".into()), failed.clone(), proven()]),
            failed
        );
    }

    #[test]
    fn a_look_is_the_first_of_its_parts_that_failed_with_its_fault() {
        let mut look = Look::default();
        look.note("kit", Standing::proven(false, "signed"));
        look.note("tree", Standing::Waiting("on its way".into()));
        let fault = Fault::new("no image", "give it one").with_log(vec!["an event".into()]);
        look.note("component gitea", Standing::TimedOut(fault.clone()));
        look.note("component harbor", Standing::Failed(fault));
        let Standing::TimedOut(told) = look.into_one() else {
            panic!("not what failed first");
        };
        assert_eq!(told.cause, "component gitea: no image");
        assert_eq!((told.remedy.as_str(), told.log.len()), ("give it one", 1));
    }

    #[test]
    fn a_look_with_nothing_failed_is_what_may_still_come_and_proven_only_as_a_whole() {
        let look = |whole, standing| {
            let mut look = Look {
                whole,
                ..Look::default()
            };
            look.note("tree", standing);
            look.into_one()
        };
        assert_eq!(
            look(true, Standing::Missing("x".into())),
            Standing::Missing("tree: x".into())
        );
        assert!(!look(false, Standing::proven(false, "here")).is_proven());
        assert!(look(true, Standing::proven(false, "here")).is_proven());
    }

    #[test]
    fn what_may_still_come_is_no_failure_and_no_success() {
        assert_eq!(Standing::Missing("x".into()).told(), None);
        assert_eq!(Standing::Waiting("x".into()).told(), None);
    }
}
