//! What goes well, at every registrar.

use sovereign_dns::registrar::{Cause, Progress, Submitted, Target, TargetNs};
use sovereign_lab::{RegisteredDomain, RegistrarVendor};

use crate::bench::{Bench, NEW, OLD, ns, signer};

#[tokio::test]
async fn name_servers_change_once_and_only_once() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        bench.host.check_access(&bench.domain).await.unwrap();
        let before = bench.read().await;
        assert_eq!(before.ns, ns(&OLD), "{vendor:?}");
        assert!(!before.uses_provider_default, "{vendor:?}");
        assert_eq!(bench.writes(), [] as [String; 0], "looking changes nothing");

        let target = Target::ns(ns(&NEW));
        bench.reach(&before, &target).await;
        assert_eq!(bench.writes().len(), 1, "{vendor:?}");
        let hosts: Vec<String> = NEW.iter().map(ToString::to_string).collect();
        assert_eq!(bench.entry().ns, hosts, "{vendor:?}: in the order asked for");

        let again = bench.set(&before, &target).await.unwrap();
        assert_eq!(again, Submitted::Unchanged, "{vendor:?}");
        assert_eq!(bench.writes(), [] as [String; 0], "{vendor:?}");
    }
}

#[tokio::test]
async fn the_snapshot_is_the_way_back_to_the_providers_own_servers() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start_with(vendor, None, RegisteredDomain::fresh(vendor)).await;
        let snapshot = bench.read().await;
        assert!(snapshot.uses_provider_default, "{vendor:?}: {snapshot}");
        bench.reach(&snapshot, &Target::ns(ns(&NEW))).await;
        let flipped = bench.read().await;
        assert!(!flipped.uses_provider_default, "{vendor:?}");

        // It was kept in a journal meanwhile.
        let kept = serde_json::to_string(&snapshot).unwrap();
        let kept = serde_json::from_str(&kept).unwrap();
        let back = Target::restoring(&kept, bench.host.capabilities()).unwrap();
        let by_command = matches!(back.ns, TargetNs::ProviderDefault);
        assert_eq!(
            by_command,
            bench.host.capabilities().revert_to_default,
            "{vendor:?}"
        );
        bench.reach(&flipped, &back).await;
        let restored = bench.read().await;
        assert!(
            restored.says_the_same_as(&snapshot),
            "{vendor:?}: {restored} instead of {snapshot}"
        );
        assert_eq!(restored.fingerprint(), snapshot.fingerprint(), "{vendor:?}");
        assert_eq!(bench.entry().ns, RegisteredDomain::fresh(vendor).ns, "{vendor:?}");
    }
}

#[tokio::test]
async fn keys_come_and_go_where_the_registrar_takes_them() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let keys = [signer(&bench.domain, 1), signer(&bench.domain, 2)];
        let signed = Target::ns(ns(&OLD)).with_ds(keys.to_vec());
        if !bench.takes_ds() {
            assert_eq!(before.ds, None, "{vendor:?}");
            let error = bench.set(&before, &signed).await.unwrap_err();
            assert!(error.to_string().contains("DS records"), "{error}");
            continue;
        }
        assert_eq!(before.ds.as_deref(), Some(&[][..]), "{vendor:?}");
        bench.reach(&before, &signed).await;
        let mut held: Vec<String> = bench
            .entry()
            .ds
            .iter()
            .map(sovereign_lab::DsData::rdata)
            .collect();
        held.sort();
        let mut wanted: Vec<String> = keys.iter().map(|key| key.ds.to_string()).collect();
        wanted.sort();
        assert_eq!(held, wanted, "{vendor:?}");

        let now = bench.read().await;
        let flipped_unsigned = Target::ns(ns(&NEW)).with_ds(Vec::new());
        bench.reach(&now, &flipped_unsigned).await;
        assert_eq!(bench.entry().ds, [], "{vendor:?}");
    }
}

