//! A label in its pool.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::label::{LabelProblem, PoolLabel};
use crate::name::{DomainName, DomainNameError};

/// A name out of a pool: a label right below the pool's zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolName {
    /// The pool's zone.
    pub pool: DomainName,
    /// The label.
    pub label: PoolLabel,
}

impl PoolName {
    /// The first label of a name, in the pool of the rest.
    pub fn of(name: &DomainName) -> Result<Self, LabelProblem> {
        let text = name.as_str();
        let (label, _) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            pool: name.parent().unwrap_or_else(DomainName::root),
            label: label.parse()?,
        })
    }

    /// The whole name.
    pub fn fqdn(&self) -> Result<DomainName, DomainNameError> {
        self.pool.child(self.label.as_str())
    }
}

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.label, self.pool)
    }
}
