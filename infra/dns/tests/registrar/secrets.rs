//! The credential is in no address, no error and no log.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use sovereign_dns::registrar::Target;
use sovereign_lab::{RegistrarEffect, RegistrarFault, RegistrarVendor};

use crate::bench::{Bench, NEW, ns, signer, words};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_leaves_its_place() {
    let log = Log::default();
    let writer = log.clone();
    let here = std::thread::current().id();
    // For the whole process: one for a thread is not asked if another test was the first to pass a line. Their words go nowhere.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || -> Box<dyn io::Write + Send> {
            if std::thread::current().id() == here {
                Box::new(writer.clone())
            } else {
                Box::new(io::sink())
            }
        })
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for vendor in RegistrarVendor::ALL {
        let bench = Bench::start(vendor).await;
        let mut said = vec![format!("{:?}", bench.host)];
        let before = bench.read().await;
        let mut target = Target::ns(ns(&NEW));
        if bench.takes_ds() {
            target = target.with_ds(vec![signer(&bench.domain, 1)]);
        }
        for effect in [
            RegistrarEffect::DropRequest,
            RegistrarEffect::DropResponse,
            RegistrarEffect::Error(500),
            RegistrarEffect::Garbage,
            RegistrarEffect::RateLimited(1),
        ] {
            for number in 1..=2 {
                bench
                    .sim
                    .registry()
                    .fault(RegistrarFault::at_call(number, effect.clone()));
                let result = bench.set(&before, &target).await;
                said.extend(result.err().map(|error| words(&error)));
                bench.sim.registry().clear_faults();
            }
        }
        let secrets = bench.sim.secrets();
        bench.sim.revoke();
        let error = bench.host.check_access(&bench.domain).await.unwrap_err();
        said.push(words(&error));
        let seen = bench.sim.registry().take_seen();
        said.extend(seen.iter().map(|request| request.target.clone()));
        let used = seen.iter().any(|request| {
            let everything = format!("{request:?}");
            secrets.iter().any(|secret| everything.contains(secret))
        });
        assert!(used, "{vendor:?}: this test would see a secret");
        said.push(String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned());
        for secret in &secrets {
            let leak = said.iter().find(|text| text.contains(secret));
            assert!(leak.is_none(), "{vendor:?}: {secret} in {leak:?}");
        }
    }
    assert!(!log.0.lock().unwrap().is_empty());
}
