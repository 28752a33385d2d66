//! A world in memory whose every call is a place where workers take turns: name servers and a book.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sovereign_dns::host::{Capabilities, ServerFacts, Signing, ZoneHost, ZoneKey};
use sovereign_dns::pool::testing::MemoryBook;
use sovereign_dns::pool::{Allocation, BookError, PoolBook, PoolName, Put};
use sovereign_dns::record::{RecordSet, Records, Soa};
use sovereign_dns::transfer::{Distribution, TransferFacts, TransferHost, TsigKey};
use sovereign_dns::zone::{Change, MarkedSet, Zone};
use sovereign_dns::{DnsError, DomainName, ErrorClass, Mailbox, ZoneMark, ZoneRequest, ZoneSettings};

/// How long the absence of a name, and with it a delegation, may be cached, in seconds.
pub(crate) const TTL: u32 = 60;

/// Lets everybody else have a turn, once.
struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

pub(crate) fn turn() -> impl Future<Output = ()> + Send {
    Turn(false)
}

/// A clock that moves when it is told to, and whether a deletion was sent since somebody asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hands(Arc<Mutex<i64>>, Arc<AtomicBool>);

impl Hands {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(*self.0.lock().unwrap())
    }

    pub(crate) fn advance(&self, seconds: u32) {
        *self.0.lock().unwrap() += i64::from(seconds);
    }

    pub(crate) fn deletion_sent(&self) -> bool {
        self.1.swap(false, Ordering::Relaxed)
    }

    /// A turn between a deletion being sent and its effect.
    async fn delete(&self) {
        self.1.store(true, Ordering::Relaxed);
        turn().await;
    }
}

/// A book whose every call is a turn.
#[derive(Debug, Default)]
pub(crate) struct TurnBook(pub(crate) MemoryBook);

#[async_trait]
impl PoolBook for TurnBook {
    async fn find(&self, name: &PoolName) -> Result<Option<Allocation>, BookError> {
        turn().await;
        self.0.find(name).await
    }

    async fn all(&self) -> Result<Vec<Allocation>, BookError> {
        turn().await;
        self.0.all().await
    }

    async fn history(&self, name: &PoolName) -> Result<Vec<Allocation>, BookError> {
        turn().await;
        self.0.history(name).await
    }

    async fn put(&self, before: Option<u64>, allocation: &Allocation) -> Result<Put, BookError> {
        turn().await;
        self.0.put(before, allocation).await
    }
}

/// What a server has: the pool's zone, and zones below it with their owners.
#[derive(Debug, Default)]
struct Data {
    pool: BTreeMap<(DomainName, String), MarkedSet>,
    zones: BTreeMap<DomainName, Zone>,
}

/// A name server in memory.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    pool: DomainName,
    hands: Hands,
    finds: AtomicUsize,
    data: Mutex<Data>,
}

impl Server {
    pub(crate) fn new(name: &str, pool: &DomainName, hands: &Hands) -> Self {
        let soa = RecordSet {
            name: pool.clone(),
            ttl: TTL,
            records: Records::Soa(Soa {
                primary: "ns1.dns.example".parse().unwrap(),
                contact: Mailbox::hostmaster(pool),
                serial: 1,
                refresh: 1,
                retry: 1,
                expire: 1,
                negative_ttl: TTL,
            }),
        };
        let apex = MarkedSet { set: soa, mark: None };
        let data = Data {
            pool: [((pool.clone(), "SOA".to_owned()), apex)].into(),
            zones: BTreeMap::new(),
        };
        Self {
            name: name.to_owned(),
            pool: pool.clone(),
            hands: hands.clone(),
            finds: AtomicUsize::new(0),
            data: Mutex::new(data),
        }
    }

    /// How often it was asked for a zone.
    pub(crate) fn finds(&self) -> usize {
        self.finds.load(Ordering::Relaxed)
    }

    /// Owners of everything that is there of a name: its zone, then its record sets in the pool's zone.
    pub(crate) fn owners(&self, child: &DomainName) -> (Option<String>, Vec<String>) {
        let data = self.data.lock().unwrap();
        let of = |((name, _), set): (&(DomainName, String), &MarkedSet)| {
            (name == child).then(|| set.mark.as_ref().unwrap().owner.clone())
        };
        let sets = data.pool.iter().filter_map(of).collect();
        (data.zones.get(child).map(|zone| zone.owner.clone()), sets)
    }
}

fn error(class: ErrorClass, action: &str) -> DnsError {
    DnsError {
        class,
        action: action.to_owned(),
        message: "no".to_owned(),
        remedy: String::new(),
    }
}

#[async_trait]
impl ZoneHost for Server {
    fn name(&self) -> &str {
        &self.name
    }

    /// Nobody can ask it: what it would answer is what is in it.
    async fn facts(&self) -> Result<ServerFacts, DnsError> {
        Ok(ServerFacts {
            version: None,
            capabilities: Capabilities {
                single_records: false,
                catalog_zones: false,
                signalling_zones: false,
            },
            answers_at: Vec::new(),
        })
    }

    async fn find(&self, zone: &DomainName) -> Result<Option<Zone>, DnsError> {
        turn().await;
        self.finds.fetch_add(1, Ordering::Relaxed);
        Ok(self.data.lock().unwrap().zones.get(zone).cloned())
    }

