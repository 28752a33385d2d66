//! The caution that is the same for every registrar: compare, write only what differs, read back, and never guess.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sovereign_core::registrar::RegistrarKind;

use super::delegation::{Delegation, Signer, Target, TargetNs, digests};
use super::error::{Cause, RegistrarError};
use super::host::{Capabilities, ParentHost, Progress, Submitted, Task};
use super::vendor::{Change, Vendor};
use crate::name::DomainName;

/// A registrar, handled with care.
#[derive(Debug)]
pub(super) struct Guarded<V>(pub(super) V);

impl<V: Vendor> Guarded<V> {
    fn error(&self, domain: &DomainName, cause: Cause, message: String, remedy: &str) -> RegistrarError {
        RegistrarError {
            cause,
            action: self.action(domain),
            message,
            remedy: remedy.to_owned(),
            unsettled: false,
        }
    }

    fn action(&self, domain: &DomainName) -> String {
        format!("set the delegation of `{domain}` at {}", self.0.kind())
    }

    /// Whether this host can be asked for the target at all; nothing is sent if not.
    fn check(&self, domain: &DomainName, target: &Target) -> Result<(), RegistrarError> {
        let kind = self.0.kind();
        let able = self.0.capabilities();
        let unsupported = |what: &str| {
            let message = format!("the API of {kind} cannot {what}");
            let remedy = format!("do it by hand in the web interface of {kind}");
            Err(self.error(domain, Cause::Unsupported, message, &remedy))
        };
        match &target.ns {
            TargetNs::ProviderDefault if !able.revert_to_default => {
                return unsupported("give a domain back to the provider's own servers");
            }
            TargetNs::ProviderDefault => {}
            TargetNs::Own(ns) => ns.check().map_err(|error| {
                let remedy = "correct `dns.nameservers` in the spec";
                self.error(domain, Cause::Rejected, error.to_string(), remedy)
            })?,
        }
        if target.ds.is_some() && !able.ds() {
            return unsupported("read or set DS records");
        }
        if !target.glue.is_empty() && !able.glue {
            return unsupported("set addresses of name servers");
        }
        if let Some(host) = target.glue.keys().find(|host| !host.is_within(domain)) {
            let message = format!("`{host}` does not lie inside the domain");
            let remedy = "name addresses only for name servers inside the domain";
            return Err(self.error(domain, Cause::Rejected, message, remedy));
        }
        Ok(())
    }

    /// The target in the form this host keeps keys in: one that wants keys makes SHA-256 digests of them, and no others.
    fn normalised(
        &self,
        domain: &DomainName,
        target: &Target,
        present: &Delegation,
    ) -> Result<Target, RegistrarError> {
        let able = self.0.capabilities();
        let Some(wanted) = target.ds.as_deref().filter(|_| able.ds_dnskey && !able.ds_digest) else {
            return Ok(target.clone());
        };
        let known = |signer: &Signer| {
            let there = present.ds.iter().flatten().find(|there| *there == signer);
            there.and_then(|there| there.key.clone())
        };
        let mut ds: Vec<Signer> = Vec::new();
        for signer in wanted {
            let key = signer.key.clone().or_else(|| known(signer)).ok_or_else(|| {
                let message = format!(
                    "{} takes the key itself, and of DS `{}` only the digest is known",
                    self.0.kind(),
                    signer.ds
                );
                self.error(
                    domain,
                    Cause::Rejected,
                    message,
                    "give the DNSKEY record of that key, too",
                )
            })?;
            let made = key.ds(domain).map_err(|error| {
                let remedy = "give a DNSKEY record as the zone publishes it";
                self.error(domain, Cause::Rejected, error.to_string(), remedy)
            })?;
            let signer = Signer {
                ds: made,
                key: Some(key),
            };
            if !ds.contains(&signer) {
                ds.push(signer);
            }
        }
        Ok(Target {
            ds: Some(ds),
            ..target.clone()
        })
    }

