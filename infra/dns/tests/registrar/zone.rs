//! A flip as the world sees it: the registrar's change in the parent zone, asked for over DNS.

use std::net::SocketAddr;
use std::sync::Arc;

use sovereign_dns::registrar::Target;
use sovereign_lab::{PowerDns, PowerDnsParent, RegisteredDomain, RegistrarVendor};

use crate::bench::{Bench, NEW, ns, signer};

/// What a server of the parent says, in `dig`'s words.
fn ask(server: SocketAddr, name: &str, kind: &str) -> String {
    let output = std::process::Command::new("dig")
        .arg(format!("@{}", server.ip()))
        .args(["-p", &server.port().to_string(), name, kind])
        .args([
            "+norecurse",
            "+dnssec",
            "+tries=2",
            "+time=3",
            "+noall",
            "+answer",
            "+authority",
            "+additional",
        ])
        .output()
        .expect("dig: install with `apt-get install -y bind9-dnsutils`");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_flip_is_seen_in_real_dns_and_so_is_the_way_back() {
    let server = PowerDns::start([127, 0, 0, 1].into(), None).await.unwrap();
    let parent = Arc::new(PowerDnsParent::create(&server, "example").await.unwrap());
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start_with(vendor, Some(parent.clone()), RegisteredDomain::fresh(vendor)).await;
        let name = bench.domain.to_string();
        let snapshot = bench.read().await;
        let key = signer(&bench.domain, 9);
        let mut target = Target::ns(ns(&NEW));
        if bench.takes_ds() {
            target = target.with_ds(vec![key.clone()]);
        }
        bench.reach(&snapshot, &target).await;
        let referral = ask(server.dns_addr, &name, "A");
        for host in NEW {
            assert!(
                referral.contains(&format!("NS\t{host}.")),
                "{vendor:?}: {referral}"
            );
        }
        if bench.takes_ds() {
            let ds = ask(server.dns_addr, &name, "DS");
            let digest = key.ds.digest.to_uppercase();
            // dig writes long digests in groups.
            let plain = ds.replace(' ', "");
            assert!(
                plain.contains(&digest) && ds.contains("RRSIG"),
                "{vendor:?}: {ds}"
            );
        }

        let flipped = bench.read().await;
        let back = Target::restoring(&snapshot, bench.host.capabilities()).unwrap();
        bench.reach(&flipped, &back).await;
        let after = ask(server.dns_addr, &name, "A");
        assert!(
            NEW.iter().all(|host| !after.contains(host)),
            "{vendor:?}: {after}"
        );
        for host in vendor.default_ns() {
            assert!(after.contains(&format!("NS\t{host}.")), "{vendor:?}: {after}");
        }
        assert!(
            !ask(server.dns_addr, &name, "DS").contains("IN\tDS\t"),
            "{vendor:?}"
        );
    }
}