    async fn sets(
        &self,
        zone: &DomainName,
        at: Option<&DomainName>,
    ) -> Result<Option<Vec<MarkedSet>>, DnsError> {
        turn().await;
        assert_eq!(*zone, self.pool);
        let data = self.data.lock().unwrap();
        let sets = data
            .pool
            .values()
            .filter(|set| at.is_none_or(|at| set.set.name == *at));
        Ok(Some(sets.cloned().collect()))
    }

    async fn zones(&self) -> Result<Vec<(DomainName, String)>, DnsError> {
        turn().await;
        let data = self.data.lock().unwrap();
        Ok(data
            .zones
            .values()
            .map(|zone| (zone.name.clone(), zone.owner.clone()))
            .collect())
    }

    async fn export(&self, zone: &DomainName) -> Result<String, DnsError> {
        Ok(format!("; {zone}"))
    }

    async fn zones_of(&self, mark: &ZoneMark) -> Result<Vec<DomainName>, DnsError> {
        let zones = self.zones().await?.into_iter();
        Ok(zones
            .filter(|(_, owner)| owner == mark.as_str())
            .map(|(name, _)| name)
            .collect())
    }

    async fn create(&self, request: &ZoneRequest, serial: u32, _: Signing) -> Result<Zone, DnsError> {
        turn().await;
        let mut data = self.data.lock().unwrap();
        if data.zones.contains_key(&request.name) {
            return Err(error(ErrorClass::Taken, "create"));
        }
        let zone = Zone {
            name: request.name.clone(),
            owner: request.mark.to_string(),
            serial,
            settings: ZoneSettings {
                signed: true,
                rectified: true,
                serial_moves: true,
                keys_told: true,
            },
            distribution: Distribution::native(),
            sets: request.all_sets(serial),
        };
        data.zones.insert(request.name.clone(), zone.clone());
        Ok(zone)
    }

    async fn change(&self, zone: &DomainName, changes: &[Change]) -> Result<(), DnsError> {
        if changes
            .iter()
            .any(|change| matches!(change, Change::Remove { .. }))
        {
            self.hands.delete().await;
        } else {
            turn().await;
        }
        assert_eq!(*zone, self.pool, "only the pool's zone is changed");
        let mut data = self.data.lock().unwrap();
        for change in changes {
            match change {
                Change::Mark(set, mark) => {
                    let key = (set.name.clone(), set.records.kind().to_string());
                    let there = data.pool.get(&key).and_then(|there| there.mark.as_ref());
                    assert!(
                        there.is_none_or(|there| there.owner == mark.owner),
                        "{mark:?} is written over {there:?}"
                    );
                    let set = MarkedSet {
                        set: set.clone(),
                        mark: Some(mark.clone()),
                    };
                    data.pool.insert(key, set);
                }
                Change::Remove { name, kind } => drop(data.pool.remove(&(name.clone(), kind.to_string()))),
                Change::Replace(set) => panic!("{set} bears no mark"),
            }
        }
        Ok(())
    }

    async fn complete_settings(&self, _: &DomainName, _: ZoneSettings) -> Result<(), DnsError> {
        Ok(())
    }

    async fn delete(&self, zone: &DomainName) -> Result<(), DnsError> {
        self.hands.delete().await;
        self.data.lock().unwrap().zones.remove(zone);
        Ok(())
    }

    async fn forget_answers(&self, _: &DomainName) -> Result<(), DnsError> {
        Ok(())
    }

    async fn keys(&self, zone: &DomainName) -> Result<Vec<ZoneKey>, DnsError> {
        let there = *zone != self.pool && self.data.lock().unwrap().zones.contains_key(zone);
        let key = ZoneKey {
            id: 1,
            active: true,
            dnskey: "257 3 13 AA==".to_owned(),
            ds: vec!["1 13 2 00ff".parse().unwrap()],
        };
        Ok(there.then_some(key).into_iter().collect())
    }

    async fn make_key(&self, _: &DomainName) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "make a key"))
    }

    async fn delete_key(&self, _: &DomainName, _: u64) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "delete a key"))
    }

    async fn export_key(&self, _: &DomainName, _: u64) -> Result<SecretString, DnsError> {
        Ok("key".into())
    }

    async fn import_key(&self, _: &DomainName, _: &SecretString) -> Result<(), DnsError> {
        Ok(())
    }
}

/// It hands its zones to nobody: that part of a server has tests of its own.
#[async_trait]
impl TransferHost for Server {
    async fn transfer_facts(&self) -> Result<TransferFacts, DnsError> {
        Err(error(ErrorClass::Stop, "transfer"))
    }

    async fn tsig_key(&self, _: &DomainName) -> Result<Option<TsigKey>, DnsError> {
        Ok(None)
    }

    async fn make_tsig_key(&self, _: &DomainName) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "make a key"))
    }

    async fn take_tsig_key(&self, _: &TsigKey) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "take a key"))
    }

    async fn create_bare(&self, _: &DomainName, _: &ZoneMark, _: &Distribution) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "make a bare zone"))
    }

    async fn distribute(&self, _: &DomainName, _: &ZoneMark, _: &Distribution) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "distribute"))
    }

    async fn notify(&self, _: &DomainName) -> Result<(), DnsError> {
        Ok(())
    }

    async fn retrieve(&self, _: &DomainName) -> Result<(), DnsError> {
        Err(error(ErrorClass::Stop, "retrieve"))
    }
}
