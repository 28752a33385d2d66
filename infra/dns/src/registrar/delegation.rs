//! What a parent says of a domain, compared by what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::NsSet;
use super::host::{Capabilities, Task};
use crate::name::DomainName;
use crate::record::{Dnskey, Ds};

/// Addresses of name servers that lie inside the domain they serve, as the parent hands them out.
pub type Glue = BTreeMap<DomainName, BTreeSet<IpAddr>>;

/// One key that the parent vouches for: its digest, and the key itself where it is known. Two are the same if their digests are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signer {
    /// What stands in the parent zone.
    pub ds: Ds,
    /// The key. Registrars with [`Capabilities::ds_dnskey`] want it instead of the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Dnskey>,
}

impl Signer {
    /// From a digest alone.
    pub fn digest(ds: Ds) -> Self {
        Self { ds, key: None }
    }
}

impl PartialEq for Signer {
    fn eq(&self, other: &Self) -> bool {
        self.ds == other.ds
    }
}

impl Eq for Signer {}

/// A change that the registrar has accepted and works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnderWay {
    /// How to follow it.
    pub task: Task,
    /// The name servers it leads to, where that is told.
    pub ns: Option<NsSet>,
    /// The keys it leads to, where that is told.
    pub ds: Option<Vec<Signer>>,
}

/// What a parent says of a domain now. Kept as it is, it is the snapshot that a roll-back leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delegation {
    /// The name servers, in the registrar's order.
    pub ns: NsSet,
    /// The domain is answered by the provider's own servers because nobody asked for others.
    pub uses_provider_default: bool,
    /// The keys; `None` where this host cannot tell.
    pub ds: Option<Vec<Signer>>,
    /// Addresses of name servers inside the domain; `None` where this host cannot tell.
    pub glue: Option<Glue>,
    /// The registrar's own number for this state.
    pub version: Option<String>,
    /// A change that is not visible yet.
    pub under_way: Option<UnderWay>,
}

impl Delegation {
    /// Whether both say the same of the domain. Order, and the registrar's own number, do not count.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.same_ns(other) && same_if_told(self.ds_set(), other.ds_set()) && same_glue(self, other)
    }

    /// SHA-256 in hex of what it says, whatever the order: equal for equal delegations.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.to_string()))
    }

    fn same_ns(&self, other: &Self) -> bool {
        self.uses_provider_default == other.uses_provider_default
            && (self.uses_provider_default || self.ns == other.ns)
    }

    pub(super) fn ds_set(&self) -> Option<BTreeSet<&Ds>> {
        Some(digests(self.ds.as_deref()?))
    }
}

/// One line, in an order that does not depend on the registrar's.
impl fmt::Display for Delegation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.uses_provider_default {
            " (the provider's own)"
        } else {
            ""
        };
        write!(f, "NS {}{default}", self.ns)?;
        match self.ds_set() {
            Some(set) if set.is_empty() => f.write_str("; no DS")?,
            Some(set) => write!(f, "; DS {}", list(set))?,
            None => f.write_str("; DS unknown")?,
        }
        for (host, addresses) in self.glue.iter().flatten() {
            write!(f, "; {host} = {}", list(addresses))?;
        }
        Ok(())
    }
}

/// The name servers that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TargetNs {
    /// These.
    Own(NsSet),
    /// The provider's own, by the registrar's command for that.
    ProviderDefault,
}

/// What a parent is to say of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The name servers.
    pub ns: TargetNs,
    /// The keys; `None` leaves them as they are.
    pub ds: Option<Vec<Signer>>,
    /// Addresses that name servers inside the domain must have; others are left as they are.
    pub glue: Glue,
}

impl Target {
    /// These name servers; keys and glue stay as they are.
    pub fn ns(ns: NsSet) -> Self {
        Self {
            ns: TargetNs::Own(ns),
            ds: None,
            glue: Glue::new(),
        }
    }

    /// The same with these keys and no others.
    #[must_use]
    pub fn with_ds(self, ds: Vec<Signer>) -> Self {
        Self { ds: Some(ds), ..self }
    }

    /// The way back to a snapshot. `None` if this host has no way: the domain was on servers that it neither names nor can go
    /// back to.
    pub fn restoring(snapshot: &Delegation, capabilities: Capabilities) -> Option<Self> {
        let ns = if snapshot.uses_provider_default && capabilities.revert_to_default {
            TargetNs::ProviderDefault
        } else if snapshot.ns.check().is_ok() {
            TargetNs::Own(snapshot.ns.clone())
        } else {
            return None;
        };
        Some(Self {
            ns,
            ds: snapshot.ds.clone(),
            glue: snapshot.glue.clone().unwrap_or_default(),
        })
    }

    /// Whether nothing is left to do.
    pub fn is_met_by(&self, present: &Delegation) -> bool {
        self.ns_met(present) && self.ds_met(present) && self.missing_glue(present).is_empty()
    }

    pub(super) fn ns_met(&self, present: &Delegation) -> bool {
        match &self.ns {
            TargetNs::ProviderDefault => present.uses_provider_default,
            TargetNs::Own(ns) => present.ns == *ns,
        }
    }

