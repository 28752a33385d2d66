//! Registrars, and hosts of parent zones: which there are, and what each lets itself be asked with.
//!
//! | module | concept |
//! | --- | --- |
//! | `kind` | the vendors that can be named |
//! | `help` | what a person has to know about a credential |
//! | `cloudflare`, `dynadot`, `gandi`, `godaddy`, `namecheap`, `ovh`, `porkbun` | one credential each |
//!
//! How each is spoken to is the business of `sovereign-dns`.

mod cloudflare;
mod dynadot;
mod gandi;
mod godaddy;
mod help;
mod kind;
mod namecheap;
mod ovh;
mod porkbun;

use std::convert::Infallible;

use serde::{Deserialize, Serialize};

pub use self::cloudflare::CloudflareCredential;
pub use self::dynadot::DynadotCredential;
pub use self::gandi::GandiCredential;
pub use self::godaddy::GodaddyCredential;
pub use self::help::{CredentialHelp, Part};
pub use self::kind::RegistrarKind;
pub use self::namecheap::NamecheapCredential;
pub use self::ovh::{OvhCredential, OvhRegion};
pub use self::porkbun::PorkbunCredential;
use crate::secret::SecretRef;

/// What a person has to know about the credential for a registrar.
pub const fn credential_help(kind: RegistrarKind) -> CredentialHelp {
    match kind {
        RegistrarKind::Cloudflare => cloudflare::HELP,
        RegistrarKind::Dynadot => dynadot::HELP,
        RegistrarKind::Gandi => gandi::HELP,
        RegistrarKind::Godaddy => godaddy::HELP,
        RegistrarKind::Namecheap => namecheap::HELP,
        RegistrarKind::Ovh => ovh::HELP,
        RegistrarKind::Porkbun => porkbun::HELP,
    }
}

/// A credential as a spec writes it, for people to start from: `{kind: gandi, token: {env: GANDI_TOKEN}}`.
pub fn credential_example(kind: RegistrarKind) -> String {
    let needs = credential_help(kind).needs.iter().filter(|part| !part.optional);
    let parts: Vec<String> = needs.map(ToString::to_string).collect();
    format!("{{kind: {kind}, {}}}", parts.join(", "))
}

/// The credential for a registrar: in a spec with references to secrets, in use with the secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum RegistrarCredential<S = SecretRef> {
    /// Cloudflare.
    Cloudflare(CloudflareCredential<S>),
    /// Dynadot.
    Dynadot(DynadotCredential<S>),
    /// Gandi.
    Gandi(GandiCredential<S>),
    /// `GoDaddy`.
    Godaddy(GodaddyCredential<S>),
    /// Namecheap.
    Namecheap(NamecheapCredential<S>),
    /// `OVHcloud`.
    Ovh(OvhCredential<S>),
    /// Porkbun.
    Porkbun(PorkbunCredential<S>),
}

impl<S> RegistrarCredential<S> {
    /// Whose it is.
    pub fn kind(&self) -> RegistrarKind {
        match self {
            Self::Cloudflare(_) => RegistrarKind::Cloudflare,
            Self::Dynadot(_) => RegistrarKind::Dynadot,
            Self::Gandi(_) => RegistrarKind::Gandi,
            Self::Godaddy(_) => RegistrarKind::Godaddy,
            Self::Namecheap(_) => RegistrarKind::Namecheap,
            Self::Ovh(_) => RegistrarKind::Ovh,
            Self::Porkbun(_) => RegistrarKind::Porkbun,
        }
    }

    /// Every secret of it, in the order in which [`Self::resolve`] looks them up.
    pub fn secrets(&self) -> Vec<S>
    where
        S: Clone,
    {
        let mut all = Vec::new();
        let Ok(_) = self.clone().resolve::<_, Infallible>(&mut |secret| {
            all.push(secret);
            Ok(())
        });
        all
    }

    /// The same with these secrets, in the order of [`Self::secrets`]; `None` if there are fewer.
    pub fn with_secrets<T>(self, secrets: Vec<T>) -> Option<RegistrarCredential<T>> {
        let mut secrets = secrets.into_iter();
        self.resolve(&mut |_| secrets.next().ok_or(())).ok()
    }

