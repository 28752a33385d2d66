//! What a registrar knows: an account, its domains, and changes that are done later.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::contract::RegistrarVendor;
use super::dnskey::ds_of;
use super::fault::{Faults, RegistrarFault};
use super::request::Recorded;

/// A key that the parent vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DsData {
    /// Tag of the key.
    pub key_tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// Kind of the digest.
    pub digest_type: u8,
    /// The digest in lower-case hex.
    pub digest: String,
    /// Flags and key, where the registrar was given the key.
    pub key: Option<(u16, String)>,
}

impl DsData {
    /// Data of a DS record.
    pub fn rdata(&self) -> String {
        let Self {
            key_tag,
            algorithm,
            digest_type,
            digest,
            ..
        } = self;
        format!("{key_tag} {algorithm} {digest_type} {digest}")
    }

    /// What a parent vouches for by a key, given as the data of a DNSKEY record. None if it is none.
    pub fn of_key(domain: &str, dnskey: &str) -> Option<Self> {
        let mut words = dnskey.splitn(4, ' ');
        let flags = words.next()?.parse().ok()?;
        let (_protocol, algorithm) = (words.next()?, words.next()?.parse().ok()?);
        ds_of(domain, flags, algorithm, words.next()?)
    }
}

impl FromStr for DsData {
    type Err = String;

    /// Reads the data of a DS record: tag, algorithm, kind of digest, digest.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no DS: write it as `TAG ALGORITHM DIGESTTYPE DIGEST`");
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [tag, algorithm, digest_type, digest @ ..] = &words[..] else {
            return Err(wrong());
        };
        let digest = digest.concat().to_ascii_lowercase();
        if digest.is_empty() || hex::decode(&digest).is_err() {
            return Err(wrong());
        }
        Ok(Self {
            key_tag: tag.parse().map_err(|_| wrong())?,
            algorithm: algorithm.parse().map_err(|_| wrong())?,
            digest_type: digest_type.parse().map_err(|_| wrong())?,
            digest,
            key: None,
        })
    }
}

/// A domain in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredDomain {
    /// Its name servers, in order.
    pub ns: Vec<String>,
    /// Nobody asked for others than the vendor's.
    pub uses_default: bool,
    /// Its keys at the parent.
    pub ds: Vec<DsData>,
    /// Addresses of name servers inside it.
    pub glue: BTreeMap<String, BTreeSet<IpAddr>>,
    /// Nobody may change it.
    pub locked: bool,
    /// Types of other records of the name; at vendors that host the parent zone.
    pub other_records: Vec<String>,
}

impl RegisteredDomain {
    /// On the vendor's own servers, without keys.
    pub fn fresh(vendor: RegistrarVendor) -> Self {
        Self {
            ns: vendor.default_ns(),
            uses_default: true,
            ds: Vec::new(),
            glue: BTreeMap::new(),
            locked: false,
            other_records: Vec::new(),
        }
    }

    /// On somebody else's servers.
    pub fn on(vendor: RegistrarVendor, ns: &[&str]) -> Self {
        Self {
            ns: ns.iter().map(|host| (*host).to_owned()).collect(),
            uses_default: false,
            ..Self::fresh(vendor)
        }
    }

    /// What the parent publishes of it.
    pub fn published(&self, domain: &str) -> Published {
        Published {
            domain: domain.to_owned(),
            ns: self.ns.clone(),
            ds: self.ds.iter().map(DsData::rdata).collect(),
            glue: self.glue.clone(),
        }
    }
}

/// What the parent publishes of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which.
    pub domain: String,
    /// Its name servers.
    pub ns: Vec<String>,
    /// Data of its DS records.
    pub ds: Vec<String>,
    /// Addresses of name servers inside it.
    pub glue: BTreeMap<String, BTreeSet<IpAddr>>,
}

/// One change to a domain.
#[derive(Debug, Clone)]
pub(super) enum Delta {
    Ns { hosts: Vec<String>, default: bool },
    AddDs(DsData),
    RemoveDs(DsData),
    SetDs(Vec<DsData>),
    Glue(String, BTreeSet<IpAddr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskStatus {
    Running,
    Done,
    Failed,
}

/// A change that is done later.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) domain: String,
    pub(super) status: TaskStatus,
    deltas: Vec<Delta>,
    due: Instant,
    fails: bool,
}

/// What a fault does to the changes of one request.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Mischief {
    pub(super) not_applied: bool,
    pub(super) partial: bool,
    pub(super) task_fails: bool,
}

/// Everything behind the registrar's lock.
#[derive(Debug)]
pub(super) struct World {
    pub(super) vendor: RegistrarVendor,
    pub(super) secrets: BTreeMap<&'static str, String>,
    pub(super) allowed_from: Option<Vec<IpAddr>>,
    pub(super) domains: BTreeMap<String, RegisteredDomain>,
    pub(super) tasks: Vec<Task>,
    pub(super) task_time: Duration,
    pub(super) faults: Faults,
    pub(super) mischief: Mischief,
    pub(super) seen: Vec<Recorded>,
    /// What the vendor was last asked for, where it keeps that beside what is.
    pub(super) wanted: BTreeMap<String, RegisteredDomain>,
    changed: BTreeSet<String>,
    count: u64,
}

impl World {
    fn new(vendor: RegistrarVendor) -> Self {
        Self {
            vendor,
            secrets: BTreeMap::new(),
            allowed_from: None,
            domains: BTreeMap::new(),
            tasks: Vec::new(),
            task_time: Duration::from_millis(50),
            faults: Faults::default(),
            mischief: Mischief::default(),
            seen: Vec::new(),
            wanted: BTreeMap::new(),
            changed: BTreeSet::new(),
            count: 0,
        }
    }

