//! References to secrets. The spec, the plan and the journal carry these; the secret itself stays where it lives.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is found when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretRef {
    /// Name of an environment variable of the installer.
    Env(String),
    /// Path of a file readable by the installer; a trailing newline is dropped.
    File(PathBuf),
    /// Name of an entry in the installer's sealed secret store.
    Sealed(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Sealed(name) => write!(f, "sealed secret `{name}`"),
        }
    }
}
