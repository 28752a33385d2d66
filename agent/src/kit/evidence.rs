//! What was proven a moment ago counts for a moment: what stands is looked at less often than what is awaited.

use std::collections::BTreeMap;
use std::time::Duration;

use sovereign_core::kit::Proof;
use tokio::time::Instant;

use super::proof;
use crate::cluster::glance::Glance;
use crate::standing::Standing;

/// So long. What breaks is seen after this at the latest, and with the next look it is told within ten seconds.
const LASTS: Duration = Duration::from_secs(7);

/// What was proven in this round. All of it ends together, so that what is seen anew is seen in one look.
#[derive(Debug)]
pub(super) struct Evidence {
    since: Instant,
    proven: BTreeMap<Proof, Standing>,
    relied_on: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            proven: BTreeMap::new(),
            relied_on: false,
        }
    }
}

impl Evidence {
    /// Begins a look.
    pub(super) fn begin(&mut self) {
        self.relied_on = false;
        if self.since.elapsed() >= LASTS {
            self.forget();
        }
    }

    /// From now on everything has to be shown anew.
    pub(super) fn forget(&mut self) {
        self.since = Instant::now();
        self.proven.clear();
    }

    /// Whether this look relied on what an earlier one saw.
    pub(super) fn is_old(&self) -> bool {
        self.relied_on
    }

    /// Where what a proof names stands.
    pub(super) async fn look(&mut self, glance: &Glance<'_>, wanted: &Proof) -> Standing {
        if let Some(standing) = self.remembered(wanted) {
            return standing;
        }
        let standing = proof::look(glance, wanted).await;
        self.note(wanted, &standing);
        standing
    }

    /// Where what each of them names stands.
    pub(super) async fn look_all(&mut self, glance: &Glance<'_>, proofs: &[Proof]) -> Vec<Standing> {
        let mut standings = Vec::new();
        for proof in proofs {
            standings.push(self.look(glance, proof).await);
        }
        standings
    }

    fn remembered(&mut self, wanted: &Proof) -> Option<Standing> {
        let standing = self.proven.get(wanted).cloned();
        self.relied_on |= standing.is_some();
        standing
    }

    /// What is not proven is looked at again each time.
    fn note(&mut self, wanted: &Proof, standing: &Standing) {
        if standing.is_proven() {
            self.proven.insert(wanted.clone(), standing.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_proven_counts_for_a_while_and_what_is_not_never_does() {
        let [stands, awaited] = ["a", "b"].map(|name| Proof::Established { name: name.into() });
        let mut evidence = Evidence::default();
        evidence.begin();
        evidence.note(&stands, &Standing::proven(false, "here"));
        evidence.note(&awaited, &Standing::Waiting("on its way".into()));
        assert!(!evidence.is_old());
        assert_eq!(evidence.remembered(&awaited), None);
        assert!(evidence.remembered(&stands).is_some() && evidence.is_old());
        tokio::time::advance(LASTS / 2).await;
        evidence.begin();
        assert!(!evidence.is_old());
        assert!(evidence.remembered(&stands).is_some());
        tokio::time::advance(LASTS / 2).await;
        evidence.begin();
        assert_eq!(evidence.remembered(&stands), None);
        assert!(!evidence.is_old(), "nothing was relied on");
    }
}
