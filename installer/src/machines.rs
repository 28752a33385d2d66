//! A look at machines that are there, before they are trusted: which host key each offers.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use sovereign_bootstrap::planner::{MachineFacts, Offered};
use sovereign_core::spec::{NodeGroup, SovereignSpec};
use sovereign_engine::step::chain;
use sovereign_remote::ssh;

/// Machines looked at at a time.
const AT_ONCE: usize = 32;
/// How long one may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks every machine of a spec for its host key. Nobody logs in.
pub(crate) async fn look(spec: &SovereignSpec) -> MachineFacts {
    let groups = spec
        .regions
        .iter()
        .flat_map(|region| std::iter::once(&region.control_plane).chain(&region.workers));
    let looks = groups.flat_map(NodeGroup::machines).map(|machine| async {
        let pinned = machine.host_key.as_deref();
        let offered = match ssh::host_key(&machine.address, machine.port, pinned, PATIENCE).await {
            Ok(key) => Offered::HostKey {
                public: key.public,
                fingerprint: key.fingerprint,
            },
            Err(error) => Offered::Nothing(chain(&error)),
        };
        ((machine.address.clone(), machine.port), offered)
    });
    MachineFacts {
        machines: stream::iter(looks).buffer_unordered(AT_ONCE).collect().await,
    }
}