    pub(super) fn ds_met(&self, present: &Delegation) -> bool {
        self.ds
            .as_deref()
            .is_none_or(|wanted| present.ds_set() == Some(digests(wanted)))
    }

    pub(super) fn missing_glue(&self, present: &Delegation) -> Glue {
        let known = present.glue.as_ref();
        let missing = self
            .glue
            .iter()
            .filter(|(host, addresses)| known.and_then(|known| known.get(*host)) != Some(*addresses));
        missing
            .map(|(host, addresses)| (host.clone(), addresses.clone()))
            .collect()
    }

    /// Whether `present` lies on the way from `expected` to this: each part is as it was or as it shall be. That is what an
    /// interrupted change of ours leaves behind.
    pub(super) fn is_on_the_way(&self, expected: &Delegation, present: &Delegation) -> bool {
        let ns = present.same_ns(expected) || self.ns_met(present);
        let ds = match (self.ds.as_deref(), expected.ds_set(), present.ds_set()) {
            (None, before, now) => same_if_told(before, now),
            (Some(wanted), Some(before), Some(now)) => {
                let wanted = digests(wanted);
                now.is_subset(&before.union(&wanted).copied().collect())
                    && before.intersection(&wanted).all(|ds| now.contains(ds))
            }
            (Some(_), _, _) => true,
        };
        let glue = present.glue.iter().flatten().all(|(host, addresses)| {
            let was = expected.glue.as_ref().and_then(|glue| glue.get(host));
            was == Some(addresses) || self.glue.get(host) == Some(addresses)
        });
        ns && ds && (glue || expected.glue.is_none())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ns {
            TargetNs::Own(ns) => write!(f, "NS {ns}")?,
            TargetNs::ProviderDefault => f.write_str("NS of the provider")?,
        }
        if let Some(ds) = &self.ds {
            write!(f, "; DS {}", list(digests(ds)))?;
        }
        Ok(())
    }
}

pub(super) fn digests(signers: &[Signer]) -> BTreeSet<&Ds> {
    signers.iter().map(|signer| &signer.ds).collect()
}

/// What one side cannot tell is no difference.
fn same_if_told<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn same_glue(one: &Delegation, other: &Delegation) -> bool {
    same_if_told(one.glue.as_ref(), other.glue.as_ref())
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delegation(ns: &[&str], ds: &[u16]) -> Delegation {
        Delegation {
            ns: NsSet::read(ns).unwrap(),
            uses_provider_default: false,
            ds: Some(ds.iter().map(|tag| signer(*tag)).collect()),
            glue: None,
            version: None,
            under_way: None,
        }
    }

    fn signer(tag: u16) -> Signer {
        Signer::digest(format!("{tag} 13 2 00ff").parse().unwrap())
    }

    const OLD: [&str; 2] = ["a.old.example", "b.old.example"];
    const NEW: [&str; 2] = ["a.new.example", "b.new.example"];

    #[test]
    fn order_and_version_make_no_difference() {
        let one = delegation(&["b.old.example.", "A.old.example"], &[1, 2]);
        let other = Delegation {
            version: Some("7".to_owned()),
            ..delegation(&OLD, &[2, 1])
        };
        assert!(one.says_the_same_as(&other));
        assert_eq!(one.fingerprint(), other.fingerprint());
        assert!(!one.says_the_same_as(&delegation(&OLD, &[1])));
        assert!(!one.says_the_same_as(&delegation(&NEW, &[1, 2])));
        let untold = Delegation { ds: None, ..other };
        assert!(one.says_the_same_as(&untold));
    }

    #[test]
    fn only_what_an_interrupted_change_leaves_is_on_the_way() {
        let expected = delegation(&OLD, &[1, 2]);
        let target = Target::ns(NsSet::read(NEW).unwrap()).with_ds(vec![signer(2), signer(3)]);
        for (ns, ds, on_the_way) in [
            (OLD, &[1, 2][..], true),
            (NEW, &[1, 2], true),
            (NEW, &[2], true),
            (OLD, &[1, 2, 3], true),
            (NEW, &[2, 3], true),
            (NEW, &[3], false),
            (OLD, &[2, 9], false),
            (["a.other.example", "b.old.example"], &[1, 2], false),
        ] {
            let present = delegation(&ns, ds);
            assert_eq!(target.is_on_the_way(&expected, &present), on_the_way, "{present}");
        }
    }

    #[test]
    fn the_way_back_is_the_providers_command_where_there_is_one() {
        let mut capabilities = Capabilities::default();
        let snapshot = Delegation {
            uses_provider_default: true,
            ..delegation(&OLD, &[])
        };
        let back = Target::restoring(&snapshot, capabilities).unwrap();
        assert_eq!(back.ns, TargetNs::Own(snapshot.ns.clone()));
        assert_eq!(back.ds, Some(Vec::new()));
        capabilities.revert_to_default = true;
        let back = Target::restoring(&snapshot, capabilities).unwrap();
        assert_eq!(back.ns, TargetNs::ProviderDefault);
        let nameless = Delegation {
            ns: NsSet::default(),
            uses_provider_default: true,
            ..snapshot
        };
        assert!(Target::restoring(&nameless, Capabilities::default()).is_none());
    }
}
