//! `sovereign lab env`: what points the installer and other clients at the lab.

use std::collections::BTreeMap;

use sovereign_lab::Ground;

use super::record::{NameServers, Record};

/// Port that hosts of a lab call an installer at.
const HOSTS_CALL: u16 = 8443;

/// Variables by name. The secrets among them open nothing but the lab.
pub(super) fn variables(record: &Record) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from(
        [
            ("HCLOUD_TOKEN", record.token.clone()),
            ("HCLOUD_TOKEN_SOVEREIGN", record.second_token.clone()),
            ("HCLOUD_ENDPOINT", record.url.clone()),
            ("SOVEREIGN_HETZNER_ENDPOINT", record.url.clone()),
        ]
        .map(named),
    );
    variables.extend(record.ground.iter().flat_map(of_hosts).map(named));
    if let Some(dns) = &record.dns {
        variables.extend(of_dns(dns));
    }
    variables
}

fn named((name, value): (&str, String)) -> (String, String) {
    (name.to_owned(), value)
}

/// An installer on this machine is called by the lab's hosts here.
fn of_hosts(ground: &Ground) -> [(&'static str, String); 3] {
    let gateway = ground.gateway;
    [
        ("SOVEREIGN_LAB_GATEWAY", gateway.to_string()),
        ("SOVEREIGN_ADVERTISE", format!("https://{gateway}:{HOSTS_CALL}")),
        ("SOVEREIGN_LISTEN", format!("{gateway}:{HOSTS_CALL}")),
    ]
}

/// Where names are looked for, the name servers that zones go to, and the registrars.
fn of_dns(dns: &NameServers) -> BTreeMap<String, String> {
    let [first, second] = &dns.servers;
    let mut variables = BTreeMap::from(
        [
            ("PDNS_API_URL", first.url.clone()),
            ("PDNS_API_KEY", first.key.clone()),
            ("PDNS_API_URL_2", second.url.clone()),
            ("PDNS_API_KEY_2", second.key.clone()),
            ("SOVEREIGN_LAB_DNS", first.answers_at.to_string()),
            ("SOVEREIGN_DNS_ROOT", dns.root.to_string()),
            ("SOVEREIGN_DNS_PORT", first.answers_at.port().to_string()),
            ("SOVEREIGN_DNS_ANCHOR", dns.anchor.display().to_string()),
        ]
        .map(named),
    );
    let endpoints = dns.registrars.iter();
    let endpoints: Vec<String> = endpoints.map(|it| format!("{}={}", it.vendor, it.url)).collect();
    if !endpoints.is_empty() {
        variables.insert("SOVEREIGN_REGISTRAR_ENDPOINT".to_owned(), endpoints.join(","));
    }
    for registrar in &dns.registrars {
        variables.extend(registrar.variables.clone());
    }
    variables
}
