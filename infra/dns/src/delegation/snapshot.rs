//! The delegation as it was before anything was changed: what a roll-back leads to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::route::End;
use super::view::{ParentView, forgotten_after, signs};
use crate::name::DomainName;
use crate::probe::{DelegationReport, Expectation, ProbeConfig, Prober};
use crate::record::Ds;
use crate::registrar::{
    Capabilities, Delegation, NsSet, ParentHost, RegistrarError, Signer, Target, TargetNs,
};

/// The delegation as it was. Kept in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// When it was taken.
    pub taken: Timestamp,
    /// By the record of whoever can change it; none where that is a person.
    pub registered: Option<Delegation>,
    /// As every server of the parent showed it; empty where the name was not delegated.
    pub ns: BTreeSet<DomainName>,
    /// Keys by the record, or as the parent vouched for them where there is no record of them.
    pub ds: Vec<Signer>,
    /// Keys that the parent's servers vouched for.
    pub vouched: BTreeSet<Ds>,
    /// The parent is signed.
    pub parent_signed: bool,
    /// Seconds that caches keep what was said then.
    pub forgotten_after: u32,
    /// Seconds of it for keys alone.
    pub ds_ttl: u32,
    /// Its name servers answered with keys, vouched for or not.
    #[serde(default)]
    pub signs: bool,
}

/// Why there is no snapshot.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The registrar's record cannot be read.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The parent's servers do not say one thing.
    #[error("the servers of the parent of `{domain}` do not agree on its name servers: {seen}")]
    NotSettled {
        /// The domain.
        domain: DomainName,
        /// What they show.
        seen: String,
        /// The whole look.
        report: Box<DelegationReport>,
    },
}

/// Reads the registrar's record and asks every server of the parent. Only reads.
pub async fn take_snapshot(
    domain: &DomainName,
    host: Option<&dyn ParentHost>,
    probe: &ProbeConfig,
    ours: &NsSet,
) -> Result<(Snapshot, DelegationReport), SnapshotError> {
    let registered = match host {
        Some(host) => Some(host.read(domain).await?),
        None => None,
    };
    // What ours are is told, so that a name that is not delegated yet is looked at as one that shall be.
    let expectation = Expectation {
        new: ours.hosts().iter().cloned().collect(),
        old: BTreeSet::new(),
    };
    let report = Prober::new(probe.clone()).probe(domain, &expectation).await;
    let view = ParentView::of(&report);
    let Some(ns) = view.ns() else {
        return Err(SnapshotError::NotSettled {
            domain: domain.clone(),
            seen: view.to_string(),
            report: Box::new(report),
        });
    };
    let told = registered.as_ref().and_then(|registered| registered.ds.clone());
    let vouched = view.ds();
    let seen = vouched.iter().cloned().map(Signer::digest);
    let snapshot = Snapshot {
        taken: Timestamp::now(),
        ds: told.unwrap_or_else(|| seen.collect()),
        vouched,
        parent_signed: view.signed,
        forgotten_after: forgotten_after(&report, &ns),
        ds_ttl: view.ds_ttl,
        signs: signs(&report, &ns),
        registered,
        ns,
    };
    Ok((snapshot, report))
}

impl Snapshot {
    /// The delegation as the end of a route. None if this host has no way to it.
    pub fn end(&self, capabilities: Option<Capabilities>) -> Option<End> {
        let Some((registered, capabilities)) = self.registered.as_ref().zip(capabilities) else {
            let ns = NsSet::read(self.ns.iter().map(DomainName::as_str)).unwrap_or_default();
            return Some(End {
                ns: if ns.is_empty() {
                    TargetNs::ProviderDefault
                } else {
                    TargetNs::Own(ns)
                },
                shown: self.ns.clone(),
                ds: self.ds.clone(),
                vouched: self.vouched.clone(),
                glue: self
                    .registered
                    .iter()
                    .filter_map(|it| it.glue.clone())
                    .flatten()
                    .collect(),
            });
        };
        let target = Target::restoring(registered, capabilities)?;
        Some(End {
            ns: target.ns,
            shown: self.ns.clone(),
            ds: self.ds.clone(),
            vouched: self.vouched.clone(),
            glue: target.glue,
        })
    }

    /// Seconds for which caches may hold keys of it, if they do: a zone that is signed may have been vouched for until just now, for no
    /// longer than its delegation is kept.
    pub fn keys_ttl(&self) -> Option<u32> {
        if self.vouched.is_empty() {
            (self.signs && self.parent_signed).then_some(self.forgotten_after)
        } else {
            Some(self.ds_ttl)
        }
    }

    /// Whether the domain was on these name servers already.
    pub fn is_on(&self, ours: &NsSet) -> bool {
        let ours: BTreeSet<_> = ours.hosts().iter().cloned().collect();
        self.ns == ours
    }

    /// Whether a name that was here is, by a later snapshot, on its way to these name servers still: no other than they and those that
    /// it was on before are shown, and no keys that it did not have then.
    pub fn is_left_for(&self, now: &Self, ours: &NsSet) -> bool {
        let ours = ours.hosts();
        if now.ns.iter().any(|host| ours.contains(host)) {
            return now
                .ns
                .iter()
                .all(|host| ours.contains(host) || self.ns.contains(host));
        }
        let had = |ds: &Ds| self.vouched.contains(ds) || self.ds.iter().any(|signer| signer.ds == *ds);
        now.ns == self.ns && now.vouched.iter().all(had) && now.ds.iter().all(|signer| had(&signer.ds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: &[&str], keys: &[u16]) -> Snapshot {
        let ds: Vec<Ds> = keys
            .iter()
            .map(|tag| format!("{tag} 13 2 00ff").parse().unwrap())
            .collect();
        Snapshot {
            taken: Timestamp::UNIX_EPOCH,
            registered: None,
            ns: ns.iter().map(|host| host.parse().unwrap()).collect(),
            ds: ds.iter().cloned().map(Signer::digest).collect(),
            vouched: ds.into_iter().collect(),
            parent_signed: true,
            forgotten_after: 3_600,
            ds_ttl: 3_600,
            signs: true,
        }
    }

    #[test]
    fn a_name_is_on_its_way_until_somebody_else_changes_it() {
        let (a, b, ours) = ("a.old.example", "b.old.example", "ns1.ours.example");
        let wanted = NsSet::read([ours, "ns2.ours.example"]).unwrap();
        let before = at(&[a, b], &[1, 2]);
        for (ns, keys, is_on_the_way) in [
            (&[a, b][..], &[1_u16, 2][..], true),
            (&[a, b], &[], true),
            (&[a, ours], &[], true),
            (&[ours], &[], true),
            (&[ours, "ns2.ours.example"], &[3], true),
            // Its owner gave it other keys, or name servers.
            (&[a, b], &[7], false),
            (&[a], &[1, 2], false),
            (&["a.new.example"], &[], false),
            (&[ours, "a.new.example"], &[], false),
            (&[], &[], false),
        ] {
            let now = at(ns, keys);
            assert_eq!(
                before.is_left_for(&now, &wanted),
                is_on_the_way,
                "{ns:?} {keys:?}"
            );
        }
    }
}
