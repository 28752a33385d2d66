//! A host in a folder: the kernel's files are plain files there, and commands are taken down and answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

use async_trait::async_trait;
use sovereign_core::host::{HostConfig, HostFile, HostFirewall, HostRole, HostUnit, Upgrades};
use tempfile::TempDir;

use super::*;
use crate::leave::undo_all;
use crate::root::Root;
use crate::runner::{Command, Output, Runner};

/// Answers like a healthy host, unless a command begins like one in `broken`.
#[derive(Debug, Default)]
struct Recorder {
    ran: RefCell<Vec<String>>,
    broken: RefCell<Vec<&'static str>>,
}

impl Recorder {
    fn count(&self, start: &str) -> usize {
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
        let is_broken = self.broken.borrow().iter().any(|start| line.starts_with(start));
        let stdout = match line.as_str() {
            "sshd -T" => "passwordauthentication no\n".to_owned(),
            _ if line.starts_with("systemctl show -p ActiveState") => {
                "ActiveState=active\nType=simple\nUnitFileState=enabled\nNeedDaemonReload=no\n".to_owned()
            }
            _ if line.starts_with("journalctl") => "panic: no config\n".to_owned(),
            _ => String::new(),
        };
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

struct Bench {
    dir: TempDir,
    runner: Rc<Recorder>,
    host: Host,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("proc/sys/kernel/hostname", "debian\n"),
            ("proc/sys/net/ipv4/ip_forward", "0"),
            ("proc/swaps", "Filename Type Size Used Priority\n"),
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
            ("usr/lib/systemd/system/systemd-timesyncd.service", ""),
            ("etc/motd", "welcome\n"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let runner = Rc::new(Recorder::default());
        let host = Host::open(Root::under(dir.path()), Rc::clone(&runner) as Rc<dyn Runner>).unwrap();
        Self { dir, runner, host }
    }

    /// A daemon that was killed and started again.
    fn restart(&mut self) {
        let runner = Rc::clone(&self.runner) as Rc<dyn Runner>;
        self.host = Host::open(Root::under(self.dir.path()), runner).unwrap();
    }

    async fn converge(&self, config: &HostConfig) -> BTreeMap<&'static str, Outcome> {
        let mut outcomes = BTreeMap::new();
        for part in &PARTS {
            outcomes.insert(part.name, part.converge(&self.host, config).await);
        }
        outcomes
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.dir.path().join(path)).unwrap_or_default()
    }