    /// A change that runs already: ours if it leads where this one would.
    fn already_under_way(
        &self,
        domain: &DomainName,
        present: &Delegation,
        target: &Target,
    ) -> Result<Option<Task>, RegistrarError> {
        let Some(under_way) = &present.under_way else {
            return Ok(None);
        };
        let ahead = Delegation {
            ns: under_way.ns.clone().unwrap_or_else(|| present.ns.clone()),
            ds: under_way.ds.clone().or_else(|| present.ds.clone()),
            uses_provider_default: present.uses_provider_default && under_way.ns.is_none(),
            ..present.clone()
        };
        if target.ns_met(&ahead) && target.ds_met(&ahead) {
            return Ok(Some(under_way.task.clone()));
        }
        let message = format!("another change is under way there, towards {ahead}");
        let remedy =
            "see who asked for it; this one waits until it is done, and stops if that has changed anything";
        Err(self.error(domain, Cause::Busy, message, remedy))
    }

    /// What the write brought about.
    async fn settle(
        &self,
        domain: &DomainName,
        target: &Target,
        written: Result<Option<Task>, RegistrarError>,
    ) -> Result<Submitted, RegistrarError> {
        let otherwise = match written {
            Ok(Some(task)) => return Ok(Submitted::Pending(task)),
            Ok(None) => Ok(Submitted::Pending(Task { id: None })),
            Err(error) if error.unsettled => Err(error),
            Err(error) => return Err(error),
        };
        let Ok(now) = self.0.read(domain).await else {
            return otherwise;
        };
        if target.is_met_by(&now) {
            return Ok(Submitted::Applied(Box::new(now)));
        }
        match self.already_under_way(domain, &now, target) {
            Ok(Some(task)) => Ok(Submitted::Pending(task)),
            _ => otherwise,
        }
    }
}

/// What differs.
fn change(present: &Delegation, target: &Target) -> Change {
    let wanted = target.ds.as_deref().filter(|_| !target.ds_met(present));
    let now = present.ds.as_deref().unwrap_or_default();
    let minus = |some: &[Signer], others: &[Signer]| {
        let others: BTreeSet<_> = digests(others);
        let left = some.iter().filter(|signer| !others.contains(&signer.ds));
        left.cloned().collect::<Vec<_>>()
    };
    Change {
        ns: (!target.ns_met(present)).then(|| target.ns.clone()),
        ds: wanted.map(<[Signer]>::to_vec),
        ds_added: wanted.map_or_else(Vec::new, |wanted| minus(wanted, now)),
        ds_removed: wanted.map_or_else(Vec::new, |wanted| minus(now, wanted)),
        glue: target.missing_glue(present),
    }
}

#[async_trait]
impl<V: Vendor> ParentHost for Guarded<V> {
    fn kind(&self) -> RegistrarKind {
        self.0.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        self.0.check_access(domain).await
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        self.0.read(domain).await
    }

    async fn set(
        &self,
        domain: &DomainName,
        expected: &Delegation,
        target: &Target,
    ) -> Result<Submitted, RegistrarError> {
        self.check(domain, target)?;
        let present = self.0.read(domain).await?;
        let target = self.normalised(domain, target, &present)?;
        if let Some(task) = self.already_under_way(domain, &present, &target)? {
            return Ok(Submitted::Pending(task));
        }
        if target.is_met_by(&present) {
            return Ok(Submitted::Unchanged);
        }
        let ours = present.says_the_same_as(expected) || target.is_on_the_way(expected, &present);
        if !ours {
            let message = format!("it was {expected} when this was planned, and is {present} now");
            let remedy = "see who changed it; plan again from what it is now";
            let cause = Cause::Changed(present.to_string());
            return Err(self.error(domain, cause, message, remedy));
        }
        let change = change(&present, &target);
        let written = self.0.write(domain, &present, &change).await;
        self.settle(domain, &target, written).await
    }

    async fn progress(
        &self,
        domain: &DomainName,
        task: &Task,
        target: &Target,
    ) -> Result<Progress, RegistrarError> {
        if let Some(id) = &task.id {
            match self.0.progress(domain, id).await? {
                Progress::Done => {}
                other => return Ok(other),
            }
        }
        let present = self.0.read(domain).await?;
        let target = self.normalised(domain, target, &present)?;
        if target.is_met_by(&present) {
            return Ok(Progress::Done);
        }
        let seen = format!("accepted, but {} still shows {present}", self.0.kind());
        Ok(Progress::Running(seen))
    }
}
