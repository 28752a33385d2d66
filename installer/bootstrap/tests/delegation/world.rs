//! The lab's own DNS with a customer's domain in it, and the registrar that the domain is at.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use sovereign_core::secret::SecretRef;
use sovereign_dns::probe::{ProbeConfig, TrustAnchor};
use sovereign_dns::registrar::{Endpoint, ParentHost, RegistrarCredential, connect};
use sovereign_dns::{DomainName, PowerDnsConfig, ZoneHost, connect_powerdns};
use sovereign_lab::{
    CustomerDomain, DsData, PowerDns, PrivateDns, PrivateDnsConfig, RecordSet, RegisteredDomain,
    RegistrarSim, RegistrarVendor,
};
use tokio::sync::Mutex;

pub(crate) const OLD: [&str; 2] = PrivateDns::HOSTING;
pub(crate) const OURS: [&str; 2] = PrivateDns::OPERATOR;

/// Where the customer's domain is before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// On the old servers, not signed.
    Plain,
    /// On the old servers, signed, with DS.
    Signed,
    /// On the old servers, with mail.
    Mail,
    /// On the old servers, which the registrar takes for its own.
    Default,
    /// Not delegated at all.
    Absent,
}

/// A domain in a DNS of its own.
pub(crate) struct World {
    pub(crate) vendor: RegistrarVendor,
    pub(crate) domain: DomainName,
    pub(crate) sim: RegistrarSim,
    pub(crate) dns: PrivateDns,
}

impl World {
    pub(crate) async fn start(vendor: RegistrarVendor, before: Before) -> Self {
        Self::remembered(vendor, before, PrivateDnsConfig::default().ttl).await
    }

    /// Caches keep what the top level says for so many seconds.
    pub(crate) async fn remembered(vendor: RegistrarVendor, before: Before, ttl: u32) -> Self {
        // One after the other: many servers that are waited for at once take each other's time.
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let config = PrivateDnsConfig {
            ttl,
            ..PrivateDnsConfig::default()
        };
        let dns = PrivateDns::start(config).await.unwrap();
        drop(turn);
        let sim = dns.registrar(vendor).await.unwrap();
        let customer = CustomerDomain::new("acme.example");
        let customer = match before {
            // A zone that stays is signed: it can vouch for a child.
            _ if vendor == RegistrarVendor::Cloudflare => customer.signed(),
            Before::Signed => customer.signed(),
            Before::Mail => customer.with_mail(),
            Before::Plain | Before::Default | Before::Absent => customer,
        };
        dns.register(&sim, &customer).await.unwrap();
        let world = Self {
            vendor,
            domain: "acme.example".parse().unwrap(),
            sim,
            dns,
        };
        if vendor == RegistrarVendor::Cloudflare {
            return world.child(before).await;
        }
        let mut entry = world.entry();
        entry.uses_default = before == Before::Default;
        world.sim.registry().put("acme.example", entry);
        world
    }

    /// A name inside the customer's zone instead of the domain itself.
    async fn child(self, before: Before) -> Self {
        let name = "platform.acme.example";
        let entry = if before == Before::Absent {
            RegisteredDomain::fresh(self.vendor)
        } else {
            RegisteredDomain::on(self.vendor, &OLD)
        };
        let hosts: Vec<String> = entry.ns.iter().map(|host| format!("{host}.")).collect();
        if !hosts.is_empty() {
            let set = RecordSet::new(&format!("{name}."), "NS", 1, &hosts);
            self.dns.hosting.change("acme.example.", &[set]).await.unwrap();
        }
        self.sim.registry().put(name, entry);
        Self {
            domain: name.parse().unwrap(),
            ..self
        }
    }

    /// Publishes a record as the registrar would.
    pub(crate) async fn publish(&self, entry: &RegisteredDomain) {
        let ns: Vec<&str> = entry.ns.iter().map(String::as_str).collect();
        let ds: Vec<String> = entry.ds.iter().map(DsData::rdata).collect();
        self.dns.delegate(self.domain.as_str(), &ns, &ds).await;
    }

    /// The domain's record at the registrar.
    pub(crate) fn entry(&self) -> RegisteredDomain {
        self.sim.registry().domain(self.domain.as_str()).unwrap()
    }

    pub(crate) fn probe(&self) -> ProbeConfig {
        ProbeConfig {
            port: self.dns.port(),
            ..ProbeConfig::private(
                vec![self.dns.root()],
                Some(TrustAnchor::parse(self.dns.anchor()).unwrap()),
            )
        }
    }

    /// The same where no root answers.
    pub(crate) fn probe_from_nowhere(&self) -> ProbeConfig {
        ProbeConfig {
            port: 1,
            ..self.probe()
        }
    }

    pub(crate) fn old_host(&self) -> Arc<dyn ZoneHost> {
        host(&self.dns.hosting.dns)
    }

    pub(crate) fn our_hosts(&self) -> Vec<Arc<dyn ZoneHost>> {
        self.dns.operator.iter().map(|server| host(&server.dns)).collect()
    }

    /// A client of the registrar, as a new process makes it.
    pub(crate) fn parent(&self) -> Arc<dyn ParentHost> {
        let endpoint = Endpoint::Other {
            url: self.sim.url(),
            paced: false,
        };
        connect(self.credential(), &endpoint).unwrap()
    }

    fn credential(&self) -> RegistrarCredential<SecretString> {
        let document = self.vendor.credential_document();
        let credential: RegistrarCredential = serde_json::from_value(document).unwrap();
        let variables: BTreeMap<String, String> = self.sim.variables().into_iter().collect();
        let resolved = credential.resolve::<_, std::convert::Infallible>(&mut |reference| match reference {
            SecretRef::Env(name) => Ok(variables[&name].as_str().into()),
            other => panic!("{other}"),
        });
        resolved.unwrap()
    }
}

fn host(server: &PowerDns) -> Arc<dyn ZoneHost> {
    let key = server.key.as_str().into();
    connect_powerdns(PowerDnsConfig::new(&server.url, key)).unwrap()
}
