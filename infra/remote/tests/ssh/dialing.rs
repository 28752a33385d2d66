//! The dialer against a real server, and an agent made of a shell script.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use sovereign_core::agent::FromAgent;
use sovereign_remote::dialer::{AgentBinary, SshDialer};
use sovereign_remote::link_state::RefusedReason;
use sovereign_remote::testing::{MemoryBook, event, hello};
use sovereign_remote::{Hub, Link, LinkState, NodeBook as _, NodeId};

use crate::sshd::{PATIENCE, Sshd};

/// Notes what it is called with. A link says hello, tells an event, and stays until it is killed.
fn agent() -> AgentBinary {
    let line = |frame: &FromAgent| serde_json::to_string(frame).unwrap();
    let hello = line(&FromAgent::Hello(hello("cp-1", "host", "boot", 1)));
    let event = line(&FromAgent::Event(event(1)));
    let script = format!(
        "#!/bin/sh\ncd /usr/local/bin\necho \"$*\" >>calls\n[ \"$1\" = link ] || exec touch active\necho $$ >pid\n\
         printf '%s\\n' '{hello}' '{event}'\nexec cat >/dev/null\n"
    );
    AgentBinary::new(script.into_bytes())
}

/// A host whose `/usr/local/bin` is a directory of ours, with a `systemctl` that knows one unit.
struct Host {
    sshd: Sshd,
    bin: PathBuf,
}

impl Host {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap().keep();
        let (bin, inside) = (place.join("bin"), place.join("inside"));
        fs::create_dir(&bin).unwrap();
        let script = |path: PathBuf, text: String| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let unit = "#!/bin/sh\n[ -e /usr/local/bin/active ] && echo active\n";
        script(bin.join("systemctl"), unit.to_owned());
        let enter = format!(
            "#!/bin/sh\nexec unshare -m /bin/sh -c 'mount --bind {} /usr/local/bin && exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"'\n",
            bin.display()
        );
        script(inside.clone(), enter);
        let sshd = Sshd::start(&format!("ForceCommand {}", inside.display()));
        Self { sshd, bin }
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.bin.join("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    fn kill_link(&self) {
        let pid = fs::read_to_string(self.bin.join("pid")).unwrap();
        let killed = Command::new("kill").arg(pid.trim()).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.bin.parent().unwrap());
    }
}

async fn until(link: &Link, wanted: impl Fn(&LinkState) -> bool) {
    let mut state = link.state();
    tokio::select! {
        seen = state.wait_for(|state| wanted(state)) => drop(seen.unwrap()),
        () = tokio::time::sleep(PATIENCE) => panic!("it came no further than: {}", link.state().borrow().words()),
    }
}

#[tokio::test]
async fn the_agent_is_brought_once_and_the_link_comes_back_whatever_ends_it() {
    let (mut host, agent) = (Host::start(), agent());
    let book = Arc::new(MemoryBook::default());
    let hub = Arc::new(Hub::new(book.clone()));
    let node: NodeId = "acme/cp-1".parse().unwrap();
    let link = hub.link(&node);
    let mut events = link.events(0);
    let dialer = SshDialer::new(hub.clone(), node.clone(), host.sshd.target(), agent.clone());
    let calling = tokio::spawn(dialer.run());

    until(&link, |state| state.up().is_some()).await;
    assert_eq!(events.next().await.unwrap().seq, 1);
    assert_eq!(host.calls(), ["install --node cp-1 --ssh", "link"]);
    assert!(fs::read(host.bin.join("sovereign-agent")).unwrap() == agent.bytes());

    host.kill_link();
    until(&link, |state| state.up().is_none()).await;
    until(&link, |state| state.up().is_some()).await;
    assert_eq!(host.calls(), ["install --node cp-1 --ssh", "link", "link"]);

    host.sshd.change_host_key();
    host.kill_link();
    until(&link, |state| matches!(state, LinkState::Refused(_))).await;
    let told = link.refused().borrow().clone().unwrap();
    assert_eq!(told.reason, RefusedReason::HostKey);
    assert!(
        told.why.contains("is not the host that is trusted"),
        "{}",
        told.why
    );
    book.put_host_keys(&node, std::slice::from_ref(&host.sshd.host_key))
        .await
        .unwrap();
    until(&link, |state| state.up().is_some()).await;

    calling.abort();
    until(&link, |state| state.up().is_none()).await;
}
