//! Where a probe begins, and what it believes without proof.

use std::net::IpAddr;
use std::path::Path;

use hickory_proto::rr::RecordType;
use hickory_proto::serialize::txt::trust_anchor::{Entry, Parser};
use thiserror::Error;

use super::seen::ServerAt;
use crate::name::DomainName;
use crate::record::Ds;
use crate::signature;

/// The root servers of the public DNS, `a` to `m`, as <https://www.internic.net/domain/named.root> lists them.
const PUBLIC: [[&str; 2]; 13] = [
    ["198.41.0.4", "2001:503:ba3e::2:30"],
    ["170.247.170.2", "2801:1b8:10::b"],
    ["192.33.4.12", "2001:500:2::c"],
    ["199.7.91.13", "2001:500:2d::d"],
    ["192.203.230.10", "2001:500:a8::e"],
    ["192.5.5.241", "2001:500:2f::f"],
    ["192.112.36.4", "2001:500:12::d0d"],
    ["198.97.190.53", "2001:500:1::53"],
    ["192.36.148.17", "2001:7fe::53"],
    ["192.58.128.30", "2001:503:c27::2:30"],
    ["193.0.14.129", "2001:7fd::1"],
    ["199.7.83.42", "2001:500:9f::42"],
    ["202.12.27.33", "2001:dc3::35"],
];

/// Keys of the public root, as <https://data.iana.org/root-anchors/root-anchors.xml> vouches for them: those of 2017 and 2024.
const IANA: [&str; 2] = [
    "20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d",
    "38696 8 2 683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16",
];

/// A file that is no trust anchor.
#[derive(Debug, Error)]
pub enum TrustAnchorError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read {
        /// Why.
        source: std::io::Error,
    },
    /// A line is none of an anchor.
    #[error("line {line} is no DS or DNSKEY record of the root: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There is no anchor in it.
    #[error("there is no DS or DNSKEY record in it")]
    None,
}

/// What is believed about the root's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor(pub(super) Vec<Ds>);

impl TrustAnchor {
    /// That of the public root.
    pub fn iana() -> Self {
        Self(IANA.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// Reads a file of DS and DNSKEY records of the root, one a line as zone files have them: `. IN DS 20326 8 2 e06d...`.
    pub fn read(path: &Path) -> Result<Self, TrustAnchorError> {
        let text = std::fs::read_to_string(path).map_err(|source| TrustAnchorError::Read { source })?;
        Self::parse(&text)
    }

    /// Reads such records.
    pub fn parse(text: &str) -> Result<Self, TrustAnchorError> {
        let mut anchors = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split(';').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let ds = anchor(line).map_err(|why| TrustAnchorError::Line { line: index + 1, why })?;
            anchors.push(ds);
        }
        if anchors.is_empty() {
            return Err(TrustAnchorError::None);
        }
        Ok(Self(anchors))
    }
}

fn anchor(line: &str) -> Result<Ds, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    if words.first() != Some(&".") {
        return Err("it does not begin with `.`".to_owned());
    }
    let at = |kind: &str| {
        words
            .iter()
            .take(4)
            .position(|word| word.eq_ignore_ascii_case(kind))
    };
    if let Some(place) = at("DS") {
        return words[place + 1..]
            .join(" ")
            .parse()
            .map_err(|error| format!("{error}"));
    }
    let Some(place) = at("DNSKEY") else {
        return Err("its kind is neither DS nor DNSKEY".to_owned());
    };
    let record = format!(". IN {} {}", RecordType::DNSKEY, words[place + 1..].join(" "));
    let entries = Parser::new(record).parse().map_err(|error| error.to_string())?;
    let Some(Entry::DNSKEY(key)) = entries.first() else {
        return Err("it has no key".to_owned());
    };
    signature::ds_of(&DomainName::root(), key.data()).ok_or_else(|| "its key cannot be digested".to_owned())
}

/// The root's servers.
pub(super) fn public() -> Vec<ServerAt> {
    let servers = ('a'..='m').zip(PUBLIC).flat_map(|(letter, addresses)| {
        let name = format!("{letter}.root-servers.net");
        addresses.map(|address| (name.clone(), address))
    });
    servers
        .filter_map(|(name, address)| {
            let address: IpAddr = address.parse().ok()?;
            Some(ServerAt { name, address })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hickory_proto::dnssec::rdata::DNSKEY;
    use hickory_proto::dnssec::{PublicKeyBuf, TrustAnchors};

    use super::*;

    #[test]
    fn the_public_root_is_complete_and_its_anchor_is_that_of_others() {
        assert_eq!(public().len(), 26);
        let others = TrustAnchors::default();
        let keys: Vec<Ds> = (0..others.len())
            .map(|index| {
                let key: &PublicKeyBuf = others.get(index).unwrap();
                signature::ds_of(&DomainName::root(), &DNSKEY::with_flags(257, key.clone())).unwrap()
            })
            .collect();
        assert_eq!(keys, TrustAnchor::iana().0);
    }

    #[test]
    fn anchors_are_read_from_ds_and_dnskey_records() {
        let ds = "; a comment\n. 172800 IN DS 20326 8 2 E06D44B80B8F1D39 A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D ; more\n";
        assert_eq!(TrustAnchor::parse(ds).unwrap().0, TrustAnchor::iana().0[..1]);
        let key = ". IN DNSKEY 257 3 13 oNYAZgAWTXo0J0XFcEGR0Zi/Ycx5l2OCg7KXNdIwbRLhqHCuxXZXG3QfnYJjvYn0AOJjD2ZpPJMpI4CbzmCJZw==";
        assert_eq!(TrustAnchor::parse(key).unwrap().0[0].algorithm, 13);
    }

    #[test]
    fn what_is_no_anchor_is_told_with_its_line() {
        for (text, wanted) in [
            ("", "no DS or DNSKEY"),
            ("\n; nothing\n", "no DS or DNSKEY"),
            (". IN NS a.", "line 1"),
            ("\nexample. IN DS 1 8 2 00", "line 2"),
            (". IN DS 1 8", "line 1"),
            (". IN DNSKEY 257 3 13 not-base64!", "line 1"),
        ] {
            let error = TrustAnchor::parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text:?}: {error}");
        }
    }
}
