//! What a person has to enter where no API can: name servers, keys and glue, in the forms that registrars ask for them.

use std::fmt;

use serde::Serialize;

use super::delegation::{Signer, Target, TargetNs};
use crate::name::DomainName;
use crate::record::{Dnskey, Ds};

/// Algorithms by the names that web forms use (IANA, DNS Security Algorithm Numbers).
const ALGORITHMS: &[(u8, &str)] = &[
    (8, "RSA/SHA-256"),
    (10, "RSA/SHA-512"),
    (13, "ECDSA P-256/SHA-256"),
    (14, "ECDSA P-384/SHA-384"),
    (15, "Ed25519"),
    (16, "Ed448"),
];
/// Digests by the names that web forms use.
const DIGESTS: &[(u8, &str)] = &[(1, "SHA-1"), (2, "SHA-256"), (4, "SHA-384")];

/// A name server and its addresses, to be registered before it can be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlueStep {
    /// The host.
    pub host: String,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// One key, in each of the forms that registrars ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DsStep {
    /// The fields of a DS record, and what to enter.
    pub fields: Vec<(&'static str, String)>,
    /// As a line of a zone file.
    pub record: String,
    /// The fields of the key, for forms that ask for it instead; empty where it is not known.
    pub key_fields: Vec<(&'static str, String)>,
}

/// What to enter, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManualSteps {
    /// Whose delegation.
    pub domain: String,
    /// Hosts to register first.
    pub glue: Vec<GlueStep>,
    /// The name servers, and no others; none to go back to the provider's own.
    pub nameservers: Vec<String>,
    /// The keys, and no others; `None` leaves them as they are.
    pub ds: Option<Vec<DsStep>>,
}

/// What a person enters at any registrar to bring a delegation about.
pub fn manual_steps(domain: &DomainName, target: &Target) -> ManualSteps {
    let nameservers = match &target.ns {
        TargetNs::Own(ns) => ns.hosts().iter().map(ToString::to_string).collect(),
        TargetNs::ProviderDefault => Vec::new(),
    };
    let glue = target.glue.iter().map(|(host, addresses)| GlueStep {
        host: host.to_string(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
    });
    let ds = target.ds.as_ref();
    let ds = ds.map(|signers| signers.iter().map(|signer| ds_step(domain, signer)).collect());
    ManualSteps {
        domain: domain.to_string(),
        glue: glue.collect(),
        nameservers,
        ds,
    }
}

/// What a person enters where only keys change.
pub fn manual_keys(domain: &DomainName, signers: &[Signer]) -> String {
    let steps: Vec<DsStep> = signers.iter().map(|signer| ds_step(domain, signer)).collect();
    Keys(domain.as_str(), &steps).to_string()
}

fn ds_step(domain: &DomainName, signer: &Signer) -> DsStep {
    let Ds {
        key_tag,
        algorithm,
        digest_kind,
        digest,
    } = &signer.ds;
    let key_fields = |key: &Dnskey| {
        vec![
            ("Flags", named(&[(257, "KSK"), (256, "ZSK")], key.flags)),
            ("Protocol", "3".to_owned()),
            ("Algorithm", named(ALGORITHMS, key.algorithm)),
            ("Public key", key.public_key.clone()),
        ]
    };
    DsStep {
        fields: vec![
            ("Key tag", key_tag.to_string()),
            ("Algorithm", named(ALGORITHMS, *algorithm)),
            ("Digest type", named(DIGESTS, *digest_kind)),
            ("Digest", digest.to_ascii_uppercase()),
        ],
        record: format!("{} IN DS {}", domain.absolute(), signer.ds),
        key_fields: signer.key.as_ref().map(key_fields).unwrap_or_default(),
    }
}

fn named<T: Copy + PartialEq + fmt::Display>(names: &[(T, &str)], number: T) -> String {
    let found = names.iter().find(|(it, _)| *it == number);
    found.map_or_else(|| number.to_string(), |(_, name)| format!("{number} ({name})"))
}

impl fmt::Display for ManualSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = &self.domain;
        for GlueStep { host, addresses } in &self.glue {
            let addresses = addresses.join(", ");
            writeln!(f, "Register the name server `{host}` with {addresses}.")?;
        }
        if self.nameservers.is_empty() {
            writeln!(f, "Set `{domain}` back to the provider's own name servers.")?;
        } else {
            writeln!(f, "Set the name servers of `{domain}` to these, and no others:")?;
        }
        for host in &self.nameservers {
            writeln!(f, "  {host}")?;
        }
        match self.ds.as_deref() {
            None => Ok(()),
            Some(steps) => Keys(domain, steps).fmt(f),
        }
    }
}

/// The keys of a domain, as they are entered.
struct Keys<'a>(&'a str, &'a [DsStep]);

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(domain, steps) = self;
        if steps.is_empty() {
            return writeln!(f, "Remove every DS record (DNSSEC) of `{domain}`.");
        }
        writeln!(
            f,
            "Set the DS records (DNSSEC) of `{domain}` to these, and no others:"
        )?;
        steps.iter().try_for_each(|step| step.fmt(f))
    }
}

impl DsStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}", self.record)?;
        for (field, value) in &self.fields {
            writeln!(f, "    {field}: {value}")?;
        }
        if !self.key_fields.is_empty() {
            writeln!(f, "    or, if the form asks for the key:")?;
        }
        for (field, value) in &self.key_fields {
            writeln!(f, "    {field}: {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registrar::NsSet;

    #[test]
    fn every_form_a_registrar_may_ask_for_is_there() {
        let domain: DomainName = "example.net".parse().unwrap();
        let key: Dnskey =
            "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="
                .parse()
                .unwrap();
        let signer = Signer {
            ds: key.ds(&domain).unwrap(),
            key: Some(key),
        };
        let ns = NsSet::read(["ns2.example.net", "ns1.example.net"]).unwrap();
        let mut target = Target::ns(ns).with_ds(vec![signer]);
        let addresses = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        target
            .glue
            .insert("ns1.example.net".parse().unwrap(), addresses.into());
        let wanted = "\
Register the name server `ns1.example.net` with 192.0.2.1, 2001:db8::1.
Set the name servers of `example.net` to these, and no others:
  ns2.example.net
  ns1.example.net
Set the DS records (DNSSEC) of `example.net` to these, and no others:
  example.net. IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
    Key tag: 55648
    Algorithm: 13 (ECDSA P-256/SHA-256)
    Digest type: 2 (SHA-256)
    Digest: B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17
    or, if the form asks for the key:
    Flags: 257 (KSK)
    Protocol: 3
    Algorithm: 13 (ECDSA P-256/SHA-256)
    Public key: GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
";
        assert_eq!(manual_steps(&domain, &target).to_string(), wanted);
        target.ds = Some(Vec::new());
        let text = manual_steps(&domain, &target).to_string();
        assert!(
            text.ends_with("Remove every DS record (DNSSEC) of `example.net`.\n"),
            "{text}"
        );
        target.ds = None;
        assert!(!manual_steps(&domain, &target).to_string().contains("DS"));
    }
}
