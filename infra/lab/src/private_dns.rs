//! A DNS of its own on this machine: real name servers at loopback addresses, signed from the root down.
//!
//! ```text
//!  root ──► example: two servers that follow registrars, and can be made to disagree
//!              ├──► operator.example: ns1 and ns2, the servers that Sovereigns' zones go to
//!              ├──► hosting.example: ns1 and ns2, where customers' zones have always been
//!              └──► a customer's domain ──► hosting, until its registrar says otherwise
//! ```
//!
//! Asked from its root ([`PrivateDns::root`]) on its port with its trust anchor, by whoever asks name servers himself; or through
//! a [`Resolver`], which validates and remembers as those of the world do.

mod customer;
mod loopback;
mod name_server;
mod parents;
mod record_set;
mod resolver;
mod watch;
mod zones;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::customer::CustomerDomain;
pub use self::loopback::Loopback;
pub(crate) use self::name_server::shorten;
pub use self::name_server::{NameServer, Signing};
pub use self::parents::TopLevel;
pub use self::record_set::RecordSet;
pub use self::resolver::{Memory, Resolver};
pub use self::watch::{Fate, Sighting, Sightings, Watch};

use self::parents::CustomerParents;
use self::zones::{HOSTING, Host, OPERATOR, TOP};
use crate::config::DnsConfig;
use crate::registrars::{
    DsData, ParentZone, PowerDnsParent, Published, RegisteredDomain, RegistrarSim, RegistrarVendor,
    Registrars,
};

/// How a DNS of its own is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateDnsConfig {
    /// Keeps the zones of the operator's servers over restarts; everything else begins anew.
    pub state: Option<PathBuf>,
    /// Seconds that caches keep what the top level says, and where the name servers are.
    pub ttl: u32,
}

impl Default for PrivateDnsConfig {
    fn default() -> Self {
        Self { state: None, ttl: 1 }
    }
}

/// A DNS of its own. Everything of it ends with this value.
#[derive(Debug)]
pub struct PrivateDns {
    loopback: Loopback,
    root: NameServer,
    /// The servers of the top level.
    pub top: [NameServer; 2],
    /// The operator's servers, in the order of [`Self::OPERATOR`].
    pub operator: [NameServer; 2],
    /// The server that answers under both names of [`Self::HOSTING`].
    pub hosting: NameServer,
    /// What follows registrars.
    pub top_level: Arc<TopLevel>,
    customers: Arc<CustomerParents>,
    anchor: String,
    ttl: u32,
}

impl PrivateDns {
    /// Names of the operator's name servers.
    pub const OPERATOR: [&str; 2] = ["ns1.operator.example", "ns2.operator.example"];
    /// Names of the name servers where customers' zones have always been.
    pub const HOSTING: [&str; 2] = ["ns1.hosting.example", "ns2.hosting.example"];

    /// Starts all servers; they answer when this returns.
    pub async fn start(config: PrivateDnsConfig) -> io::Result<Self> {
        let loopback = Loopback::take()?;
        let port = loopback.port();
        let at = |third, fourth| loopback.at(third, fourth);
        let kept = |name: &str| config.state.as_ref().map(|dir| dir.join(name));
        let start =
            |addresses: Vec<IpAddr>, dir| async move { NameServer::start(&addresses, port, dir).await };
        let (root, a, b, ns1, ns2, hosting) = tokio::try_join!(
            start(vec![at(0, 1)], None),
            start(vec![at(1, 1)], None),
            start(vec![at(1, 2)], None),
            start(vec![at(2, 1)], kept("ns1")),
            start(vec![at(2, 2)], kept("ns2")),
            start(vec![at(3, 1), at(3, 2)], None),
        )?;
        let top = [a, b];
        let mut dns = Self {
            top_level: Arc::new(TopLevel::new(&top, TOP.trim_end_matches('.'), config.ttl)),
            loopback,
            root,
            top,
            operator: [ns1, ns2],
            hosting,
            customers: Arc::default(),
            anchor: String::new(),
            ttl: config.ttl,
        };
        dns.fill().await?;
        Ok(dns)
    }

