//! The machines that run, by server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use super::HostError;
use super::qmp::Qmp;

/// A machine that runs, as others may use it.
#[derive(Debug)]
pub(crate) struct Machine {
    process: u32,
    qmp: Qmp,
}

impl Machine {
    pub(super) fn new(process: u32, qmp: Qmp) -> Self {
        Self { process, qmp }
    }

    /// The number of its process; another boot has another.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }

    /// Has QEMU execute a command and returns its answer.
    pub(crate) async fn execute(&self, command: &str, arguments: Value) -> Result<Value, HostError> {
        self.qmp.execute(command, arguments).await
    }

    pub(super) async fn shutdown_reason(&self) -> Option<String> {
        self.qmp.shutdown_reason().await
    }
}

/// The machines that run, by server. Those that have ended are not found.
#[derive(Debug, Default)]
pub(crate) struct Machines(Mutex<BTreeMap<u64, Weak<Machine>>>);

impl Machines {
    pub(super) fn insert(&self, server: u64, machine: &Arc<Machine>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, machine| machine.strong_count() > 0);
        all.insert(server, Arc::downgrade(machine));
    }

    /// A server's machine.
    pub(crate) fn get(&self, server: u64) -> Option<Arc<Machine>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&server)?.upgrade()
    }
}
