//! The installer's secrets are destroyed, and looked for again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_bootstrap::nodes::{SecretStore, SecretStoreError};
use sovereign_bootstrap::steps::LetGo;
use sovereign_core::event::RunOutcome;
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal as _};
use sovereign_engine::plan::{PlanBuilder, StepName};
use tokio_util::sync::CancellationToken;

use crate::bench::{PATIENCE, executor, services, worker};

/// Has what it is given; one that is stuck forgets nothing.
#[derive(Debug, Default)]
struct Store {
    kept: Mutex<BTreeMap<String, SecretString>>,
    is_stuck: bool,
}

#[async_trait]
impl SecretStore for Store {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretStoreError> {
        Ok(self.kept.lock().unwrap().get(name).cloned())
    }

    async fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretStoreError> {
        self.kept.lock().unwrap().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        if !self.is_stuck {
            self.kept.lock().unwrap().remove(name);
        }
        Ok(())
    }

    async fn resolve(&self, _: &SecretRef) -> Result<SecretString, SecretStoreError> {
        Err(SecretStoreError("no spec refers to one".into()))
    }
}

/// How letting go ends, and what the journal has of it.
async fn let_go(store: Store) -> (RunOutcome, String) {
    let login_key = "node-link/acme/login-key";
    store.put(login_key, &SecretString::from("canary")).await.unwrap();
    let journal = Arc::<MemoryJournal>::default();
    let (services, _) = services(Arc::new(store), None, &journal, &Arc::default(), PATIENCE);
    let sovereign: SovereignName = "acme".parse().unwrap();
    let mut plan = PlanBuilder::new(sovereign.clone(), "");
    let step = LetGo {
        sovereign: sovereign.clone(),
    };
    plan.step(StepName::new("let_go"), "secrets are destroyed", &step, &[])
        .unwrap();
    let plan = plan.finish(serde_json::Value::Null);
    let run = executor(&journal, &Arc::new(services))
        .run(worker(), &plan, Direction::Up, CancellationToken::new())
        .await
        .unwrap();
    let events = journal.events(&sovereign, 0, usize::MAX).await.unwrap();
    (run.outcome, format!("{events:?}"))
}

#[tokio::test]
async fn each_secret_is_looked_for_again_and_the_journal_says_so() {
    let (outcome, journal) = let_go(Store::default()).await;
    assert_eq!(outcome, RunOutcome::Completed, "{journal}");
    let seen = "destroyed: each of the 6 was looked for again, and none is kept";
    assert!(
        journal.contains("installer's secrets") && journal.contains(seen),
        "{journal}"
    );
}

#[tokio::test]
async fn one_that_is_still_kept_is_named() {
    let stuck = Store {
        is_stuck: true,
        ..Store::default()
    };
    let (outcome, journal) = let_go(stuck).await;
    assert_eq!(outcome, RunOutcome::Failed, "{journal}");
    assert!(
        journal.contains("still keeps node-link/acme/login-key") && !journal.contains("canary"),
        "{journal}"
    );
}