    /// Makes the zones that are there from the beginning, from below: a parent has to know its children's keys.
    async fn fill(&mut self) -> io::Result<()> {
        let ttl = self.ttl;
        let at = |third, fourth| self.loopback.at(third, fourth);
        let top = zones::hosts("ns", TOP, &[at(1, 1), at(1, 2)]);
        let operator = self.operator_hosts();
        let hosting = zones::hosts("ns", HOSTING, &[at(3, 1), at(3, 2)]);

        let sets = zones::apex(OPERATOR, ttl, &operator);
        self.put_at_operator(OPERATOR, &sets).await?;
        let sets = zones::apex(HOSTING, ttl, &hosting);
        self.hosting.add_zone(HOSTING, &sets, Signing::Fresh).await?;

        let mut sets = zones::apex(TOP, ttl, &top);
        let ds = self.operator[0].ds(OPERATOR).await?;
        sets.extend(zones::delegation(OPERATOR, ttl, &operator, &ds));
        let ds = self.hosting.ds(HOSTING).await?;
        sets.extend(zones::delegation(HOSTING, ttl, &hosting, &ds));
        let [first, second] = &self.top;
        first.add_zone(TOP, &sets, Signing::Fresh).await?;
        second.add_zone(TOP, &sets, Signing::As(first)).await?;

        let ds = first.ds(TOP).await?;
        let sets = zones::root(at(0, 1), &top, &ds);
        self.root.add_zone(".", &sets, Signing::Fresh).await?;
        let ds = self.root.ds(".").await?;
        let lines: Vec<String> = ds.iter().map(|ds| format!(". IN DS {ds}\n")).collect();
        self.anchor = lines.concat();
        fs::write(self.anchor_file(), &self.anchor)
    }

    /// A zone on both of the operator's servers, with one key. One that was kept keeps its key, and gets these records.
    async fn put_at_operator(&self, zone: &str, sets: &[RecordSet]) -> io::Result<()> {
        let [first, second] = &self.operator;
        for (server, signing) in [(first, Signing::Fresh), (second, Signing::As(first))] {
            if server.has_zone(zone).await? {
                server.change(zone, sets).await?;
            } else {
                server.add_zone(zone, sets, signing).await?;
            }
        }
        Ok(())
    }

    fn operator_hosts(&self) -> Vec<Host> {
        let addresses = [self.loopback.at(2, 1), self.loopback.at(2, 2)];
        zones::hosts("ns", OPERATOR, &addresses)
    }

    /// Address of the root's server.
    pub fn root(&self) -> IpAddr {
        self.root.address().ip()
    }

    /// The port that all servers answer on.
    pub fn port(&self) -> u16 {
        self.loopback.port()
    }

    /// What is to be believed about the root's keys: DS records as a zone file has them.
    pub fn anchor(&self) -> &str {
        &self.anchor
    }

    /// A file of [`Self::anchor`]. It goes with this value.
    pub fn anchor_file(&self) -> PathBuf {
        self.root.dns.dir().join("anchor")
    }

    /// A registrar whose changes go to the top level, or, of a vendor that hosts zones, to customers' zones. Its account is empty.
    pub async fn registrar(&self, vendor: RegistrarVendor) -> io::Result<RegistrarSim> {
        let parent: Arc<dyn ParentZone> = match vendor {
            RegistrarVendor::Cloudflare => self.customers.clone(),
            _ => self.top_level.clone(),
        };
        RegistrarSim::start(vendor, Some(parent)).await
    }

