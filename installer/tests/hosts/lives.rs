//! Plugs are pulled: the installer's at writes of its journal, the agent's at every sub-step, the host's now and then.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::bench::{Bench, ends_well, kill, mortal_agent, parts};
use crate::cluster::{self, to_the_cluster};

/// Lives of the installer before the run must have ended.
const LIVES: usize = 40;
/// Writes of the journal in one life; each life begins by taking the run in hand.
const WRITES: usize = 4;

/// Parts at which the host loses its power.
const POWER: [&str; 2] = ["firewall", "k3s runs"];

/// Each life dies after a few writes of the journal, before or after one in turn; together they bring the hosts up.
#[test]
fn the_installer_dies_again_and_again_and_the_hosts_come_up_all_the_same() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-lives", 1, 1);
    let mut died = 0;
    for life in 0..LIVES {
        let side = if life % 2 == 0 { "before" } else { "after" };
        let ended = bench
            .sovereign(&["up", &spec, "--yes", "--json"])
            .env("SOVEREIGN_CRASH_AT", format!("journal-{side}:{WRITES}"))
            .ends();
        match ended.code {
            None => died += 1,
            Some(0) => break,
            Some(code) => panic!("life {life} ended with {code}: {}", ended.stderr),
        }
    }
    assert!(died > 5, "{died} lives died");
    bench
        .sovereign(&["up", "acme-lives", "--yes", "--json"])
        .success();
    assert_eq!(bench.held("servers"), 2);
    let status = bench.status("acme-lives");
    assert_eq!(status["state"], "up");
    assert!(parts(&status, "host/acme-lives-fsn-cp-1").contains(&"firewall".to_owned()));
    bench.destroy("acme-lives");
}

/// From its first order to a k3s that runs the agent dies at each point of its way, and the whole host now and then.
#[test]
fn the_agent_dies_at_every_point_of_its_way_and_the_host_now_and_then() {
    let bench = cluster::bench();
    let spec = bench.spec("acme-agent", 1, 0);
    let host = "acme-agent-fsn-cp-1";
    let run = bench
        .called(&["up", &spec, "--yes", "--json"])
        .env("SOVEREIGN_AGENT", mortal_agent());
    let up = to_the_cluster(&bench, run).spawn();
    let steps = ["host", "registry", "k3s"].map(|step| format!("{step}/{host}"));
    let (mut told, mut resets) = (false, Vec::<&str>::new());
    let state = bench.until("acme-agent", Duration::from_mins(15), |status| {
        told = told || bench.dies_everywhere(host);
        if !status["parts"].is_array() {
            return false;
        }
        let begun: BTreeSet<String> = steps.iter().flat_map(|step| parts(status, step)).collect();
        let due = POWER
            .iter()
            .find(|part| begun.contains(**part) && !resets.contains(*part));
        if let Some(part) = due {
            resets.push(part);
            bench.reset(host);
        }
        status["state"] == "up" || status["state"] == "failed"
    });
    assert_eq!(state["state"], "up", "{state:#}");
    assert_eq!(resets, POWER);
    ends_well(up);
    bench.died(
        host,
        &["firewall", "ssh", "registry archive", "k3s binary", "k3s runs"],
    );
    assert_eq!(cluster::nodes(&bench, host), [host]);
    bench.destroy("acme-agent");
}

/// Nobody goes on after the plug was pulled: `destroy` alone leaves nothing, the zone included.
#[test]
fn a_run_that_nobody_goes_on_with_is_destroyed() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-left", 1, 0);
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    bench.until("acme-left", Duration::from_mins(2), |status| {
        status["parts"].as_array().is_some_and(|parts| !parts.is_empty())
    });
    kill(up);
    bench.destroy("acme-left");
}