    /// The same with every secret looked up, or the first error of looking one up.
    pub fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<RegistrarCredential<T>, E> {
        Ok(match self {
            Self::Cloudflare(it) => RegistrarCredential::Cloudflare(it.resolve(look_up)?),
            Self::Dynadot(it) => RegistrarCredential::Dynadot(it.resolve(look_up)?),
            Self::Gandi(it) => RegistrarCredential::Gandi(it.resolve(look_up)?),
            Self::Godaddy(it) => RegistrarCredential::Godaddy(it.resolve(look_up)?),
            Self::Namecheap(it) => RegistrarCredential::Namecheap(it.resolve(look_up)?),
            Self::Ovh(it) => RegistrarCredential::Ovh(it.resolve(look_up)?),
            Self::Porkbun(it) => RegistrarCredential::Porkbun(it.resolve(look_up)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    /// A credential of each registrar, as a spec writes it.
    const SPECS: [&str; 7] = [
        r#"{"kind": "cloudflare", "token": {"env": "TOKEN"}}"#,
        r#"{"kind": "dynadot", "key": {"env": "KEY"}, "secret": {"file": "/secret"}}"#,
        r#"{"kind": "gandi", "token": {"sealed": "gandi"}}"#,
        r#"{"kind": "godaddy", "key": {"env": "KEY"}, "secret": {"env": "SECRET"}, "customer": "c0ffee"}"#,
        r#"{"kind": "namecheap", "user": "acme", "key": {"env": "KEY"}, "clientIp": "192.0.2.1"}"#,
        r#"{"kind": "ovh", "region": "eu", "applicationKey": {"env": "AK"}, "applicationSecret": {"env": "AS"}, "consumerKey": {"env": "CK"}}"#,
        r#"{"kind": "porkbun", "key": {"env": "KEY"}, "secret": {"env": "SECRET"}}"#,
    ];

    fn resolved_with(spec: &str, parts: usize) -> Option<RegistrarCredential<String>> {
        let credential: RegistrarCredential = serde_json::from_str(spec).unwrap();
        credential.with_secrets(vec!["hunter2".to_owned(); parts])
    }

    #[test]
    fn a_spec_leads_to_the_credential_and_help_names_its_parts() {
        for spec in SPECS {
            let credential: RegistrarCredential = serde_json::from_str(spec).unwrap();
            let back = serde_json::to_value(&credential).unwrap();
            assert_eq!(back, serde_json::from_str::<serde_json::Value>(spec).unwrap());
            let help = credential_help(credential.kind());
            for (key, value) in back.as_object().unwrap() {
                let part = help.part(key);
                let is_known = key == "kind" || part.is_some_and(|part| part.secret == value.is_object());
                assert!(is_known, "{key} of {spec}");
            }
            for text in [
                help.where_to_get,
                help.least_privilege,
                help.allow_list,
                help.limits,
            ] {
                assert!(!text.is_empty());
            }
        }
    }

    #[test]
    fn the_example_for_people_is_a_credential() {
        for kind in RegistrarKind::ALL {
            let credential: RegistrarCredential = serde_saphyr::from_str(&credential_example(kind)).unwrap();
            assert_eq!(credential.kind(), kind);
        }
    }

    #[test]
    fn unknown_keys_and_secrets_in_place_of_references_are_refused() {
        for wrong in [
            r#"{"kind": "gandi", "token": "pat_secret"}"#,
            r#"{"kind": "gandi", "token": {"env": "A"}, "tokn": {"env": "B"}}"#,
            r#"{"kind": "dynadot", "key": {"env": "A"}}"#,
            r#"{"kind": "namecheap", "user": "a", "key": {"env": "A"}, "clientIp": "2001:db8::1"}"#,
            r#"{"kind": "manual"}"#,
        ] {
            assert!(
                serde_json::from_str::<RegistrarCredential>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_resolved_credential_shows_no_secret() {
        for spec in SPECS {
            let credential: RegistrarCredential = serde_json::from_str(spec).unwrap();
            let secrets = credential.secrets();
            let mut looked_up = Vec::new();
            let resolved = credential.resolve::<_, Infallible>(&mut |secret| {
                looked_up.push(secret);
                Ok(SecretString::from("hunter2"))
            });
            let shown = format!("{:?}", resolved.unwrap());
            assert!(!looked_up.is_empty() && !shown.contains("hunter2"), "{shown}");
            assert_eq!(looked_up, secrets);
            assert!(resolved_with(spec, secrets.len()).is_some());
            assert!(resolved_with(spec, secrets.len() - 1).is_none());
        }
    }
}
