//! The document's top: who, and the way to the rest.

use super::node::{Node, Value};
use super::reader::{At, Reader, all};
use super::{API_VERSION, Hardening, Kit, KitProfile, Organization, Provider, Region, SovereignSpec};
use super::{access, dns, domain, kubernetes, machine_region, reach, region};
use crate::secret::SecretRef;

const KEYS: [&str; 12] = [
    "apiVersion",
    "name",
    "organization",
    "domain",
    "dns",
    "provider",
    "regions",
    "access",
    "reach",
    "kubernetes",
    "kit",
    "hardening",
];

/// The spec, if the document has all it needs; problems are in the reader.
pub(super) fn spec(reader: &mut Reader, root: &Node) -> Option<SovereignSpec> {
    let root = At::root(root);
    reader.keys(&root, &KEYS)?;
    let version = api_version(reader, &root);
    let name = reader.need(&root, "name", "acme-prod").and_then(|at| {
        reader.value(
            &at,
            "a Sovereign name",
            "use 3 to 32 of a-z, 0-9 and single hyphens, starting with a letter",
        )
    });
    let organization = organization(reader, &root);
    let domain = domain::domain(reader, &root);
    let dns = match root.get("dns") {
        Some(at) => dns::dns(reader, &at).map(Some),
        None => Some(None),
    };
    let provider = provider(reader, &root);
    let machines = names_machines(&root);
    let regions = regions(reader, &root, machines);
    let access = access::access(reader, &root);
    let reach = reach::reach(reader, &root);
    let kubernetes = kubernetes::kubernetes(reader, &root);
    let kit = kit(reader, &root, regions.as_deref().unwrap_or_default());
    let hardening = hardening(reader, &root);
    version?;
    Some(SovereignSpec {
        name: name?,
        organization: organization?,
        domain: domain?,
        dns: dns?,
        provider: provider?,
        regions: regions?,
        access: access?,
        reach: reach?,
        kubernetes: kubernetes?,
        kit: kit?,
        hardening: hardening?,
    })
}

fn api_version(reader: &mut Reader, root: &At<'_>) -> Option<()> {
    let at = reader.need(root, "apiVersion", API_VERSION)?;
    reader.word(&at, &[(API_VERSION, ())])
}

fn organization(reader: &mut Reader, root: &At<'_>) -> Option<Organization> {
    let at = reader.need(
        root,
        "organization",
        "{name: Acme Bank, email: platform@acme.example}",
    )?;
    reader.keys(&at, &["name", "email"])?;
    let name = reader
        .need(&at, "name", "Acme Bank")
        .and_then(|at| reader.text(&at).map(|text| (at, text.to_owned())));
    let email = reader
        .need(&at, "email", "platform@acme.example")
        .and_then(|at| reader.text(&at).map(|text| (at, text.to_owned())));
    let name = name.and_then(|(at, text)| {
        let fits =
            !text.trim().is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control);
        if !fits {
            reader.error(
                &at,
                "organization",
                "the organization's name is empty, too long or has control characters",
                "use 1 to 64 printable characters",
            );
        }
        fits.then_some(text)
    });
    let email = email.and_then(|(at, text)| {
        let fits = is_mail_address(&text);
        if !fits {
            reader.error(
                &at,
                "email",
                format!("`{text}` is not an e-mail address"),
                "certificates and notices go there; write `name@example.com`",
            );
        }
        fits.then_some(text)
    });
    Some(Organization {
        name: name?,
        email: email?,
    })
}

pub(super) fn is_mail_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !text.contains(char::is_whitespace)
            && !host.contains('@')
    })
}

fn provider(reader: &mut Reader, root: &At<'_>) -> Option<Provider> {
    let at = reader.need(root, "provider", "{kind: hetzner, token: {env: HCLOUD_TOKEN}}")?;
    reader.group(&at, &["kind"])?;
    let kind = reader
        .need(&at, "kind", "hetzner")
        .and_then(|at| reader.word(&at, &[("hetzner", false), ("machines", true)]));
    if kind == Some(true) {
        return machines(reader, &at);
    }
    reader.keys(&at, &["kind", "token", "sovereignToken"])?;
    let token = reader
        .need(&at, "token", "{env: HCLOUD_TOKEN}")
        .and_then(|at| secret(reader, &at));
    let sovereign_token = match at.get("sovereignToken") {
        Some(at) => Some(another_secret(reader, &at, token.as_ref())?),
        None => None,
    };
    kind?;
    Some(Provider::Hetzner {
        token: token?,
        sovereign_token,
    })
}

/// The token that stays is another one than the installer's.
fn another_secret(reader: &mut Reader, at: &At<'_>, installers: Option<&SecretRef>) -> Option<SecretRef> {
    let own = secret(reader, at)?;
    let another = installers != Some(&own);
    if !another {
        reader.error(
            at,
            "secret.twice",
            format!("`{}` leads to the installer's own token, {own}", at.path),
            "make another token of the same project, for the Sovereign alone, and name where that one is found",
        );
    }
    another.then_some(own)
}

