//! Which addresses a zone's names are to lead to, by what was seen of them. Pure: nothing is asked or written here.
//!
//! What stands is what the zone leads to now; nothing else is remembered but how long each address has contradicted it. So a
//! controller that starts anew, or beside another one, goes on from the zone, and who sees the same wants the same.

mod check;
mod observer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;

pub use self::check::{CheckUrl, HealthCheck, HealthCheckError};
pub use self::observer::{Observer, ObserverError};

/// Why a text is no [`Region`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` is not a region: {why}; write `NAME=ADDRESS,ADDRESS`, for example `fsn=192.0.2.1,2001:db8::1`"
)]
pub struct RegionError {
    text: String,
    why: String,
}

/// Addresses that fail together: those of one region's load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// What people call it.
    pub name: String,
    /// Where it takes the world's traffic.
    pub addresses: BTreeSet<IpAddr>,
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let wrong = |why: String| RegionError {
            text: text.to_owned(),
            why,
        };
        let (name, list) = text
            .split_once('=')
            .ok_or_else(|| wrong("it has no `=`".to_owned()))?;
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(wrong(format!(
                "`{name}` is no name of letters, digits, `-`, `_` and `.`"
            )));
        }
        let read = |word: &str| {
            word.parse::<IpAddr>()
                .map_err(|_| wrong(format!("`{word}` is no IP address")))
        };
        Ok(Self {
            name: name.to_owned(),
            addresses: list.split(',').map(read).collect::<Result<_, _>>()?,
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        write!(f, "{}={}", self.name, addresses.join(","))
    }
}

/// How many times in a row an address has to show the opposite before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Answers until it is led to.
    pub rise: NonZeroU32,
    /// Failures until it is led to no more.
    pub fall: NonZeroU32,
}

/// What one look at an address came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It does what is asked of it.
    Answers,
    /// It does not.
    Fails {
        /// What happened instead.
        why: String,
    },
    /// This machine has no way to such addresses, so nothing was seen of it.
    NoWay {
        /// The system's words.
        why: String,
    },
}

/// What is to be, after a look at every address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the names are to lead to. A family is empty only if the zone has none of it now.
    pub addresses: BTreeSet<IpAddr>,
    /// Addresses that stay although they fail: without them the family would have none.
    pub kept: BTreeSet<IpAddr>,
}

/// How long each address has contradicted what stands.
#[derive(Debug, Clone)]
pub struct Health {
    regions: Vec<Region>,
    thresholds: Thresholds,
    published: BTreeSet<IpAddr>,
    against: BTreeMap<IpAddr, u32>,
}

impl Health {
    /// Nothing has been seen yet.
    pub fn new(regions: Vec<Region>, thresholds: Thresholds) -> Self {
        Self {
            regions,
            thresholds,
            published: BTreeSet::new(),
            against: BTreeMap::new(),
        }
    }

    /// Takes in a look at every address; `published` is what the zone leads to at that time.
    pub fn observe(&mut self, published: &BTreeSet<IpAddr>, round: &BTreeMap<IpAddr, Seen>) -> Wanted {
        for address in addresses(&self.regions) {
            let stands = published.contains(&address);
            if self.published.contains(&address) != stands {
                // Somebody has decided about it: it counts anew.
                self.against.remove(&address);
            }
            match self.answers(address, round) {
                None => {}
                Some(answers) if answers == stands => drop(self.against.remove(&address)),
                Some(_) => {
                    let against = self.against.entry(address).or_default();
                    *against = against.saturating_add(1);
                }
            }
        }
        self.published.clone_from(published);
        self.wanted()
    }

    /// Whether no address contradicts what stands.
    pub fn is_settled(&self) -> bool {
        self.against.is_empty()
    }

    /// Whether an address answers; nothing where nothing is known of it. An address that there is no way to from here is as well
    /// as the rest of its region.
    fn answers(&self, address: IpAddr, round: &BTreeMap<IpAddr, Seen>) -> Option<bool> {
        let own = round.get(&address).and_then(known);
        own.or_else(|| {
            let region = self
                .regions
                .iter()
                .find(|region| region.addresses.contains(&address))?;
            let others = region
                .addresses
                .iter()
                .filter_map(|other| round.get(other).and_then(known));
            others.reduce(|one, other| one || other)
        })
    }

    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted {
            addresses: BTreeSet::new(),
            kept: BTreeSet::new(),
        };
        for is_family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            let ours = addresses(&self.regions).into_iter().filter(is_family);
            let well: BTreeSet<IpAddr> = ours.filter(|address| self.is_well(address)).collect();
            if well.is_empty() {
                let stays = self.published.iter().copied().filter(is_family);
                wanted.kept.extend(stays);
            }
            wanted.addresses.extend(well);
        }
        wanted.addresses.extend(&wanted.kept);
        wanted
    }

    fn is_well(&self, address: &IpAddr) -> bool {
        let against = self.against.get(address).copied().unwrap_or_default();
        if self.published.contains(address) {
            against < self.thresholds.fall.get()
        } else {
            against >= self.thresholds.rise.get()
        }
    }
}

/// Every address of the regions.
pub fn addresses(regions: &[Region]) -> BTreeSet<IpAddr> {
    regions
        .iter()
        .flat_map(|region| region.addresses.iter().copied())
        .collect()
}

fn known(seen: &Seen) -> Option<bool> {
    match seen {
        Seen::Answers => Some(true),
        Seen::Fails { .. } => Some(false),
        Seen::NoWay { .. } => None,
    }
}

#[cfg(test)]
mod tests;
