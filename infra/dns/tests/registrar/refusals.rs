//! What registrars refuse, by cause.

use std::time::Duration;

use sovereign_dns::ErrorClass;
use sovereign_dns::registrar::{Cause, RegistrarKind, Target, credential_help};
use sovereign_lab::{RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, NEW, ns, words};

#[tokio::test]
async fn a_revoked_credential_is_told_with_what_it_needs() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        bench.sim.revoke();
        bench.writes();
        let target = Target::ns(ns(&NEW));
        for error in [
            bench.host.check_access(&bench.domain).await.unwrap_err(),
            bench.host.read(&bench.domain).await.unwrap_err(),
            bench.set(&before, &target).await.unwrap_err(),
        ] {
            assert_eq!(error.cause, Cause::Unauthorized, "{vendor:?}: {}", words(&error));
            assert_eq!(error.class(), ErrorClass::Stop);
            let help = credential_help(bench.host.kind());
            assert!(error.remedy.contains(help.least_privilege), "{}", error.remedy);
        }
        assert_eq!(bench.writes(), [] as [String; 0], "{vendor:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_not_let_in_is_named() {
    for vendor in RegistrarVendor::ALL {
        if matches!(vendor, RegistrarVendor::Gandi | RegistrarVendor::Godaddy) {
            // They have no list of addresses.
            continue;
        }
        let bench = Bench::start(vendor).await;
        bench
            .sim
            .registry()
            .allow_from(Some(vec!["192.0.2.9".parse().unwrap()]));
        let error = bench.host.check_access(&bench.domain).await.unwrap_err();
        let Cause::NotAllowedFrom(seen) = &error.cause else {
            panic!("{vendor:?}: {}", words(&error));
        };
        if matches!(
            vendor,
            RegistrarVendor::Cloudflare | RegistrarVendor::Namecheap | RegistrarVendor::Dynadot
        ) {
            assert_eq!(*seen, Some("127.0.0.1".parse().unwrap()), "{}", words(&error));
        }
        assert!(
            error
                .remedy
                .contains(credential_help(bench.host.kind()).allow_list),
            "{}",
            error.remedy
        );
        bench
            .sim
            .registry()
            .allow_from(Some(vec!["127.0.0.1".parse().unwrap()]));
        bench.host.check_access(&bench.domain).await.unwrap();
    }
}

#[tokio::test]
async fn a_domain_of_somebody_else_is_not_found() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let foreign = "platform.foreign.example".parse().unwrap();
        let error = bench.host.check_access(&foreign).await.unwrap_err();
        assert_eq!(error.cause, Cause::NotFound, "{vendor:?}: {}", words(&error));
        assert_eq!(error.class(), ErrorClass::NotFound);
        assert!(error.to_string().contains("platform.foreign.example"), "{error}");
    }
}

#[tokio::test]
async fn a_locked_domain_stays_as_it_is() {
    for vendor in RegistrarVendor::ALL {
        if vendor == RegistrarVendor::Cloudflare {
            // Records of a zone have no lock.
            continue;
        }
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        bench.sim.registry().set_locked(bench.domain.as_str(), true);
        let error = bench.set(&before, &Target::ns(ns(&NEW))).await.unwrap_err();
        assert_eq!(error.cause, Cause::Locked, "{vendor:?}: {}", words(&error));
        assert_eq!(error.class(), ErrorClass::Stop);
        assert!(bench.read().await.says_the_same_as(&before), "{vendor:?}");
    }
    for vendor in [RegistrarVendor::Godaddy, RegistrarVendor::Ovh] {
        let bench = Bench::start(vendor).await;
        bench.sim.registry().set_locked(bench.domain.as_str(), true);
        let error = bench.host.check_access(&bench.domain).await.unwrap_err();
        assert_eq!(error.cause, Cause::Locked, "{vendor:?}: {}", words(&error));
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        bench
            .sim
            .registry()
            .fault(RegistrarFault::at_call(1, RegistrarEffect::RateLimited(7)));
        let error = bench.host.read(&bench.domain).await.unwrap_err();
        assert!(
            matches!(error.cause, Cause::RateLimited(_)),
            "{vendor:?}: {}",
            words(&error)
        );
        assert_eq!(error.class(), ErrorClass::Retry);
        // Namecheap does not say.
        let wanted = (vendor != RegistrarVendor::Namecheap).then_some(Duration::from_secs(7));
        assert_eq!(error.after(), wanted, "{vendor:?}");
        bench.read().await;
    }
}

#[tokio::test]
async fn nonsense_and_failures_have_their_class() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        for (effect, class) in [
            (RegistrarEffect::Garbage, ErrorClass::Stop),
            (RegistrarEffect::Error(503), ErrorClass::Retry),
            (RegistrarEffect::DropRequest, ErrorClass::Retry),
        ] {
            bench
                .sim
                .registry()
                .fault(RegistrarFault::at_call(1, effect.clone()));
            let error = bench.host.read(&bench.domain).await.unwrap_err();
            assert_eq!(error.class(), class, "{vendor:?}, {effect:?}: {}", words(&error));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_a_delegation_is_never_sent() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        bench.sim.registry().take_seen();
        let many: Vec<String> = (0..14).map(|number| format!("ns{number}.new.example")).collect();
        for hosts in [&many[..1], &many[..]] {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            let error = bench.set(&before, &Target::ns(ns(&hosts))).await.unwrap_err();
            assert_eq!(error.cause, Cause::Rejected, "{vendor:?}");
            assert!(error.to_string().contains("2 to 13"), "{error}");
        }
        assert_eq!(bench.sim.registry().take_seen(), [], "{vendor:?}");
    }
}

#[tokio::test]
async fn nobody_there_may_come_back() {
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let before = bench.read().await;
        let Bench {
            sim, host, domain, ..
        } = bench;
        drop(sim);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let error = host
            .set(&domain, &before, &Target::ns(ns(&NEW)))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Retry, "{vendor:?}: {}", words(&error));
    }
}

#[tokio::test]
async fn cloudflare_does_not_delegate_a_name_that_has_other_records() {
    let bench = Bench::start(RegistrarVendor::Cloudflare).await;
    let mut entry = sovereign_lab::RegisteredDomain::fresh(RegistrarVendor::Cloudflare);
    entry.other_records.push("A".to_owned());
    bench.sim.registry().put(bench.domain.as_str(), entry);
    let before = bench.read().await;
    let error = bench.set(&before, &Target::ns(ns(&NEW))).await.unwrap_err();
    assert_eq!(error.cause, Cause::Rejected);
    assert!(error.to_string().contains("type A"), "{error}");
    assert_eq!(bench.host.kind(), RegistrarKind::Cloudflare);
}
