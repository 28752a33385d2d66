//! A registrar with a domain, and the adapter under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sovereign_core::secret::SecretRef;
use sovereign_dns::DomainName;
use sovereign_dns::record::Dnskey;
use sovereign_dns::registrar::{
    Delegation, Endpoint, NsSet, ParentHost, Progress, RegistrarCredential, RegistrarError, Signer,
    Submitted, Target, Task, connect,
};
use sovereign_lab::{ParentZone, RegisteredDomain, RegistrarSim, RegistrarVendor};

pub(crate) const OLD: [&str; 2] = ["ns1.old.example", "ns2.old.example"];
pub(crate) const NEW: [&str; 3] = ["ns3.new.example", "ns1.new.example", "ns2.new.example"];
/// How often a task is looked at before it counts as lost.
const LOOKS: usize = 500;

pub(crate) struct Bench {
    pub(crate) vendor: RegistrarVendor,
    pub(crate) sim: RegistrarSim,
    pub(crate) host: Arc<dyn ParentHost>,
    pub(crate) domain: DomainName,
}

impl Bench {
    /// A domain on old name servers.
    pub(crate) async fn start(vendor: RegistrarVendor) -> Self {
        Self::start_with(vendor, None, RegisteredDomain::on(vendor, &OLD)).await
    }

    pub(crate) async fn start_with(
        vendor: RegistrarVendor,
        parent: Option<Arc<dyn ParentZone>>,
        entry: RegisteredDomain,
    ) -> Self {
        let sim = RegistrarSim::start(vendor, parent).await.unwrap();
        let name = if vendor == RegistrarVendor::Cloudflare {
            sim.registry()
                .put("acme.example", RegisteredDomain::on(vendor, &OLD));
            "platform.acme.example"
        } else {
            "acme.example"
        };
        sim.registry().put(name, entry);
        Self {
            vendor,
            host: client(&sim, vendor),
            sim,
            domain: name.parse().unwrap(),
        }
    }

    /// Another process with the same credential.
    pub(crate) fn restart(&mut self) {
        self.host = client(&self.sim, self.vendor);
    }

    pub(crate) async fn read(&self) -> Delegation {
        self.host.read(&self.domain).await.unwrap()
    }

    pub(crate) async fn set(
        &self,
        expected: &Delegation,
        target: &Target,
    ) -> Result<Submitted, RegistrarError> {
        self.host.set(&self.domain, expected, target).await
    }

    pub(crate) fn entry(&self) -> RegisteredDomain {
        self.sim.registry().domain(self.domain.as_str()).unwrap()
    }

    /// Sets, waits, and proves that the registrar holds it.
    pub(crate) async fn reach(&self, expected: &Delegation, target: &Target) {
        let submitted = self.set(expected, target).await.unwrap();
        if let Submitted::Pending(task) = submitted {
            let end = self.follow(&task, target).await;
            assert_eq!(end, Progress::Done, "{:?}", self.vendor);
        }
        self.assert_met(target).await;
    }

    pub(crate) async fn assert_met(&self, target: &Target) {
        let now = self.read().await;
        assert!(
            target.is_met_by(&now),
            "{:?}: {now} instead of {target}",
            self.vendor
        );
    }

    /// Progress until it is no longer running.
    pub(crate) async fn follow(&self, task: &Task, target: &Target) -> Progress {
        for _ in 0..LOOKS {
            let progress = self.host.progress(&self.domain, task, target).await.unwrap();
            if !matches!(progress, Progress::Running(_)) {
                return progress;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}: it never ends", self.vendor);
    }

    /// What changed something since the last look.
    pub(crate) fn writes(&self) -> Vec<String> {
        let seen = self.sim.registry().take_seen();
        let writes = seen.iter().filter(|request| request.writes);
        writes
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }

    pub(crate) fn takes_ds(&self) -> bool {
        self.host.capabilities().ds()
    }
}

fn client(sim: &RegistrarSim, vendor: RegistrarVendor) -> Arc<dyn ParentHost> {
    let endpoint = Endpoint::Other {
        url: sim.url(),
        paced: false,
    };
    connect(credential(sim, vendor), &endpoint).unwrap()
}

fn credential(sim: &RegistrarSim, vendor: RegistrarVendor) -> RegistrarCredential<SecretString> {
    let document = vendor.credential_document();
    let credential: RegistrarCredential = serde_json::from_value(document).unwrap();
    let variables: BTreeMap<String, String> = sim.variables().into_iter().collect();
    let resolved = credential.resolve::<_, std::convert::Infallible>(&mut |reference| match reference {
        SecretRef::Env(name) => Ok(variables[&name].as_str().into()),
        other => panic!("{other}"),
    });
    resolved.unwrap()
}

pub(crate) fn ns(hosts: &[&str]) -> NsSet {
    NsSet::read(hosts).unwrap()
}

/// A key of a domain; the number makes it another one.
pub(crate) fn signer(domain: &DomainName, number: u8) -> Signer {
    use base64::Engine as _;
    let public = base64::engine::general_purpose::STANDARD.encode([number; 64]);
    let key: Dnskey = format!("257 3 13 {public}").parse().unwrap();
    Signer {
        ds: key.ds(domain).unwrap(),
        key: Some(key),
    }
}

pub(crate) fn words(error: &RegistrarError) -> String {
    format!("{error}; {}; {error:?}", error.remedy)
}
