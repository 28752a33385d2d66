//! How a spec writes a vendor's credential, and which environment variables its secrets are in.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::contract::RegistrarVendor;
use super::server::RegistrarSim;

/// One part of a credential.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// A secret of the account, by its name there.
    Secret { key: &'static str, secret: &'static str },
    /// Not secret; every account of the lab has this one.
    Plain { key: &'static str, value: &'static str },
}

const fn secret(key: &'static str, secret: &'static str) -> Part {
    Part::Secret { key, secret }
}

const fn plain(key: &'static str, value: &'static str) -> Part {
    Part::Plain { key, value }
}

impl RegistrarVendor {
    /// As a spec writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Dynadot => "dynadot",
            Self::Gandi => "gandi",
            Self::Godaddy => "godaddy",
            Self::Namecheap => "namecheap",
            Self::Ovh => "ovh",
            Self::Porkbun => "porkbun",
        }
    }

    fn parts(self) -> Vec<Part> {
        match self {
            Self::Cloudflare | Self::Gandi => vec![secret("token", "token")],
            Self::Dynadot | Self::Porkbun => vec![secret("key", "key"), secret("secret", "secret")],
            Self::Godaddy => vec![
                secret("key", "key"),
                secret("secret", "secret"),
                plain("customer", super::godaddy::CUSTOMER),
            ],
            Self::Namecheap => vec![
                plain("user", "acme"),
                secret("key", "key"),
                plain("clientIp", "127.0.0.1"),
            ],
            Self::Ovh => vec![
                plain("region", "eu"),
                secret("applicationKey", "application"),
                secret("applicationSecret", "secret"),
                secret("consumerKey", "consumer"),
            ],
        }
    }

    /// The credential as a spec writes it, with each secret in an environment variable.
    pub fn credential(self) -> String {
        let parts = self.parts().into_iter().map(|part| match part {
            Part::Secret { key, .. } => format!(", {key}: {{env: {}}}", self.variable(key)),
            Part::Plain { key, value } => format!(", {key}: {value}"),
        });
        format!("{{kind: {self}{}}}", parts.collect::<String>())
    }

    /// The same as a document: what [`RegistrarVendor::credential`] says, for a program to read.
    pub fn credential_document(self) -> Value {
        let parts = self.parts().into_iter().map(|part| match part {
            Part::Secret { key, .. } => (key.to_owned(), json!({ "env": self.variable(key) })),
            Part::Plain { key, value } => (key.to_owned(), json!(value)),
        });
        let kind = [("kind".to_owned(), json!(self.as_str()))];
        kind.into_iter().chain(parts).collect()
    }

    /// The environment variable of a secret: `OVH_APPLICATION_KEY` of `applicationKey`.
    fn variable(self, key: &str) -> String {
        let mut name = format!("{self}_");
        for letter in key.chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter);
        }
        name.to_ascii_uppercase()
    }
}

impl fmt::Display for RegistrarVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RegistrarVendor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|vendor| vendor.as_str() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("`{text}` is no registrar of the lab; there are {all}")
        })
    }
}

impl RegistrarSim {
    /// The secrets of the account by the environment variables that [`RegistrarVendor::credential`] names.
    pub fn variables(&self) -> Vec<(String, String)> {
        let vendor = self.vendor();
        let secrets = vendor.parts().into_iter().filter_map(|part| match part {
            Part::Secret { key, secret } => Some((vendor.variable(key), self.secret(secret))),
            Part::Plain { .. } => None,
        });
        secrets.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::RegistrarVendor;

    #[test]
    fn a_credential_names_the_variables_of_its_secrets() {
        assert_eq!(
            RegistrarVendor::Ovh.credential(),
            "{kind: ovh, region: eu, applicationKey: {env: OVH_APPLICATION_KEY}, \
             applicationSecret: {env: OVH_APPLICATION_SECRET}, consumerKey: {env: OVH_CONSUMER_KEY}}"
        );
        for vendor in RegistrarVendor::ALL {
            assert_eq!(vendor.as_str().parse(), Ok(vendor));
        }
        assert!("Gandi".parse::<RegistrarVendor>().is_err());
    }
}
