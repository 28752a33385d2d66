//! A DNS of its own: root, top level and names below, on real servers at loopback addresses, all on one port.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};
use sovereign_dns::DomainName;
use sovereign_dns::probe::{DelegationReport, Expectation, ProbeConfig, Prober, TrustAnchor};
use sovereign_lab::PowerDns;

/// Addresses 127.`block`.x.y that no other world has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    number: u8,
    pub(crate) port: u16,
}

impl Block {
    pub(crate) fn take() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(20);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let any = IpAddr::from([127, number, 0, 1]);
        loop {
            let tcp = TcpListener::bind((any, 0)).unwrap();
            let port = tcp.local_addr().unwrap().port();
            if UdpSocket::bind((any, port)).is_ok() {
                return Self { number, port };
            }
        }
    }

    pub(crate) fn at(self, third: u8, fourth: u8) -> IpAddr {
        IpAddr::from([127, self.number, third, fourth])
    }
}

/// A record set: name, kind, time to live, contents.
pub(crate) struct Set<'a>(
    pub(crate) &'a str,
    pub(crate) &'a str,
    pub(crate) u32,
    pub(crate) Vec<String>,
);

/// A server whose zones are written through its API.
pub(crate) struct Server(pub(crate) PowerDns);

impl Server {
    pub(crate) async fn start(addresses: &[IpAddr], port: u16) -> Self {
        Self(PowerDns::start_on(addresses, Some(port), None).await.unwrap())
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/api/v1/servers/localhost/zones{path}", self.0.url);
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = reqwest::Client::new()
            .request(method, url)
            .header("X-API-Key", &self.0.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Makes a zone; answers its DS records by SHA-256.
    pub(crate) async fn zone(&self, name: &str, sets: &[Set<'_>], signed: bool) -> Vec<String> {
        let sets: Vec<Value> = sets.iter().map(rrset).collect();
        let body = json!({
            "name": name, "kind": "Native", "nameservers": [], "rrsets": sets, "dnssec": signed,
            "api_rectify": true,
        });
        self.call("POST", "", Some(body)).await;
        self.ds(name).await
    }

    pub(crate) async fn ds(&self, zone: &str) -> Vec<String> {
        let keys = self.call("GET", &format!("/{}/cryptokeys", id(zone)), None).await;
        let all = keys
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|key| key["ds"].as_array().cloned().unwrap_or_default());
        all.map(|ds| ds.as_str().unwrap().to_owned())
            .filter(|ds| ds.split(' ').nth(2) == Some("2"))
            .collect()
    }

    /// The first key of a zone, as the data of a DNSKEY record.
    pub(crate) async fn dnskey(&self, zone: &str) -> String {
        let keys = self.call("GET", &format!("/{}/cryptokeys", id(zone)), None).await;
        keys[0]["dnskey"].as_str().unwrap().to_owned()
    }

    /// Replaces a record set, or removes it if it is empty.
    pub(crate) async fn change(&self, zone: &str, set: Set<'_>) {
        let mut change = rrset(&set);
        change["changetype"] = if set.3.is_empty() {
            "DELETE".into()
        } else {
            "REPLACE".into()
        };
        let body = json!({ "rrsets": [change] });
        self.call("PATCH", &format!("/{}", id(zone)), Some(body)).await;
        self.forget().await;
    }

    /// Settings of a zone, such as `nsec3param`.
    pub(crate) async fn set(&self, zone: &str, settings: Value) {
        self.call("PUT", &format!("/{}", id(zone)), Some(settings)).await;
        self.call("PUT", &format!("/{}/rectify", id(zone)), None).await;
        self.forget().await;
    }

    /// Answers that it remembers.
    async fn forget(&self) {
        let url = format!("{}/api/v1/servers/localhost/cache/flush?domain=.", self.0.url);
        let request = reqwest::Client::new().put(url).header("X-API-Key", &self.0.key);
        request.send().await.unwrap().error_for_status().unwrap();
    }
}

fn id(zone: &str) -> String {
    if zone == "." {
        "=2E".to_owned()
    } else {
        zone.to_owned()
    }
}

fn rrset(Set(name, kind, ttl, contents): &Set<'_>) -> Value {
    let records: Vec<Value> = contents
        .iter()
        .map(|content| json!({ "content": content, "disabled": false }))
        .collect();
    json!({ "name": name, "type": kind, "ttl": ttl, "records": records })
}

pub(crate) fn soa(serial: u32) -> Vec<String> {
    vec![format!(
        "ns1.dns.test. hostmaster.test. {serial} 10800 3600 1209600 300"
    )]
}

pub(crate) fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// Root, `test` on two addresses, and `acme.test` on three, signed all the way.
pub(crate) struct World {
    pub(crate) block: Block,
    pub(crate) root: Server,
    pub(crate) tld: Server,
    pub(crate) child: Server,
    anchor: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(true).await
    }

    /// `signed`: the child is.
    pub(crate) async fn with(signed: bool) -> Self {
        let block = Block::take();
        let addresses = [1, 2, 3].map(|last| vec![block.at(2, last)]);
        Self::build(block, signed, addresses).await
    }

    /// Each name server has two addresses, as one with IPv4 and IPv6 has.
    pub(crate) async fn start_dual() -> Self {
        let block = Block::take();
        let addresses = [1, 2, 3].map(|last| vec![block.at(2, last), block.at(2, last + 10)]);
        Self::build(block, true, addresses).await
    }

    async fn build(block: Block, signed: bool, addresses: [Vec<IpAddr>; 3]) -> Self {
        let (of_root, of_tld) = ([block.at(0, 1)], [block.at(1, 1), block.at(1, 2)]);
        let of_child = addresses.concat();
        let (root, tld, child) = tokio::join!(
            Server::start(&of_root, block.port),
            Server::start(&of_tld, block.port),
            Server::start(&of_child, block.port)
        );
        let names = ["ns1.acme.test.", "ns2.acme.test.", "ns3.acme.test."];
        let mut sets = vec![
            Set("acme.test.", "SOA", 3600, soa(7)),
            Set("acme.test.", "NS", 3600, texts(&names)),
            Set("www.acme.test.", "A", 300, texts(&["192.0.2.7"])),
            Set("alias.acme.test.", "CNAME", 300, texts(&["www.acme.test."])),
        ];
        for (name, addresses) in names.iter().zip(&addresses) {
            sets.push(Set(name, "A", 600, texts(addresses)));
        }
        let ds = child.zone("acme.test.", &sets, signed).await;

        let mut sets = vec![
            Set("test.", "SOA", 3600, soa(1)),
            Set("test.", "NS", 3600, texts(&["a.nic.test.", "b.nic.test."])),
            Set("a.nic.test.", "A", 600, texts(&[block.at(1, 1)])),
            Set("b.nic.test.", "A", 600, texts(&[block.at(1, 2)])),
            Set("acme.test.", "NS", 7200, texts(&names)),
        ];
        for (name, addresses) in names.iter().zip(&addresses) {
            sets.push(Set(name, "A", 7200, texts(addresses)));
        }
        if signed {
            sets.push(Set("acme.test.", "DS", 1800, ds));
        }
        let ds = tld.zone("test.", &sets, true).await;

        let sets = [
            Set(".", "SOA", 3600, soa(1)),
            Set(".", "NS", 3600, texts(&["a.root."])),
            Set("a.root.", "A", 600, texts(&[block.at(0, 1)])),
            Set("test.", "NS", 3600, texts(&["a.nic.test.", "b.nic.test."])),
            Set("a.nic.test.", "A", 3600, texts(&[block.at(1, 1)])),
            Set("b.nic.test.", "A", 3600, texts(&[block.at(1, 2)])),
            Set("test.", "DS", 3600, ds),
        ];
        let ds = root.zone(".", &sets, true).await;
        Self {
            anchor: format!(". IN DS {}\n", ds[0]),
            block,
            root,
            tld,
            child,
        }
    }

    pub(crate) fn config(&self) -> ProbeConfig {
        ProbeConfig {
            port: self.block.port,
            ..ProbeConfig::private(
                vec![self.block.at(0, 1)],
                Some(TrustAnchor::parse(&self.anchor).unwrap()),
            )
        }
    }

    pub(crate) async fn probe(&self, name: &str) -> DelegationReport {
        self.expect(name, &[], &[]).await
    }

    pub(crate) async fn expect(&self, name: &str, new: &[&str], old: &[&str]) -> DelegationReport {
        let expectation = expectation(new, old);
        Prober::new(self.config()).probe(&named(name), &expectation).await
    }
}

pub(crate) fn expectation(new: &[&str], old: &[&str]) -> Expectation {
    Expectation {
        new: new.iter().map(|name| named(name)).collect(),
        old: old.iter().map(|name| named(name)).collect(),
    }
}

pub(crate) fn named(name: &str) -> DomainName {
    name.parse().unwrap()
}

/// Codes of all findings, the heaviest first.
pub(crate) fn codes(report: &DelegationReport) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}