#[tokio::test]
async fn a_registrar_that_takes_keys_makes_the_digests_itself() {
    for vendor in [RegistrarVendor::Gandi, RegistrarVendor::Ovh] {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let key = signer(&bench.domain, 7);
        let mut digest_only = key.clone();
        digest_only.key = None;
        let target = Target::ns(ns(&OLD)).with_ds(vec![digest_only.clone()]);
        let error = bench.set(&before, &target).await.unwrap_err();
        assert!(error.remedy.contains("DNSKEY"), "{error}");
        assert_eq!(bench.writes(), [] as [String; 0]);

        let target = Target::ns(ns(&OLD)).with_ds(vec![key]);
        bench.reach(&before, &target).await;
        // The registrar knows the key now.
        let now = bench.read().await;
        let again = Target::ns(ns(&OLD)).with_ds(vec![digest_only]);
        assert_eq!(bench.set(&now, &again).await.unwrap(), Submitted::Unchanged);
    }
}

#[tokio::test]
async fn glue_comes_before_the_name_servers_that_need_it() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let inside = ["ns1.acme.example", "ns2.acme.example"];
        let mut target = Target::ns(ns(&inside));
        for (host, address) in inside.iter().zip(["192.0.2.1", "2001:db8::2"]) {
            let addresses = [address.parse().unwrap()].into();
            target.glue.insert(host.parse().unwrap(), addresses);
        }
        if !bench.host.capabilities().glue {
            let error = bench.set(&before, &target).await.unwrap_err();
            assert!(error.to_string().contains("addresses of name servers"), "{error}");
            continue;
        }
        bench.reach(&before, &target).await;
        assert_eq!(
            bench.entry().glue["ns1.acme.example"],
            ["192.0.2.1".parse().unwrap()].into()
        );

        let now = bench.read().await;
        let moved = ["192.0.2.9".parse().unwrap()].into();
        target.glue.insert("ns1.acme.example".parse().unwrap(), moved);
        bench.reach(&now, &target).await;
        assert_eq!(
            bench.entry().glue["ns1.acme.example"],
            ["192.0.2.9".parse().unwrap()].into()
        );
    }
}

#[tokio::test]
async fn dynadot_takes_out_all_keys_or_none() {
    let bench = Bench::start(RegistrarVendor::Dynadot).await;
    let before = bench.read().await;
    let keys = vec![signer(&bench.domain, 1), signer(&bench.domain, 2)];
    bench
        .reach(&before, &Target::ns(ns(&OLD)).with_ds(keys.clone()))
        .await;
    let now = bench.read().await;
    bench.writes();
    let one = Target::ns(ns(&OLD)).with_ds(keys[..1].to_vec());
    let error = bench.set(&now, &one).await.unwrap_err();
    assert!(error.to_string().contains("all DS records or none"), "{error}");
    assert_eq!(bench.writes(), [] as [String; 0]);
    assert_eq!(bench.entry().ds.len(), 2);
}

/// Its API takes keys out by their tags, which two keys may share (RFC 4034 appendix B).
#[tokio::test]
async fn porkbun_is_not_asked_to_take_out_a_key_whose_tag_another_has() {
    let bench = Bench::start(RegistrarVendor::Porkbun).await;
    let before = bench.read().await;
    let goes = signer(&bench.domain, 1);
    let mut comes = signer(&bench.domain, 2);
    comes.ds.key_tag = goes.ds.key_tag;
    let keys = |signer| Target::ns(ns(&OLD)).with_ds(vec![signer]);
    bench.reach(&before, &keys(goes)).await;
    let now = bench.read().await;
    bench.writes();
    let error = bench.set(&now, &keys(comes)).await.unwrap_err();
    assert_eq!(error.cause, Cause::Unsupported);
    assert!(error.to_string().contains("has the same"), "{error}");
    assert_eq!(bench.writes(), [] as [String; 0]);

    let none = Target::ns(ns(&OLD)).with_ds(Vec::new());
    bench.reach(&now, &none).await;
}

#[tokio::test]
async fn what_is_done_at_once_is_done_by_its_progress_too() {
    let bench = Bench::start(RegistrarVendor::Porkbun).await;
    let before = bench.read().await;
    let target = Target::ns(ns(&NEW));
    let submitted = bench.set(&before, &target).await.unwrap();
    assert!(matches!(submitted, Submitted::Applied(now) if now.ns == ns(&NEW)));
    let task = sovereign_dns::registrar::Task { id: None };
    assert_eq!(bench.follow(&task, &target).await, Progress::Done);
}
