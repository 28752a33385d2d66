//! Addresses that a name server chooses when it is asked, by a script in the zone (PowerDNS LUA records,
//! <https://doc.powerdns.com/authoritative/lua-records/>).
//!
//! Nobody writes Lua here: a script is put together from addresses and a [`CheckUrl`], neither of which can hold a character that
//! ends a text. One that does not read exactly as it would be written again is somebody else's.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{RecordKind, RecordTextError};
use crate::health::CheckUrl;

/// How a name server chooses among addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LuaRule {
    /// All that answer that page; all there are where none does. The server itself asks them, every few seconds.
    IfUrlUp(CheckUrl),
    /// The one closest to whoever asks. It is not asked whether it answers.
    PickClosest,
}

impl LuaRule {
    /// The function's name, as PowerDNS has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::IfUrlUp(_) => "ifurlup",
            Self::PickClosest => "pickclosest",
        }
    }
}

/// A LUA record that answers for one kind of address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LuaRecord {
    rule: LuaRule,
    addresses: BTreeSet<IpAddr>,
}

impl LuaRecord {
    /// One record for each family that is among the addresses.
    pub fn choosing(rule: &LuaRule, addresses: &BTreeSet<IpAddr>) -> BTreeSet<Self> {
        let family = |of: fn(&IpAddr) -> bool| Self {
            rule: rule.clone(),
            addresses: addresses.iter().copied().filter(of).collect(),
        };
        let both = [family(IpAddr::is_ipv4), family(IpAddr::is_ipv6)];
        both.into_iter()
            .filter(|record| !record.addresses.is_empty())
            .collect()
    }

    /// What it answers with: one or more of these.
    pub fn addresses(&self) -> &BTreeSet<IpAddr> {
        &self.addresses
    }

    /// The kind of record that it answers for.
    pub fn answers_for(&self) -> RecordKind {
        if self.addresses.iter().all(IpAddr::is_ipv4) {
            RecordKind::A
        } else {
            RecordKind::Aaaa
        }
    }
}

const ALL: &str = ", {selector='all', backupSelector='all'})";

impl fmt::Display for LuaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self
            .addresses
            .iter()
            .map(|address| format!("'{address}'"))
            .collect();
        let (kind, list) = (self.answers_for(), texts.join(","));
        match &self.rule {
            LuaRule::IfUrlUp(url) => write!(f, "{kind} \"ifurlup('{url}', {{{{{list}}}}}{ALL}\""),
            LuaRule::PickClosest => write!(f, "{kind} \"pickclosest({{{list}}})\""),
        }
    }
}

impl FromStr for LuaRecord {
    type Err = RecordTextError;

    fn from_str(text: &str) -> Result<Self, RecordTextError> {
        let read = read(text).filter(|record| record.to_string() == text);
        read.ok_or_else(|| RecordTextError {
            kind: "a LUA record of ours",
            text: text.to_owned(),
        })
    }
}

fn read(text: &str) -> Option<LuaRecord> {
    let (_, quoted) = text.split_once(' ')?;
    let script = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let (rule, list) = if let Some(list) = script.strip_prefix("pickclosest({") {
        (LuaRule::PickClosest, list.strip_suffix("})")?)
    } else {
        let inner = script.strip_prefix("ifurlup('")?.strip_suffix(ALL)?;
        let (url, list) = inner.split_once("', {{")?;
        (LuaRule::IfUrlUp(url.parse().ok()?), list.strip_suffix("}}")?)
    };
    let address = |word: &str| {
        word.strip_prefix('\'')?
            .strip_suffix('\'')?
            .parse::<IpAddr>()
            .ok()
    };
    Some(LuaRecord {
        rule,
        addresses: list.split(',').map(address).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url() -> LuaRule {
        LuaRule::IfUrlUp("https://console.acme.example/healthz".parse().unwrap())
    }

    fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn texts(records: &BTreeSet<LuaRecord>) -> Vec<String> {
        records.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_is_one_record_a_family() {
        let addresses = set(&["192.0.2.2", "192.0.2.1", "2001:db8::1"]);
        let wanted = [
            "A \"ifurlup('https://console.acme.example/healthz', {{'192.0.2.1','192.0.2.2'}}, {selector='all', backupSelector='all'})\"",
            "AAAA \"ifurlup('https://console.acme.example/healthz', {{'2001:db8::1'}}, {selector='all', backupSelector='all'})\"",
        ];
        assert_eq!(texts(&LuaRecord::choosing(&url(), &addresses)), wanted);
        let one = LuaRecord::choosing(&LuaRule::PickClosest, &set(&["2001:db8::1"]));
        assert_eq!(texts(&one), ["AAAA \"pickclosest({'2001:db8::1'})\""]);
    }

    #[test]
    fn somebody_elses_script_is_not_read() {
        for text in [
            "",
            "A",
            "A \"\"",
            "A \"pickclosest({})\"",
            "A \"pickclosest({'2001:db8::1'})\"",
            "A \"pickclosest({'192.0.2.1','2001:db8::1'})\"",
            "AAAA \"pickclosest({'192.0.2.1'})\"",
            "A \"pickclosest({'192.0.2.2','192.0.2.1'})\"",
            "A \"pickclosest({ '192.0.2.1' })\"",
            "A \"pickclosest({'192.0.2.1'}) os.exit()\"",
            "A \"ifurlup('https://a.example/', {{'192.0.2.1'}})\"",
            "TXT \"os.date()\"",
        ] {
            assert!(text.parse::<LuaRecord>().is_err(), "{text}");
        }
    }

    /// Texts that a hostile person might write, made of what means something to Lua, zone files and URLs.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("https://".to_owned()),
            Just("a.example".to_owned()),
            Just("/".to_owned()),
            Just("'".to_owned()),
            Just("\"".to_owned()),
            Just("\\".to_owned()),
            Just("\\039".to_owned()),
            Just("%27".to_owned()),
            Just("]]".to_owned()),
            Just("--".to_owned()),
            Just("\n".to_owned()),
            Just("\0".to_owned()),
            Just("}}, {})".to_owned()),
            Just(" os.execute('id')".to_owned()),
            Just(";".to_owned()),
            "\\PC{0,4}",
            "[ -~]{0,6}",
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_text(tail in hostile(), whole in hostile()) {
            for text in [format!("https://a.example/{tail}"), format!("https://{tail}/"), whole] {
                let Ok(url) = text.parse::<CheckUrl>() else { continue };
                let written = url.to_string();
                let breaks = |c: char| !c.is_ascii_graphic() || "'\"\\()[]{};#<>`".contains(c);
                prop_assert!(!written.contains(breaks), "{written}");
                let records = LuaRecord::choosing(&LuaRule::IfUrlUp(url), &set(&["192.0.2.1"]));
                let record = records.first().unwrap();
                let frame = format!(
                    "A \"ifurlup('{written}', {{{{'192.0.2.1'}}}}, {{selector='all', backupSelector='all'}})\""
                );
                prop_assert_eq!(record.to_string(), frame.clone());
                prop_assert_eq!(&frame.parse::<LuaRecord>().unwrap(), record);
            }
        }

        #[test]
        fn what_is_read_is_what_was_written(text in hostile(), addresses in proptest::collection::btree_set(any::<IpAddr>(), 1..9)) {
            for rule in [url(), LuaRule::PickClosest] {
                for record in LuaRecord::choosing(&rule, &addresses) {
                    prop_assert_eq!(record.to_string().parse::<LuaRecord>().unwrap(), record);
                }
            }
            if let Ok(record) = text.parse::<LuaRecord>() {
                prop_assert_eq!(record.to_string(), text);
            }
        }
    }
}
