//! Who holds a delegation, and the credential to ask it with.

use super::fields::secret;
use super::node::Value;
use super::reader::{At, Reader, alike, list};
use crate::registrar::{
    CloudflareCredential, CredentialHelp, DynadotCredential, GandiCredential, GodaddyCredential,
    NamecheapCredential, OvhCredential, OvhRegion, PorkbunCredential, RegistrarCredential, RegistrarKind,
    credential_example, credential_help,
};
use crate::secret::SecretRef;

/// Found where the line may hold a secret; such lines are not shown.
const CODE: &str = "secret.registrar";

/// What it is asked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Registrar of the domain itself.
    Registrar,
    /// Host of the zone that the name lies in.
    Host,
}

/// A registrar with its credential.
pub(super) fn credential(reader: &mut Reader, at: &At<'_>, role: Role) -> Option<RegistrarCredential> {
    is_group(reader, at, role)?;
    let kind = kind(reader, at, role)?;
    let mut parts = Parts {
        reader,
        at,
        kind,
        help: credential_help(kind),
    };
    parts.foreign();
    parts.credential()
}

impl Role {
    fn suits(self, kind: RegistrarKind) -> bool {
        kind.hosts_the_parent() == (self == Self::Host)
    }

    fn kinds(self) -> impl Iterator<Item = RegistrarKind> {
        RegistrarKind::ALL
            .into_iter()
            .filter(move |kind| self.suits(*kind))
    }

    /// Whom an example names.
    fn example(self) -> RegistrarKind {
        match self {
            Self::Registrar => RegistrarKind::Gandi,
            Self::Host => RegistrarKind::Cloudflare,
        }
    }

    /// What to do where none of them fits.
    fn by_hand(self) -> &'static str {
        match self {
            Self::Registrar => {
                "for any other write `domain: {mode: delegated, name: NAME}` and delegate by hand"
            }
            Self::Host => "for any other leave `host` out and delegate by hand",
        }
    }
}

fn is_group(reader: &mut Reader, at: &At<'_>, role: Role) -> Option<()> {
    if matches!(at.node.value, Value::Map(_)) {
        return Some(());
    }
    let named = match &at.node.value {
        Value::Scalar(text) => role.kinds().find(|kind| kind.as_str() == text),
        _ => None,
    };
    let example = credential_example(named.unwrap_or(role.example()));
    let message = format!(
        "`{}` is {} where a registrar with its credential is expected",
        at.path,
        at.node.value.words()
    );
    reader.error(at, CODE, message, format!("write `{example}`"));
    None
}

fn kind(reader: &mut Reader, at: &At<'_>, role: Role) -> Option<RegistrarKind> {
    let Some(at) = &at.get("kind") else {
        let known: Vec<&str> = role.kinds().map(RegistrarKind::as_str).collect();
        let message = format!("`{}.kind` is missing: who is asked", at.path);
        let remedy = format!("write one of {}; {}", list(&known), role.by_hand());
        reader.error(at, CODE, message, remedy);
        return None;
    };
    let text = reader.text(at)?;
    let named = RegistrarKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    let (message, remedy) = match named {
        Some(kind) if role.suits(kind) => return Some(kind),
        Some(kind) => unsuited(kind, role),
        None => unknown(text, role),
    };
    reader.error(at, CODE, message, remedy);
    None
}

fn unknown(text: &str, role: Role) -> (String, String) {
    let known: Vec<&str> = role.kinds().map(RegistrarKind::as_str).collect();
    let remedy = match known.iter().find(|kind| alike(kind, text)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is a way to ask {}; {}", list(&known), role.by_hand()),
    };
    (
        format!("`{text}` is nobody that the installer knows how to ask"),
        remedy,
    )
}

fn unsuited(kind: RegistrarKind, role: Role) -> (String, String) {
    match role {
        Role::Registrar => (
            format!("{kind} lets nobody change the name servers of a domain that it is the registrar of"),
            format!(
                "delegate a name inside the zone that it hosts: `domain: {{mode: childZone, name: NAME, parent: ZONE, host: {}}}`",
                credential_example(kind)
            ),
        ),
        Role::Host => (
            format!("{kind} can be asked as a domain's registrar, and not as the host of a zone"),
            "leave `host` out and enter the records that are shown by hand, or delegate a whole domain: `mode: registrar`"
                .to_owned(),
        ),
    }
}

/// The parts of one vendor's credential.
struct Parts<'r, 'a> {
    reader: &'r mut Reader,
    at: &'r At<'a>,
    kind: RegistrarKind,
    help: CredentialHelp,
}

