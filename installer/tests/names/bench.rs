//! A lab with a DNS of its own, a customer's domain in it, and specs that ask for it.

use std::process::Command;
use std::time::{Duration, Instant};

use sovereign_lab::{
    CustomerDomain, DnsConfig, Lab, LabConfig, Memory, NameServer, PrivateDns, RegistrarSim, RegistrarVendor,
    Resolver, RunningLab, Watch,
};

use crate::harness::{Place, Run};

/// The customer's domain, and a name below it that is delegated on its own.
pub(crate) const DOMAIN: &str = "acme.example";
pub(crate) const CHILD: &str = "prod.acme.example";
/// A zone that names are given out of, and a name of it.
pub(crate) const POOL: &str = "sovereigns.example";
pub(crate) const POOLED: &str = "acme.sovereigns.example";
/// Longest time until a resolver has forgotten what was.
const PATIENCE: Duration = Duration::from_mins(1);
/// Number of a record type (RFC 1035 section 3.2.2).
const A: u16 = 1;

/// A lab, and who asks for the customer's names meanwhile.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) lab: RunningLab,
    resolvers: [Resolver; 2],
    /// What the operator's shell has for the registrar, whatever becomes of the account.
    secrets: Vec<(String, String)>,
}

impl Bench {
    /// A customer at a registrar.
    pub(crate) async fn start(vendor: RegistrarVendor, customer: CustomerDomain) -> Self {
        Self::start_with(DnsConfig {
            registrars: vec![(vendor, customer)],
            ..DnsConfig::default()
        })
        .await
    }

    /// An operator with a pool of names.
    pub(crate) async fn with_pool() -> Self {
        Self::start_with(DnsConfig {
            pool: Some(POOL.to_owned()),
            ..DnsConfig::default()
        })
        .await
    }

    async fn start_with(dns: DnsConfig) -> Self {
        let lab = Lab::start(LabConfig {
            create_seconds: 0.2,
            dns: Some(dns),
            ..LabConfig::default()
        });
        let lab = lab.await.expect("the lab starts");
        let dns = lab.dns().expect("it has a DNS");
        let (lasting, short) = tokio::join!(dns.resolver(Memory::Lasting), dns.resolver(Memory::Short));
        let secrets = lab.registrars().flat_map(RegistrarSim::variables).collect();
        Self {
            place: Place::new(),
            secrets,
            resolvers: [lasting.expect("it starts"), short.expect("it starts")],
            lab,
        }
    }

    pub(crate) fn dns(&self) -> &PrivateDns {
        self.lab.dns().expect("it has a DNS")
    }

    pub(crate) fn registrar(&self) -> &RegistrarSim {
        self.lab.registrars().next().expect("it has a registrar")
    }

