//! A host in a folder: the kernel's files are plain files there, and commands are taken down and answered.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use async_trait::async_trait;
use sovereign_core::host::{HostConfig, HostFile, HostFirewall, HostRole, HostUnit, Upgrades};
use sovereign_core::k3s::{Artifact, JoinToken, K3sNode, K3sRole};
use sovereign_core::registry::NODE_REGISTRY;
use tempfile::TempDir;

use crate::converge::PARTS;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::Outcome;
use crate::root::Root;
use crate::runner::{Command, Output, Runner};

/// What the kernel tells of swap where none is in use.
const NO_SWAP: &str = "Filename Type Size Used Priority\n";

/// Commands, and the file that each makes its program read.
pub(crate) const READS: [(&str, &str); 6] = [
    (
        "systemctl reload ssh.service",
        "etc/ssh/sshd_config.d/00-sovereign.conf",
    ),
    ("nft -f", "etc/sovereign-agent/firewall.nft"),
    (
        "systemctl try-restart systemd-timesyncd.service",
        "etc/systemd/timesyncd.conf.d/10-sovereign.conf",
    ),
    (
        "systemctl try-restart apt-daily-upgrade.timer",
        "etc/systemd/system/apt-daily-upgrade.timer.d/10-sovereign.conf",
    ),
    (
        "systemctl try-restart fail2ban.service",
        "etc/fail2ban/jail.d/10-sovereign.local",
    ),
    ("systemctl restart k3s.service", "etc/systemd/system/k3s.service"),
];

/// Answers like a healthy host, unless a command begins like one in `broken`.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    folder: PathBuf,
    pub(crate) ran: RefCell<Vec<String>>,
    /// From this command on none succeeds, as if the plug were pulled there.
    pub(crate) dead_from: Cell<Option<usize>>,
    /// This command never comes: whoever asks for it is killed before.
    pub(crate) killed_at: Cell<Option<usize>>,
    /// What programs have read of files, by path.
    pub(crate) in_force: RefCell<BTreeMap<&'static str, String>>,
    pub(crate) broken: RefCell<Vec<&'static str>>,
    /// Questions to `systemctl` that it says no to.
    pub(crate) no: RefCell<BTreeSet<String>>,
}

impl Recorder {
    /// Switches a unit on or off, as far as `systemctl` is asked for it.
    fn switch(&self, line: &str) {
        let mut no = self.no.borrow_mut();
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["systemctl", "enable", "--now", unit] => {
                no.retain(|question| !question.ends_with(&format!(" {unit}")));
            }
            ["systemctl", "disable", unit] => drop(no.insert(format!("systemctl is-enabled {unit}"))),
            ["systemctl", "stop", unit] => drop(no.insert(format!("systemctl is-active {unit}"))),
            _ => {}
        }
    }

    pub(crate) fn count(&self, start: &str) -> usize {
        self.ran
            .borrow()
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }
}

#[async_trait(?Send)]
impl Runner for Recorder {
    async fn run(&self, command: &Command) -> Result<Output, Fault> {
        let line = command.to_string();
        if self
            .dead_from
            .get()
            .is_some_and(|from| self.ran.borrow().len() >= from)
        {
            return Err(Fault::new("the plug is pulled", ""));
        }
        if self.killed_at.get() == Some(self.ran.borrow().len()) {
            return std::future::pending().await;
        }
        self.switch(&line);
        let is_broken = self.broken.borrow().iter().any(|start| line.starts_with(start))
            || self.no.borrow().contains(&line);
        let stdout = match line.as_str() {
            "sshd -T" => "passwordauthentication no\n".to_owned(),
            _ if line.ends_with(" --version") => {
                "k3s version v1.35.7+k3s1 (0123abcd)\ngo version go1.25\n".to_owned()
            }
            _ if line.starts_with("systemctl show -p ActiveState,NRestarts") => {
                "ActiveState=active\nNRestarts=0\n".to_owned()
            }
            _ if line.starts_with("systemctl show -p ActiveState") => {
                "ActiveState=active\nType=simple\nUnitFileState=enabled\nNeedDaemonReload=no\n".to_owned()
            }
            _ if line.starts_with("systemctl is-enabled") && self.count("systemctl enable") > 0 => {
                "enabled\n".to_owned()
            }
            _ if line.starts_with("journalctl") => "panic: no config\n".to_owned(),
            _ => String::new(),
        };
        if let Some(name) = line.strip_prefix("hostname ") {
            fs::write(self.folder.join("proc/sys/kernel/hostname"), name).unwrap();
        }
        if line.ends_with(" swapoff -a") {
            fs::write(self.folder.join("proc/swaps"), NO_SWAP).unwrap();
        }
        for (start, path) in READS {
            if line.starts_with(start) {
                let text = fs::read_to_string(self.folder.join(path)).unwrap_or_default();
                self.in_force.borrow_mut().insert(path, text);
            }
        }
        self.ran.borrow_mut().push(line);
        Ok(Output {
            status: Some(i32::from(is_broken)),
            stdout,
            stderr: if is_broken {
                "it is broken".to_owned()
            } else {
                String::new()
            },
        })
    }
}

pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) runner: Rc<Recorder>,
    pub(crate) host: Host,
}

impl Bench {
    pub(crate) fn new() -> Self {
        // In memory, where there is room for it: every write waits for the disk otherwise.
        let dir = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        for (path, text) in [
            ("proc/sys/kernel/hostname", "debian"),
            ("proc/sys/net/ipv4/ip_forward", "0"),
            ("proc/swaps", NO_SWAP),
            ("etc/hostname", "debian\n"),
            ("etc/hosts", "127.0.0.1 localhost\n"),
            (
                "etc/fstab",
                "/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n",
            ),
            ("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"),
            ("etc/apt/apt.conf.d/20auto-upgrades", ""),
            ("root/.ssh/authorized_keys", "ssh-ed25519 AAAA0 owner\n"),
            ("sys/module/overlay/x", ""),
            ("usr/sbin/sshd", ""),
            ("usr/sbin/nft", ""),
            ("usr/bin/unattended-upgrade", ""),
            ("usr/bin/fail2ban-server", ""),
            ("usr/lib/systemd/system/ssh.service", ""),
            ("usr/lib/systemd/system/fail2ban.service", ""),
            ("usr/lib/systemd/system/systemd-timesyncd.service", ""),
            ("usr/lib/systemd/system/apt-daily.timer", ""),
            ("usr/lib/systemd/system/apt-daily-upgrade.timer", ""),
            ("etc/motd", "welcome\n"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let runner = Rc::new(Recorder {
            folder: dir.path().to_owned(),
            ..Recorder::default()
        });
        let host = Host::open(Root::under(dir.path()), Rc::clone(&runner) as Rc<dyn Runner>).unwrap();
        Self { dir, runner, host }
    }

    /// A daemon that was killed and started again.
    pub(crate) fn restart(&mut self) {
        let runner = Rc::clone(&self.runner) as Rc<dyn Runner>;
        self.host = Host::open(Root::under(self.dir.path()), runner).unwrap();
    }

    pub(crate) async fn converge(&self, config: &HostConfig) -> BTreeMap<&'static str, Outcome> {
        let mut outcomes = BTreeMap::new();
        for part in &PARTS {
            outcomes.insert(part.name, part.converge(&self.host, config).await);
        }
        outcomes
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap_or_default()
    }

    /// Every file but the agent's own, with its content.
    pub(crate) fn tree(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let name = entry
                    .path()
                    .strip_prefix(self.dir.path())
                    .unwrap()
                    .display()
                    .to_string();
                if !name.starts_with("var/lib/sovereign-") {
                    files.insert(name, fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        files
    }
}

/// A configuration that asks for something of every part.
pub(crate) fn config() -> HostConfig {
    HostConfig {
        hostname: "acme-cp-1".into(),
        role: HostRole::FirstControlPlane,
        modules: vec!["overlay".into()],
        sysctl: BTreeMap::from([("net.ipv4.ip_forward".into(), "1".into())]),
        authorized_keys: vec!["ssh-ed25519 AAAA1 installer".into()],
        firewall: Some(HostFirewall {
            trusted: vec!["10.0.0.0/16".parse().unwrap()],
            admin: vec![],
            open_tcp: vec![443],
        }),
        time_servers: vec!["ntp.example.org".into()],
        upgrades: Some(Upgrades {
            hour: 3,
            minute: 7,
            reboot: true,
        }),
        fail2ban: true,
        files: BTreeMap::from([(
            "/etc/motd".into(),
            HostFile {
                mode: 0o600,
                content: "ours\n".into(),
            },
        )]),
        units: BTreeMap::from([(
            "k3s.service".into(),
            HostUnit {
                content: "[Service]\n".into(),
                enabled: true,
            },
        )]),
    }
}

/// The server that makes a cluster.
pub(crate) fn k3s_node(token: &str) -> K3sNode {
    K3sNode {
        binary: Artifact {
            sha256: "cd".repeat(32),
            size: 1,
        },
        version: "v1.35.7+k3s1".into(),
        role: K3sRole::Init,
        node_name: "acme-cp-1".into(),
        node_ip: None,
        external_ip: None,
        tls_sans: Vec::new(),
        pods: "10.42.0.0/16".parse().unwrap(),
        services: "10.43.0.0/16".parse().unwrap(),
        labels: BTreeMap::new(),
        registry: NODE_REGISTRY,
        token: JoinToken::new(token),
    }
}
