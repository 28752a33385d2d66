use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use futures::FutureExt as _;
use sovereign_core::host::HostConfig;

use super::*;
use crate::leave::undo_all;
use crate::testing::{Bench, READS, config};

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
    assert!(
        !bench.dir.path().join("etc/sysctl.d").exists(),
        "a folder of ours is left"
    );
    assert_eq!(bench.host.placed().files.len(), 0);
    undo_all(&bench.host, &|_| ()).await.unwrap();
}

#[tokio::test]
async fn cut_off_anywhere_it_ends_the_same() {
    let whole = Bench::new();
    let before = whole.tree();
    whole.converge(&config()).await;
    let commands = whole.runner.ran.borrow().len();
    for cut in (0..commands).step_by(5) {
        let mut bench = Bench::new();
        bench.runner.dead_from.set(Some(cut));
        bench.converge(&config()).await;
        bench.runner.dead_from.set(None);
        bench.restart();
        for (name, outcome) in bench.converge(&config()).await {
            outcome.unwrap_or_else(|fault| panic!("{name} after a cut at {cut}: {fault}"));
        }
        assert_eq!(bench.tree(), whole.tree(), "after a cut at {cut}");
        undo_all(&bench.host, &|_| ()).await.unwrap();
        assert_eq!(bench.tree(), before, "left after a cut at {cut}");
    }
}

/// What is written and what is in force are the same, also where the agent was killed between the two.
#[tokio::test]
async fn killed_anywhere_what_is_written_is_in_force() {
    let whole = Bench::new();
    whole.converge(&config()).await;
    let commands = whole.runner.ran.borrow().len();
    for cut in 0..commands {
        let mut bench = Bench::new();
        bench.runner.killed_at.set(Some(cut));
        assert!(bench.converge(&config()).now_or_never().is_none());
        bench.runner.killed_at.set(None);
        bench.restart();
        for (name, outcome) in bench.converge(&config()).await {
            outcome.unwrap_or_else(|fault| panic!("{name}, killed at {cut}: {fault}"));
        }
        assert_eq!(bench.tree(), whole.tree(), "killed at {cut}");
        for (_, path) in READS {
            let in_force = bench.runner.in_force.borrow().get(path).cloned();
            assert_eq!(in_force, Some(bench.text(path)), "{path}, killed at {cut}");
        }
        assert_eq!(bench.host.placed().due, BTreeSet::new(), "killed at {cut}");
    }
}

#[tokio::test]
async fn killed_anywhere_while_it_leaves_nothing_of_ours_is_in_force() {
    for cut in 0.. {
        let mut bench = Bench::new();
        let before = bench.tree();
        bench.converge(&config()).await;
        let ran = bench.runner.ran.borrow().len();
        bench.runner.killed_at.set(Some(ran + cut));
        if undo_all(&bench.host, &|_| ()).now_or_never().is_some() {
            assert!(cut > READS.len(), "{cut}");
            break;
        }
        bench.runner.killed_at.set(None);
        bench.restart();
        undo_all(&bench.host, &|_| ()).await.unwrap();
        assert_eq!(bench.tree(), before, "killed at {cut}");
        assert_eq!(bench.runner.count("nft delete table"), 1, "killed at {cut}");
        let stopped = ["nft -f", "systemctl restart"];
        for (_, path) in READS
            .iter()
            .filter(|(act, _)| !stopped.iter().any(|word| act.starts_with(word)))
        {
            assert_eq!(
                bench.runner.in_force.borrow()[path],
                "",
                "{path}, killed at {cut}"
            );
        }
    }
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

/// Questions that `systemctl` says no to of units that are there and switched off, in one way or both.
fn switched_off() -> BTreeSet<String> {
    let both = ["fail2ban.service", "apt-daily-upgrade.timer"];
    let asked = both
        .iter()
        .flat_map(|unit| [format!("is-enabled {unit}"), format!("is-active {unit}")]);
    let enabled = [
        "is-active systemd-timesyncd.service",
        "is-enabled apt-daily.timer",
    ]
    .map(str::to_owned);
    asked
        .chain(enabled)
        .map(|question| format!("systemctl {question}"))
        .collect()
}

#[tokio::test]
async fn services_that_were_off_are_on_while_they_are_wanted_and_off_behind_us() {
    let mut bench = Bench::new();
    *bench.runner.no.borrow_mut() = switched_off();
    for (name, outcome) in bench.converge(&config()).await {
        outcome.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    assert_eq!(*bench.runner.no.borrow(), BTreeSet::new());
    bench.restart();
    bench.converge(&nothing()).await;
    let mut left = switched_off();
    left.remove("systemctl is-active systemd-timesyncd.service");
    assert_eq!(
        *bench.runner.no.borrow(),
        left,
        "the time is kept whatever is asked for"
    );
    bench.converge(&config()).await;
    undo_all(&bench.host, &|_| ()).await.unwrap();
    bench
        .runner
        .no
        .borrow_mut()
        .retain(|question| !question.ends_with("k3s.service"));
    assert_eq!(*bench.runner.no.borrow(), switched_off());
    for act in [
        "systemctl disable systemd-timesyncd",
        "systemctl stop apt-daily.timer",
    ] {
        assert_eq!(bench.runner.count(act), 0, "{act}");
    }
}

#[tokio::test]
async fn who_keeps_the_time_is_said() {
    let bench = Bench::new();
    let time = async |bench: &Bench| bench.converge(&nothing()).await["time"].clone().unwrap().detail;
    assert_eq!(time(&bench).await, "the system's own servers");
    fs::create_dir_all(bench.dir.path().join("run/systemd")).unwrap();
    fs::write(bench.dir.path().join("run/systemd/container"), "lxc").unwrap();
    assert_eq!(time(&bench).await, "left to the machine around this container");
    fs::write(bench.dir.path().join("usr/lib/systemd/system/chrony.service"), "").unwrap();
    assert_eq!(time(&bench).await, "kept by `chrony.service`");
    bench
        .runner
        .no
        .borrow_mut()
        .insert("systemctl is-active chrony.service".to_owned());
    fs::remove_file(
        bench
            .dir
            .path()
            .join("usr/lib/systemd/system/systemd-timesyncd.service"),
    )
    .unwrap();
    assert!(time(&bench).await.starts_with("warning: nobody keeps the time"));
}