    /// Every file but the agent's own, with its content.
    fn tree(&self) -> BTreeMap<String, String> {
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
                if !name.starts_with("var/lib/sovereign-agent") {
                    files.insert(name, fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        files
    }
}

fn config() -> HostConfig {
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

fn nothing() -> HostConfig {
    HostConfig {
        modules: vec![],
        sysctl: BTreeMap::new(),
        firewall: None,
        time_servers: vec![],
        upgrades: None,
        fail2ban: false,
        files: BTreeMap::new(),
        units: BTreeMap::new(),
        ..config()
    }
}

#[tokio::test]
async fn the_second_time_nothing_changes() {
    let mut bench = Bench::new();
    for (name, outcome) in bench.converge(&config()).await {
        outcome.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    assert_eq!(bench.text("proc/sys/net/ipv4/ip_forward"), "1");
    assert!(bench.text("etc/fstab").contains("# off by sovereign: /dev/sda2"));
    assert!(bench.text("etc/hosts").contains("127.0.1.1 acme-cp-1"));
    assert!(bench.text("root/.ssh/authorized_keys").contains("AAAA0"));
    assert!(
        bench
            .text("etc/sovereign-agent/firewall.nft")
            .contains("10.0.0.0/16")
    );
    assert!(
        bench
            .text("etc/apt/apt.conf.d/52-sovereign-upgrades")
            .contains("Automatic-Reboot \"true\"")
    );
    assert_eq!(bench.runner.count("hostname acme-cp-1"), 1);
    assert_eq!(bench.runner.count("systemctl reload ssh.service"), 1);
    fs::write(bench.dir.path().join("proc/sys/kernel/hostname"), "acme-cp-1\n").unwrap();

    bench.restart();
    bench.runner.ran.borrow_mut().clear();
    for (name, outcome) in bench.converge(&config()).await {
        let done = outcome.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(!done.changed, "{name} changed again: {}", done.detail);
    }
    let changing = [
        "hostname",
        "nft -f",
        "systemctl daemon-reload",
        "systemctl re",
        "systemctl enable",
    ];
    assert!(
        changing.iter().all(|start| bench.runner.count(start) == 0),
        "{:?}",
        bench.runner.ran
    );
}

#[tokio::test]
async fn what_is_no_longer_wanted_goes_and_leaving_restores_all() {
    let mut bench = Bench::new();
    let before = bench.tree();
    bench.converge(&config()).await;
    assert_eq!(bench.text("etc/motd"), "ours\n");
    bench.restart();
    bench.converge(&nothing()).await;
    assert_eq!(bench.text("etc/motd"), "welcome\n");
    assert_eq!(bench.text("proc/sys/net/ipv4/ip_forward"), "0");
    assert_eq!(bench.runner.count("systemctl disable --now k3s.service"), 1);
    assert_eq!(bench.runner.count("nft delete table inet sovereign"), 1);
    assert!(!bench.tree().contains_key("etc/systemd/system/k3s.service"));

    bench.converge(&config()).await;
    bench.restart();
    undo_all(&bench.host, &|_| ()).await.unwrap();
    assert_eq!(bench.tree(), before);
    assert_eq!(bench.host.placed().files.len(), 0);
    undo_all(&bench.host, &|_| ()).await.unwrap();
}

#[tokio::test]
async fn sshd_that_complains_keeps_its_old_configuration() {
    let bench = Bench::new();
    bench.runner.broken.borrow_mut().push("sshd -t");
    let outcomes = bench.converge(&config()).await;
    let fault = outcomes["ssh"].as_ref().unwrap_err();
    assert!(fault.cause.contains("sshd -t"), "{fault}");
    assert!(
        !bench
            .tree()
            .contains_key("etc/ssh/sshd_config.d/00-sovereign.conf")
    );
    assert_eq!(bench.runner.count("systemctl reload"), 0);
}

#[tokio::test]
async fn the_last_key_stays_where_the_installer_comes_in_over_ssh() {
    let bench = Bench::new();
    crate::config::AgentConfig {
        node: "n".into(),
        transport: crate::config::Transport::Ssh,
    }
    .save(&bench.host.root)
    .unwrap();
    fs::write(bench.dir.path().join("root/.ssh/authorized_keys"), "").unwrap();
    let keyless = HostConfig {
        authorized_keys: vec![],
        ..config()
    };
    let outcomes = bench.converge(&keyless).await;
    assert!(
        outcomes["ssh"]
            .as_ref()
            .unwrap_err()
            .cause
            .contains("no key would be left")
    );
}

#[tokio::test]
async fn a_unit_that_does_not_start_tells_its_last_words() {
    let bench = Bench::new();
    bench.runner.broken.borrow_mut().push("systemctl restart k3s");
    let outcomes = bench.converge(&config()).await;
    let fault = outcomes["units"].as_ref().unwrap_err();
    assert_eq!(fault.log, ["panic: no config"]);
    assert!(outcomes["files"].is_ok());
}

#[tokio::test]
async fn copies_of_user_data_are_taken_away_and_others_stay() {
    let bench = Bench::new();
    let ours = bench.dir.path().join("var/lib/cloud/instances/i-1");
    let theirs = bench.dir.path().join("var/lib/cloud/instances/i-0");
    for folder in [&ours, &theirs] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("obj.pkl"), "pickle").unwrap();
        fs::write(folder.join("boot-finished"), "").unwrap();
    }
    fs::write(theirs.join("user-data.txt"), "#cloud-config\npackages: [vim]\n").unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(
        &mut packed,
        b"#cloud-config\nwrite_files: [{path: /etc/sovereign/host.json}]\n",
    )
    .unwrap();
    fs::write(ours.join("user-data.txt"), packed.finish().unwrap()).unwrap();
    assert_eq!(scrub(&bench.host).unwrap(), 2);
    assert_eq!(fs::read_dir(&ours).unwrap().count(), 1);
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 3);
    assert!(bench.tree().contains_key("etc/cloud/cloud-init.disabled"));
    assert_eq!(scrub(&bench.host).unwrap(), 0);
}
