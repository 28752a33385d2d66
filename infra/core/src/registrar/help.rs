//! What a person has to know about a registrar's credential.

use std::fmt;

use serde::Serialize;

/// One part of a credential, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its key in a spec.
    pub key: &'static str,
    /// What it is.
    pub what: &'static str,
    /// It is given as a reference, such as `{env: NAME}`, and not as a value.
    pub secret: bool,
    /// It may be left out.
    pub optional: bool,
    /// A value, or for a secret the name of an environment variable that may hold it.
    pub example: &'static str,
}

impl Part {
    pub(super) const fn secret(key: &'static str, what: &'static str, example: &'static str) -> Self {
        Self {
            key,
            what,
            secret: true,
            optional: false,
            example,
        }
    }

    pub(super) const fn plain(key: &'static str, what: &'static str, example: &'static str) -> Self {
        Self {
            secret: false,
            ..Self::secret(key, what, example)
        }
    }

    pub(super) const fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }
}

/// As a spec writes it: `token: {env: GANDI_TOKEN}`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, example, .. } = self;
        if self.secret {
            write!(f, "{key}: {{env: {example}}}")
        } else {
            write!(f, "{key}: {example}")
        }
    }
}

/// What a person has to know about a registrar's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialHelp {
    /// What it consists of.
    pub needs: &'static [Part],
    /// Where it is made.
    pub where_to_get: &'static str,
    /// The least it has to be able to do.
    pub least_privilege: &'static str,
    /// Which addresses it may be used from, and where that is set.
    pub allow_list: &'static str,
    /// How often the registrar lets itself be asked, and what else stands in the way.
    pub limits: &'static str,
}

impl CredentialHelp {
    /// The part under a key.
    pub fn part(&self, key: &str) -> Option<&'static Part> {
        self.needs.iter().find(|part| part.key == key)
    }
}
