//! What the service manager and its journal say of a unit.

use crate::fault::Fault;
use crate::host::Host;

/// Folder of units that are put on the host.
pub(crate) const FOLDER: &str = "/etc/systemd/system";

/// Properties of a unit, as `systemctl show` writes them.
#[derive(Debug, Default)]
pub(crate) struct Properties(String);

impl Properties {
    /// Asks for `names`, with commas between them. A unit that is not there has them, too.
    pub(crate) async fn of(host: &Host, unit: &str, names: &str, remedy: &str) -> Result<Self, Fault> {
        let shown = host
            .must("systemctl", &["show", "-p", names, "--", unit], remedy)
            .await?;
        Ok(Self(shown.stdout))
    }

    /// A property's value; empty if there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut lines = self.0.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
    }
}

/// The unit is up, or on its way there.
pub(crate) fn is_up(active_state: &str) -> bool {
    matches!(active_state, "active" | "activating" | "reloading")
}

/// Runs `command` as a unit of its own, outside the agent's sandbox, to its end. Its status must be 0.
pub(crate) async fn outside(host: &Host, command: &[&str], remedy: &str) -> Result<(), Fault> {
    let mut args = vec!["--quiet", "--wait", "--pipe", "--collect", "--"];
    args.extend(command);
    host.must("systemd-run", &args, remedy).await.map(drop)
}

/// Last lines of a unit's journal, oldest first; none where the journal does not answer.
pub(crate) async fn log(host: &Host, unit: &str) -> Vec<String> {
    // What a unit wrote a moment ago may still be on its way; without this the last lines may be missing, no more.
    let _ = host.run("journalctl", &["--sync"]).await;
    let journal = host
        .run("journalctl", &["-u", unit, "-n", "20", "--no-pager", "-o", "cat"])
        .await;
    journal.map(|output| output.last_lines()).unwrap_or_default()
}
