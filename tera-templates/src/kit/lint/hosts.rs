//! Names of hosts that are not the Sovereign's: what another site left behind, and what would be asked at run time.

use std::net::IpAddr;

use sovereign_core::finding::Severity;

use super::floating::each;
use super::{Found, View};

/// A text under a key that has one of these in its name says a host.
const KEYS: [&str; 6] = ["host", "domain", "fqdn", "dnsnames", "commonname", "url"];

pub(super) fn check(view: &View, found: &mut Found) {
    let mut look = |severity: Severity, component: &str, key: &str, text: &str| {
        for host in hosts(key, text)
            .into_iter()
            .filter(|host| is_foreign(host) && !view.kit.outside.contains_key(*host))
        {
            found.push(
                severity,
                "kit.host",
                component,
                format!("`{host}` is a host outside the Sovereign"),
                "use `${SOVEREIGN_FQDN}` or a name in the cluster; if it has to be, say why under `outside` in `kit.yaml`",
            );
        }
    };
    for component in &view.kit.components {
        for &size in component.sizes() {
            let name = component.name.as_str();
            each(&component.values(size), &mut |key, text| {
                look(Severity::Error, name, key, text);
            });
            for object in component.manifests(size) {
                each(&object, &mut |key, text| look(Severity::Error, name, key, text));
            }
        }
    }
    for part in &view.rendering.parts {
        for (object, severity) in part.weighed().filter(|(object, _)| says_hosts(object.kind())) {
            each(&object.0["spec"], &mut |key, text| {
                look(severity, &part.component, key, text);
            });
        }
    }
}

/// Kinds that make a name known to the world.
fn says_hosts(kind: &str) -> bool {
    kind.ends_with("Route") || matches!(kind, "Ingress" | "Gateway" | "Certificate" | "DNSEndpoint")
}

/// The hosts that a text says.
fn hosts<'a>(key: &str, text: &'a str) -> Vec<&'a str> {
    let key = key.to_ascii_lowercase();
    let mut hosts: Vec<&str> = text.split("://").skip(1).map(host_at_start).collect();
    if hosts.is_empty() && KEYS.iter().any(|one| key.contains(one)) {
        hosts.push(text.split([':', '/']).next().unwrap_or(text));
    }
    hosts
}

fn host_at_start(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || ".-_*${}".contains(c)));
    &text[..end.unwrap_or(text.len())]
}

fn is_foreign(host: &str) -> bool {
    // A variable may be anywhere but at the end: what it stands for is the Sovereign's own only there.
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_${}".contains(c))
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    let labels: Vec<_> = name.split('.').collect();
    let is_name = labels.len() > 1
        && labels.iter().all(|label| is_label(label))
        && labels
            .last()
            .is_some_and(|last| last.chars().all(|c| c.is_ascii_alphabetic()));
    let in_cluster = labels.contains(&"svc") || name == "cluster.local" || name.ends_with(".cluster.local");
    is_name && !in_cluster && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_is_what_leaves_the_sovereign() {
        for foreign in [
            "gitea.example.local",
            "*.openova.io",
            "${NAME}.openova.io",
            "acme-v02.api.letsencrypt.org",
        ] {
            assert!(is_foreign(foreign), "{foreign}");
        }
        for own in [
            "gitea.${FQDN}",
            "db.gitea.svc",
            "db.gitea.svc.cluster.local",
            "localhost",
            "127.0.0.1",
            "v1.2.3",
            "",
        ] {
            assert!(!is_foreign(own), "{own}");
        }
    }

    #[test]
    fn hosts_are_found_in_urls_anywhere_and_under_telling_keys() {
        assert_eq!(
            hosts("note", "see https://a.example/x and http://b.example:80"),
            ["a.example", "b.example"]
        );
        assert_eq!(hosts("hostName", "a.example"), ["a.example"]);
        assert_eq!(hosts("issuerUrl", "https://id.${FQDN}/realms"), ["id.${FQDN}"]);
        assert!(hosts("image", "quay.io/cilium").is_empty());
    }
}