/// Decides how regions are read, whatever else is wrong with the provider.
fn names_machines(root: &At<'_>) -> bool {
    let kind = root.get("provider").and_then(|at| at.get("kind"));
    kind.is_some_and(|at| matches!(&at.node.value, Value::Scalar(text) if text == "machines"))
}

fn machines(reader: &mut Reader, at: &At<'_>) -> Option<Provider> {
    reader.keys(at, &["kind", "user", "key"])?;
    let user = match at.get("user") {
        Some(at) => login_name(reader, &at),
        None => Some("root".to_owned()),
    };
    let key = reader
        .need(at, "key", "{file: /home/me/.ssh/id_ed25519}")
        .and_then(|at| secret(reader, &at));
    Some(Provider::Machines {
        user: user?,
        key: key?,
    })
}

fn login_name(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    let fits = (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(inside);
    if !fits {
        reader.error(
            at,
            "login",
            format!("`{text}` is not a login name"),
            "write the name of a user that may log in over SSH, for example `root`",
        );
    }
    fits.then(|| text.to_owned())
}

/// A reference to a secret. What looks like the secret itself is refused without being repeated.
pub(super) fn secret(reader: &mut Reader, at: &At<'_>) -> Option<SecretRef> {
    if matches!(at.node.value, Value::Scalar(_)) {
        let remedy = "write where it is found: `{env: NAME}`, `{file: /path}` or `{sealed: name}`; if this was the secret itself, replace it at its issuer";
        reader.error(
            at,
            "secret.inline",
            format!("`{}` holds a value where a reference is expected", at.path),
            remedy,
        );
        return None;
    }
    reader.keys(at, &["env", "file", "sealed"])?;
    let ways = [at.get("env"), at.get("file"), at.get("sealed")];
    if ways.iter().flatten().count() != 1 {
        reader.error(
            at,
            "secret.reference",
            format!("`{}` names not exactly one place", at.path),
            "write one of `env`, `file` and `sealed`",
        );
        return None;
    }
    let [env, file, sealed] = ways;
    if let Some(at) = env {
        let name = reader.text(&at)?;
        let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.len() < 64
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            reader.error(
                &at,
                "secret.env",
                format!("`{}` is not the name of an environment variable", at.path),
                "write the variable's name, for example `HCLOUD_TOKEN`, not its value",
            );
        }
        return fits.then(|| SecretRef::Env(name.to_owned()));
    }
    let text =
        |reader: &mut Reader, at: Option<At<'_>>| at.and_then(|at| reader.text(&at).map(str::to_owned));
    if let Some(path) = text(reader, file) {
        return Some(SecretRef::File(path.into()));
    }
    text(reader, sealed).map(SecretRef::Sealed)
}

fn regions(reader: &mut Reader, root: &At<'_>, machines: bool) -> Option<Vec<super::Region>> {
    let at = reader.need(root, "regions", "[{name: eu, locations: [fsn1], ...}]")?;
    let items = reader.list(&at)?;
    if items.is_empty() {
        reader.error(
            &at,
            "regions",
            "there is no region",
            "add one with a name, locations and a control plane",
        );
        return None;
    }
    let read = if machines {
        machine_region::region
    } else {
        region::region
    };
    all(items.iter().map(|item| read(reader, item)))
}

fn kit(reader: &mut Reader, root: &At<'_>, regions: &[Region]) -> Option<Kit> {
    let Some(at) = root.get("kit") else {
        return Some(Kit {
            profile: KitProfile::by_size(regions),
        });
    };
    reader.keys(&at, &["profile"])?;
    let words = [
        ("solo", KitProfile::Solo),
        ("ha", KitProfile::Ha),
        ("extended", KitProfile::Extended),
    ];
    let profile = reader
        .need(&at, "profile", "solo")
        .and_then(|at| reader.word(&at, &words));
    Some(Kit { profile: profile? })
}

fn hardening(reader: &mut Reader, root: &At<'_>) -> Option<Hardening> {
    let Some(at) = root.get("hardening") else {
        return Some(Hardening {
            unattended_upgrades: true,
            fail2ban: true,
            host_firewall: true,
        });
    };
    reader.keys(&at, &["unattendedUpgrades", "fail2ban", "hostFirewall"])?;
    let flags = ["unattendedUpgrades", "fail2ban", "hostFirewall"].map(|key| reader.flag(&at, key, true));
    let [unattended_upgrades, fail2ban, host_firewall] = flags;
    Some(Hardening {
        unattended_upgrades: unattended_upgrades?,
        fail2ban: fail2ban?,
        host_firewall: host_firewall?,
    })
}