    /// Puts a customer's domain into the world: a zone on the old servers, and the delegation to them. Nobody's account has it.
    pub async fn host(&self, customer: &CustomerDomain) -> io::Result<RegisteredDomain> {
        let zone = customer.zone();
        let signing = if customer.signed {
            Signing::Fresh
        } else {
            Signing::Unsigned
        };
        self.hosting.add_zone(&zone, &customer.records(), signing).await?;
        let keys = self.hosting.dnskeys(&zone).await?;
        let keys = keys.iter().filter_map(|key| DsData::of_key(&customer.name, key));
        let entry = RegisteredDomain {
            ns: Self::HOSTING.map(str::to_owned).into(),
            uses_default: false,
            ds: keys.collect(),
            glue: BTreeMap::new(),
            locked: false,
            other_records: Vec::new(),
        };
        self.top_level.changed(&entry.published(&customer.name)).await;
        let parent = PowerDnsParent::on(&self.hosting.dns, &customer.name, customer.ttl);
        self.customers.add(&customer.name, parent);
        Ok(entry)
    }

    /// The same with the domain, or the zone, in an account.
    pub async fn register(&self, registrar: &RegistrarSim, customer: &CustomerDomain) -> io::Result<()> {
        let entry = self.host(customer).await?;
        registrar.registry().put(&customer.name, entry);
        Ok(())
    }

    /// The registrars of a lab with their customers' domains, and its pool.
    pub(crate) async fn furnish(&self, config: &DnsConfig) -> io::Result<Registrars> {
        let mut registrars = Registrars::new();
        for (vendor, customer) in &config.registrars {
            if !registrars.contains_key(vendor) {
                registrars.insert(*vendor, self.registrar(*vendor).await?);
            }
            if let Some(registrar) = registrars.get(vendor) {
                self.register(registrar, customer).await?;
            }
        }
        if let Some(pool) = &config.pool {
            self.add_pool(pool).await?;
        }
        Ok(registrars)
    }

    /// What the top level is to say about a domain, as somebody enters it by hand. Hosts are without the dot at the end; no hosts
    /// take the delegation away.
    pub async fn delegate(&self, domain: &str, ns: &[&str], ds: &[String]) {
        let published = Published {
            domain: domain.to_owned(),
            ns: ns.iter().map(|host| (*host).to_owned()).collect(),
            ds: ds.to_vec(),
            glue: BTreeMap::new(),
        };
        self.top_level.changed(&published).await;
    }

    /// A signed zone on the operator's servers that names are given out of, delegated with its key.
    pub async fn add_pool(&self, pool: &str) -> io::Result<()> {
        let zone = format!("{pool}.");
        let names: Vec<String> = Self::OPERATOR.map(|host| format!("{host}.")).into();
        let sets = [
            zones::soa(&zone, OPERATOR, self.ttl),
            RecordSet::new(&zone, "NS", self.ttl, &names),
        ];
        self.put_at_operator(&zone, &sets).await?;
        let ds = self.operator[0].ds(&zone).await?;
        self.delegate(pool, &Self::OPERATOR, &ds).await;
        Ok(())
    }

    /// Lets caches forget a zone of the operator's servers within seconds, as a careful administrator would before a change.
    pub async fn shorten(&self, zone: &str, ttl: u32) -> io::Result<()> {
        for server in &self.operator {
            shorten(&server.dns.url, &server.dns.key, zone, ttl).await?;
        }
        Ok(())
    }

    /// The operator's servers by address and key of their APIs.
    pub(crate) fn operator_apis(&self) -> [(String, String); 2] {
        [&self.operator[0], &self.operator[1]].map(|server| (server.dns.url.clone(), server.dns.key.clone()))
    }

    /// A resolver that validates from the root down. It is of the world outside: nobody tells it of changes.
    pub async fn resolver(&self, memory: Memory) -> io::Result<Resolver> {
        Resolver::start(self, memory).await
    }

    /// Ends every server and waits until all have.
    pub async fn stop(self) {
        let [a, b] = self.top;
        let [ns1, ns2] = self.operator;
        for server in [self.root, a, b, ns1, ns2, self.hosting] {
            server.dns.stop().await;
        }
    }
}
