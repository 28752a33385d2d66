//! Who may issue certificates for the zone's names (CAA, RFC 8659).

use super::DnsCaa;
use super::dns::filled;
use super::domain::is_label;
use super::fields::is_mail_address;
use super::reader::{At, Reader, all};

/// Most bytes of a record's value.
const MOST: usize = 255;

pub(super) fn caa(reader: &mut Reader, at: &At<'_>) -> Option<DnsCaa> {
    reader.keys(at, &["issuers", "wildcardIssuers", "contact"])?;
    let issuers = reader
        .need(at, "issuers", "[letsencrypt.org]")
        .and_then(|at| filled(reader, &at))
        .and_then(|items| all(items.iter().map(|item| issuer(reader, item))));
    let wildcard_issuers = match at.get("wildcardIssuers") {
        Some(at) => reader
            .list(&at)
            .and_then(|items| all(items.iter().map(|item| issuer(reader, item))))
            .map(Some),
        None => Some(None),
    };
    let contact = match at.get("contact") {
        Some(at) => contact(reader, &at).map(Some),
        None => Some(None),
    };
    Some(DnsCaa {
        issuers: issuers?,
        wildcard_issuers: wildcard_issuers?,
        contact: contact?,
    })
}

fn issuer(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    if !is_issuer(text) {
        reader.error(
            at,
            "dns.issuer",
            format!("`{text}` does not name an issuer of certificates"),
            "write the domain name that the issuer wants in CAA records, such as `letsencrypt.org`; parameters of the issuer go behind it: `letsencrypt.org; validationmethods=dns-01`",
        );
        return None;
    }
    Some(text.to_owned())
}

/// A domain name, and `tag=value` behind semicolons (RFC 8659 section 4.2).
fn is_issuer(text: &str) -> bool {
    let mut parts = text.split(';').map(|part| part.trim_matches(' '));
    let name = parts.next().unwrap_or_default();
    text.len() <= MOST && name.contains('.') && name.split('.').all(is_label) && parts.all(is_parameter)
}

fn is_parameter(text: &str) -> bool {
    text.split_once('=').is_some_and(|(tag, value)| {
        is_label(&tag.to_ascii_lowercase()) && value.chars().all(|c| c.is_ascii_graphic())
    })
}

/// Where an issuer reports what it was asked for and refused.
fn contact(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let is_page = ["https://", "http://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    let is_known = is_page || text.strip_prefix("mailto:").is_some_and(is_mail_address);
    if !is_known || text.len() > MOST || !text.chars().all(|c| c.is_ascii_graphic()) {
        reader.error(
            at,
            "dns.contact",
            format!("`{text}` is no address that issuers can report to"),
            "write `mailto:security@acme.example`, or an `https://` address",
        );
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_names_with_parameters() {
        for fits in [
            "letsencrypt.org",
            "pki.goog;cansignhttpexchanges=yes",
            "letsencrypt.org; validationmethods=dns-01; accounturi=https://acme.example/acct/1?a=b",
        ] {
            assert!(is_issuer(fits), "{fits}");
        }
        let long = format!("letsencrypt.org; accounturi={}", "x".repeat(MOST));
        for wrong in [
            "",
            ";",
            "letsencrypt",
            "Let's Encrypt",
            "letsencrypt.org.",
            "letsencrypt.org;",
            "letsencrypt.org; dns-01",
            "letsencrypt.org; a=b c",
            "letsencrypt.org; a=\u{e9}",
            &long,
        ] {
            assert!(!is_issuer(wrong), "{wrong}");
        }
    }
}