    pub(super) fn secret(&self, name: &str) -> &str {
        self.secrets.get(name).map_or("", String::as_str)
    }

    /// A name for something new.
    pub(super) fn next_id(&mut self) -> String {
        self.count += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.count)
    }

    /// Changes a domain now.
    pub(super) fn apply(&mut self, domain: &str, deltas: Vec<Delta>) {
        if self.mischief.not_applied {
            return;
        }
        let partial = self.mischief.partial;
        let Some(entry) = self.domains.get_mut(domain) else {
            return;
        };
        for delta in deltas {
            change(entry, delta, partial);
        }
        self.changed.insert(domain.to_owned());
    }

    /// Changes a domain later; the task's name.
    pub(super) fn schedule(&mut self, domain: &str, kind: &'static str, deltas: Vec<Delta>) -> String {
        let id = self.next_id();
        let deltas = if self.mischief.not_applied {
            Vec::new()
        } else {
            deltas
        };
        self.tasks.push(Task {
            id: id.clone(),
            kind,
            domain: domain.to_owned(),
            status: TaskStatus::Running,
            deltas,
            due: Instant::now() + self.task_time,
            fails: self.mischief.task_fails,
        });
        id
    }

    /// Does what is due.
    pub(super) fn advance(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        for task in &mut self.tasks {
            if task.status == TaskStatus::Running && task.due <= now {
                task.status = if task.fails {
                    TaskStatus::Failed
                } else {
                    TaskStatus::Done
                };
                if !task.fails {
                    due.push((task.domain.clone(), std::mem::take(&mut task.deltas)));
                }
            }
        }
        self.mischief = Mischief::default();
        for (domain, deltas) in due {
            self.apply(&domain, deltas);
        }
    }

    /// When the next task is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let running = self
            .tasks
            .iter()
            .filter(|task| task.status == TaskStatus::Running);
        running.map(|task| task.due).min()
    }

    /// Lets the parent publish a domain anew.
    pub(super) fn announce(&mut self, domain: &str) {
        self.changed.insert(domain.to_owned());
    }

    /// What the parent is to publish anew.
    pub(super) fn take_changed(&mut self) -> Vec<Published> {
        let changed = std::mem::take(&mut self.changed);
        let entries = changed.iter().filter_map(|domain| {
            let entry = self.domains.get(domain)?;
            Some(entry.published(domain))
        });
        entries.collect()
    }
}

/// Applies a change to a domain, however it is kept.
pub(super) fn change(entry: &mut RegisteredDomain, delta: Delta, partial: bool) {
    match delta {
        Delta::Ns { mut hosts, default } => {
            if partial {
                hosts.truncate(1);
            }
            entry.ns = hosts;
            entry.uses_default = default;
        }
        Delta::AddDs(ds) => {
            if !entry.ds.contains(&ds) {
                entry.ds.push(ds);
            }
        }
        Delta::RemoveDs(ds) => entry.ds.retain(|it| it.rdata() != ds.rdata()),
        Delta::SetDs(ds) => entry.ds = ds,
        Delta::Glue(host, addresses) => {
            entry.glue.insert(host, addresses);
        }
    }
}

/// A registrar's account, as a test sees and changes it.
#[derive(Debug, Clone)]
pub struct Registry {
    world: Arc<Mutex<World>>,
}

impl Registry {
    pub(super) fn new(vendor: RegistrarVendor) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(vendor))),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a domain into the account, or changes it as its owner would in the web interface. What is published follows with the
    /// next change.
    pub fn put(&self, domain: &str, entry: RegisteredDomain) {
        let mut world = self.lock();
        world.wanted.remove(domain);
        world.domains.insert(domain.to_owned(), entry);
    }

    /// A domain as it is now.
    pub fn domain(&self, domain: &str) -> Option<RegisteredDomain> {
        let mut world = self.lock();
        world.advance();
        world.domains.get(domain).cloned()
    }

    /// All domains as they are now.
    pub fn domains(&self) -> BTreeMap<String, RegisteredDomain> {
        let mut world = self.lock();
        world.advance();
        world.domains.clone()
    }

    /// Whether a name is below a zone that the account hosts.
    pub fn hosts(&self, name: &str) -> bool {
        let world = self.lock();
        let above = |zone: &String| {
            let rest = name.strip_suffix(zone.as_str());
            rest.is_some_and(|rest| rest.ends_with('.'))
        };
        world.vendor == RegistrarVendor::Cloudflare && world.domains.keys().any(above)
    }

    /// Locks a domain, or lifts the lock.
    pub fn set_locked(&self, domain: &str, locked: bool) {
        if let Some(entry) = self.lock().domains.get_mut(domain) {
            entry.locked = locked;
        }
    }

    /// Where requests may come from; from anywhere without.
    pub fn allow_from(&self, addresses: Option<Vec<IpAddr>>) {
        self.lock().allowed_from = addresses;
    }

    /// How long a task takes.
    pub fn set_task_time(&self, time: Duration) {
        self.lock().task_time = time;
    }

    /// Switches a fault on.
    pub fn fault(&self, fault: RegistrarFault) {
        self.lock().faults.set(fault);
    }

    /// Switches every fault off.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many requests there were since they were taken last.
    pub fn seen(&self) -> usize {
        self.lock().seen.len()
    }

    /// The requests since the last call.
    pub fn take_seen(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.lock().seen)
    }
}