impl<'a> Parts<'_, 'a> {
    /// Every part is read before the first that is missing ends it, so that every problem is told.
    fn credential(&mut self) -> Option<RegistrarCredential> {
        Some(match self.kind {
            RegistrarKind::Cloudflare => RegistrarCredential::Cloudflare(CloudflareCredential {
                token: self.secret("token")?,
            }),
            RegistrarKind::Dynadot => {
                let (key, secret) = (self.secret("key"), self.secret("secret"));
                RegistrarCredential::Dynadot(DynadotCredential {
                    key: key?,
                    secret: secret?,
                })
            }
            RegistrarKind::Gandi => RegistrarCredential::Gandi(GandiCredential {
                token: self.secret("token")?,
            }),
            RegistrarKind::Godaddy => {
                let (key, secret) = (self.secret("key"), self.secret("secret"));
                let customer = match self.at.get("customer") {
                    Some(at) => self.word(&at).map(Some),
                    None => Some(None),
                };
                RegistrarCredential::Godaddy(GodaddyCredential {
                    key: key?,
                    secret: secret?,
                    customer: customer?,
                })
            }
            RegistrarKind::Namecheap => {
                let user = self.need("user").and_then(|at| self.word(&at));
                let key = self.secret("key");
                let remedy = self.help.allow_list;
                let client_ip = self
                    .need("clientIp")
                    .and_then(|at| self.reader.value(&at, "an IPv4 address", remedy));
                RegistrarCredential::Namecheap(NamecheapCredential {
                    user: user?,
                    key: key?,
                    client_ip: client_ip?,
                })
            }
            RegistrarKind::Ovh => {
                let regions = [
                    ("eu", OvhRegion::Eu),
                    ("ca", OvhRegion::Ca),
                    ("us", OvhRegion::Us),
                ];
                let region = self.need("region").and_then(|at| self.reader.word(&at, &regions));
                let application_key = self.secret("applicationKey");
                let application_secret = self.secret("applicationSecret");
                let consumer_key = self.secret("consumerKey");
                RegistrarCredential::Ovh(OvhCredential {
                    region: region?,
                    application_key: application_key?,
                    application_secret: application_secret?,
                    consumer_key: consumer_key?,
                })
            }
            RegistrarKind::Porkbun => {
                let (key, secret) = (self.secret("key"), self.secret("secret"));
                RegistrarCredential::Porkbun(PorkbunCredential {
                    key: key?,
                    secret: secret?,
                })
            }
        })
    }

    /// A part that must be there; who does not have it is told what it is and where it is made.
    fn need(&mut self, key: &str) -> Option<At<'a>> {
        let found = self.at.get(key);
        if found.is_none() {
            let part = self.help.part(key)?;
            let message = format!("`{}.{key}` is missing: {}", self.at.path, part.what);
            let made = format!("it is made at {}; ", self.help.where_to_get);
            let remedy = format!("{}write `{part}`", if part.secret { &made } else { "" });
            self.reader.error(self.at, "secret.missing", message, remedy);
        }
        found
    }

    fn secret(&mut self, key: &str) -> Option<SecretRef> {
        let at = self.need(key)?;
        secret(self.reader, &at)
    }

    /// A name, as the registrar gave it.
    fn word(&mut self, at: &At<'_>) -> Option<String> {
        let text = self.reader.text(at)?;
        let fits = (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        if !fits {
            let message = format!("`{}` is empty, too long, or has blanks in it", at.path);
            self.reader.error(
                at,
                "secret.word",
                message,
                format!("write it as {} shows it", self.kind),
            );
        }
        fits.then(|| text.to_owned())
    }

    /// Keys that are no part of this credential.
    fn foreign(&mut self) {
        let Value::Map(entries) = &self.at.node.value else {
            return;
        };
        for (key, position, _) in entries {
            if key != "kind" && self.help.part(key).is_none() {
                let message = format!("`{key}` is no part of a credential for {}", self.kind);
                let remedy = self.instead_of(key);
                self.reader
                    .error_at(*position, self.at.child(key), "secret.foreign", message, remedy);
            }
        }
    }

    fn instead_of(&self, key: &str) -> String {
        if let Some(near) = self.help.needs.iter().find(|part| alike(part.key, key)) {
            return format!("did you mean `{}`?", near.key);
        }
        let needs = self.help.needs.iter();
        let needs: Vec<String> = needs
            .map(|part| format!("`{}` ({})", part.key, part.what))
            .collect();
        let whose = RegistrarKind::ALL.into_iter();
        let whose: Vec<&str> = whose
            .filter(|kind| credential_help(*kind).part(key).is_some())
            .map(RegistrarKind::as_str)
            .collect();
        let belongs = if whose.is_empty() {
            String::new()
        } else {
            format!("; `{key}` belongs to {}", list(&whose))
        };
        format!("it consists of {}{belongs}", needs.join(", "))
    }
}