    /// Writes a spec whose domain is written like this.
    pub(crate) fn spec(&self, domain: &str) {
        let [first, second] = &self.dns().operator;
        let text = format!(
            "apiVersion: sovereign/v1
name: acme
organization: {{name: Acme, email: platform@acme.example}}
domain: {domain}
dns:
  servers:
    - {{url: \"{}\", key: {{env: PDNS_API_KEY}}}}
    - {{url: \"{}\", key: {{env: PDNS_API_KEY_2}}}}
  nameservers: [ns1.operator.example, ns2.operator.example]
provider: {{kind: hetzner, token: {{env: HCLOUD_TOKEN}}}}
regions:
  - name: fsn
    locations: [fsn1]
    controlPlane: {{count: 1, serverTypes: [cx33]}}
    loadBalancer: {{types: [lb11]}}
access:
  sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example]
  adminCidrs: [203.0.113.0/24]
",
            first.dns.url, second.dns.url
        );
        self.place.file("acme.yaml", &text);
    }

    /// Changes the spec in a way that nothing which names need depends on: another plan comes of it.
    pub(crate) fn edit_spec(&self, edition: u8) {
        let path = self.place.path().join("acme.yaml");
        let text = std::fs::read_to_string(path).expect("it is written");
        let (before, rest) = text.split_once("adminCidrs: [").expect("it has some");
        let (_, after) = rest.split_once(']').expect("they end");
        let edited = format!("{before}adminCidrs: [203.0.113.{edition}/32]{after}");
        self.place.file("acme.yaml", &edited);
    }

    /// The spec of [`DOMAIN`] through its registrar's API.
    pub(crate) fn spec_of_registrar(&self) {
        let credential = self.registrar().vendor().credential();
        self.spec(&format!(
            "{{mode: registrar, name: {DOMAIN}, registrar: {credential}}}"
        ));
    }

    /// A run of the program in this lab.
    pub(crate) fn sovereign(&self, args: &[&str]) -> Run {
        let dns = self.dns();
        let endpoint = |registrar: &RegistrarSim| format!("{}={}", registrar.vendor(), registrar.url());
        let endpoints: Vec<String> = self.lab.registrars().map(endpoint).collect();
        let mut run = self
            .place
            .sovereign(args)
            .env("SOVEREIGN_UNTIL", "names")
            .env("HCLOUD_TOKEN", self.lab.token())
            .env("SOVEREIGN_HETZNER_ENDPOINT", self.lab.url())
            .env("PDNS_API_KEY", &dns.operator[0].dns.key)
            .env("PDNS_API_KEY_2", &dns.operator[1].dns.key)
            .env("SOVEREIGN_DNS_ROOT", dns.root().to_string())
            .env("SOVEREIGN_DNS_PORT", dns.port().to_string())
            .env("SOVEREIGN_DNS_ANCHOR", dns.anchor_file());
        if !endpoints.is_empty() {
            run = run.env("SOVEREIGN_REGISTRAR_ENDPOINT", endpoints.join(","));
        }
        for (name, value) in &self.secrets {
            run = run.env(name, value);
        }
        run
    }

    /// Somebody who asks for names that exist, from now on.
    pub(crate) fn watch(&self, names: &[&str]) -> Watch {
        let resolvers = [self.resolvers[0].address, self.resolvers[1].address];
        let names: Vec<(&str, u16)> = names.iter().map(|name| (*name, A)).collect();
        Watch::start(&resolvers, &names)
    }

    /// What `sovereign dns check` finds of a name that is to be on the operator's servers.
    pub(crate) fn check(&self, name: &str) -> serde_json::Value {
        let expected = PrivateDns::OPERATOR.join(",");
        let args = ["dns", "check", name, "--expect-ns", &expected, "--json"];
        self.sovereign(&args).success().json()
    }

    /// The name is delegated to the operator's servers, and proven from the root down: by the program and by BIND.
    pub(crate) fn assert_proven(&self, name: &str) {
        let report = self.check(name);
        assert_eq!(report["security"], "secure", "{report:#}");
        // A resolver may remember for a moment that there was no DS.
        let began = Instant::now();
        loop {
            let said = self.delv(name);
            if said.contains("; fully validated") {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{said}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What BIND's validator says of a name's start of authority.
    fn delv(&self, name: &str) -> String {
        let anchors: Vec<String> = self
            .dns()
            .anchor()
            .lines()
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                format!(
                    ". static-ds {} {} {} \"{}\";",
                    words[3], words[4], words[5], words[6]
                )
            })
            .collect();
        let text = format!("trust-anchors {{ {} }};", anchors.concat());
        let anchor = self.place.file("delv-anchor", &text);
        let resolver = self.resolvers[1].address;
        let output = Command::new("delv")
            .arg(format!("@{}", resolver.ip()))
            .args(["-p", &resolver.port().to_string(), "-a"])
            .arg(anchor)
            .args(["+root=.", name, "SOA"])
            .output()
            .expect("delv: install with `apt-get install -y bind9-dnsutils`");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Name servers and keys that the servers of the zone above show of a name, in `dig`'s words.
    pub(crate) fn shown(&self, name: &str) -> Vec<String> {
        let dns = self.dns();
        let servers: Vec<_> = match name {
            CHILD => vec![dns.hosting.address()],
            POOLED => dns.operator.iter().map(NameServer::address).collect(),
            _ => dns.top.iter().map(NameServer::address).collect(),
        };
        let mut shown = Vec::new();
        for server in servers {
            for kind in ["NS", "DS"] {
                let output = Command::new("dig")
                    .arg(format!("@{}", server.ip()))
                    .args(["-p", &server.port().to_string(), name, kind])
                    .args(["+norecurse", "+noall", "+answer", "+authority", "+tries=2"])
                    .output()
                    .expect("dig: install with `apt-get install -y bind9-dnsutils`");
                let text = String::from_utf8(output.stdout).unwrap();
                let own = text.lines().filter(|line| line.starts_with(&format!("{name}.")));
                shown.extend(own.filter(|line| !line.contains("SOA")).map(str::to_owned));
            }
        }
        shown.sort();
        shown
    }

    /// Lets caches forget our zone within seconds, as its administrator would before a removal.
    pub(crate) async fn shorten(&self, name: &str) {
        let shortened = self.dns().shorten(&format!("{name}."), 1).await;
        shortened.expect("the servers have the zone");
    }
}
