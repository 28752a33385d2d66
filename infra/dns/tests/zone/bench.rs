//! A real server and what is put on it.

use std::sync::Arc;
use std::time::Duration;

use sovereign_dns::record::Caa;
use sovereign_dns::{
    DnsError, PowerDnsConfig, Published, SovereignNames, ZoneFinding, ZoneHost, ZoneMark, ZoneRequest,
    check_zone, connect_powerdns, sovereign_zone,
};
use sovereign_lab::PowerDns;

/// A server with the client under test.
pub(crate) struct Bench {
    pub(crate) server: PowerDns,
    pub(crate) hosts: Vec<Arc<dyn ZoneHost>>,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let server = PowerDns::start([127, 0, 0, 1].into(), None).await.unwrap();
        let hosts = vec![connect(&server.url, &server.key)];
        Self { server, hosts }
    }

    pub(crate) fn host(&self) -> &dyn ZoneHost {
        &*self.hosts[0]
    }

    pub(crate) async fn check(&self, request: &ZoneRequest, published: &Published) -> Vec<ZoneFinding> {
        check_zone(&self.hosts, request, published).await.unwrap()
    }
}

pub(crate) fn connect(url: &str, key: &str) -> Arc<dyn ZoneHost> {
    let config = PowerDnsConfig {
        timeout: Duration::from_secs(5),
        ..PowerDnsConfig::new(url, key.into())
    };
    connect_powerdns(config).unwrap()
}

pub(crate) fn names(sovereign: &str) -> SovereignNames {
    SovereignNames {
        mark: ZoneMark::of(&sovereign.parse().unwrap()),
        apex: format!("{sovereign}.example").parse().unwrap(),
        nameservers: ["ns1.dns.example", "ns2.dns.example"]
            .map(|name| name.parse().unwrap())
            .into(),
        contact: "first.last@acme.example".parse().unwrap(),
        ipv4: ["192.0.2.1", "192.0.2.2"]
            .map(|address| address.parse().unwrap())
            .into(),
        ipv6: ["2001:db8::1".parse().unwrap()].into(),
        caa: [Caa::issue("letsencrypt.org; validationmethods=dns-01").unwrap()].into(),
        rule: None,
    }
}

pub(crate) fn zone(sovereign: &str) -> ZoneRequest {
    sovereign_zone(&names(sovereign)).unwrap()
}

pub(crate) fn words(error: &DnsError) -> String {
    format!("{error}; {}; {error:?}", error.remedy)
}
