//! What goes wrong on hosts is named, with what to do, or mends itself.

use std::time::Duration;

use serde_json::Value;

use crate::bench::{Bench, ends_well, parts};

/// Switches a host fault on.
pub(crate) fn fault(bench: &Bench, effect: &[&str]) {
    let set = ["lab", "fault", "set", "trouble"];
    bench.sovereign(&[&set[..], effect].concat()).success();
}

/// The words of a step that failed: cause and hint.
pub(crate) fn failure(status: &Value, step: &str) -> String {
    let open = status["open"].as_array().expect("a list");
    let step = open.iter().find(|open| open["name"] == step);
    step.map(|step| format!("{} {}", step["detail"], step["hint"]))
        .unwrap_or_default()
}

#[test]
fn a_black_holed_metadata_route_is_healed() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "wrong-metadata-route"]);
    let spec = bench.spec("acme-route", 1, 0);
    bench.called(&["up", &spec, "--yes", "--json"]).success();
    let status = bench.status("acme-route");
    let step = "host/acme-route-fsn-cp-1";
    assert!(parts(&status, step).contains(&"check metadata".to_owned()));
    let healed = bench.on("acme-route-fsn-cp-1", "ip route get 169.254.169.254");
    assert!(healed.contains("172.31.1.1"), "{healed}");
    bench.destroy("acme-route");
}

/// What is told of a part of a step, the failures included.
pub(crate) fn part(status: &Value, step: &str, name: &str) -> String {
    let steps = status["parts"].as_array().expect("a list");
    let step = steps.iter().find(|parts| parts["step"] == step);
    let parts = step
        .and_then(|step| step["parts"].as_array())
        .into_iter()
        .flatten();
    parts
        .filter(|part| part["name"] == name)
        .map(Value::to_string)
        .collect()
}

/// A stage fails behind the one that writes files: the agent comes all the same, over both ways, and says which stage it was.
#[test]
fn a_late_stage_of_cloud_init_that_fails_is_named_and_does_not_keep_the_agent_away() {
    let bench = Bench::start(&[]);
    for (stage, unit, name) in [
        ("config", "cloud-config.service", "acme-config"),
        ("final", "cloud-final.service", "acme-final"),
    ] {
        fault(&bench, &["--effect", "cloud-init-fails", "--stage", stage]);
        let spec = bench.spec(name, 1, 0);
        let up = ["up", &spec, "--yes", "--json"];
        let up = if stage == "config" {
            bench.called(&up)
        } else {
            bench.sovereign(&up)
        };
        up.success();
        let told = part(
            &bench.status(name),
            &format!("host/{name}-fsn-cp-1"),
            "check cloud-init",
        );
        let cause = "this stage of cloud-init fails, as set in the lab";
        assert!(
            told.contains(unit) && told.contains(cause) && told.contains("cloud-init status"),
            "{told}"
        );
        bench.destroy(name);
    }
}

/// Nothing of the user data was read, so nobody on the host can tell: the silence itself is told, with where to look.
#[test]
fn an_early_stage_of_cloud_init_that_fails_is_told_as_silence_with_where_to_look() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "cloud-init-fails", "--stage", "network"]);
    let spec = bench.spec("acme-early", 1, 0);
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    let step = "enrol/acme-early-fsn-cp-1";
    let status = bench.until("acme-early", Duration::from_mins(4), |status| {
        status["parts"].is_array() && !part(status, step, "first word").is_empty()
    });
    let told = part(&status, step, "first word");
    assert!(
        told.contains("nothing was heard of it") && told.contains("console"),
        "{told}"
    );
    let console = bench
        .sovereign(&["lab", "host", "console", "acme-early-fsn-cp-1"])
        .success();
    assert!(console.stdout.contains("cloud-init"), "{}", console.stdout);
    // Mended while the installer still waits.
    bench.mend("acme-early-fsn-cp-1");
    bench.reset("acme-early-fsn-cp-1");
    ends_well(up);
    let told = part(&bench.status("acme-early"), step, "first word");
    assert!(told.contains("it answers"), "{told}");
    bench.destroy("acme-early");
}

/// Slow is not dead: nothing fails, and nothing is made twice.
#[test]
fn a_slow_boot_is_waited_for_and_a_reboot_in_the_middle_is_gone_on_with() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "slow-boot", "--seconds", "8"]);
    let spec = bench.spec("acme-slow", 1, 0);
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    bench.until("acme-slow", Duration::from_mins(10), |status| {
        status.to_string().contains("host/acme-slow-fsn-cp-1")
    });
    bench.reset("acme-slow-fsn-cp-1");
    ends_well(up);
    bench.destroy("acme-slow");
}

/// The private network is cut at the host: named, waited for, and gone on with.
#[test]
fn a_private_network_that_is_cut_is_named_and_gone_on_with() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "no-private-link"]);
    let spec = bench.spec("acme-nic", 1, 0);
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    let host = "acme-nic-fsn-cp-1";
    let check = |status: &Value| part(status, &format!("host/{host}"), "check private-link");
    let status = bench.until("acme-nic", Duration::from_mins(10), |status| {
        status["parts"].is_array() && !check(status).is_empty()
    });
    let told = check(&status);
    assert!(
        told.contains("no carrier") && told.contains("attach it again"),
        "{told}"
    );
    bench.mend(host);
    ends_well(up);
    bench.destroy("acme-nic");
}

/// A server that comes up without its private network is made anew, and named if that does not help.
#[test]
fn a_server_without_its_private_network_is_named() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "no-private-nic"]);
    let spec = bench.spec("acme-none", 1, 0);
    let ended = bench.called(&["up", &spec, "--yes", "--json"]).ends();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let words = failure(&bench.status("acme-none"), "server/acme-none-fsn-cp-1");
    assert!(
        words.contains("without its private network") && words.contains("support"),
        "{words}"
    );
    bench.sovereign(&["lab", "fault", "clear"]).success();
    bench.called(&["up", "acme-none", "--yes", "--json"]).success();
    bench.destroy("acme-none");
}

#[test]
fn a_host_that_never_boots_is_said_to_be_silent_with_where_to_look() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "dead-boot"]);
    let spec = bench.spec("acme-dead", 1, 0);
    let ended = bench
        .called(&["up", &spec, "--yes", "--json", "--host-patience", "10"])
        .ends();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let words = failure(&bench.status("acme-dead"), "enrol/acme-dead-fsn-cp-1");
    assert!(
        words.contains("nothing was heard of it") && words.contains("console"),
        "{words}"
    );
    // Mended, the same command goes on.
    bench.mend("acme-dead-fsn-cp-1");
    bench.reset("acme-dead-fsn-cp-1");
    bench.called(&["up", "acme-dead", "--yes", "--json"]).success();
    bench.destroy("acme-dead");
}

#[test]
fn a_full_disk_is_named_and_an_emptied_one_is_gone_on_with() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "disk-full", "--left", "300"]);
    let spec = bench.spec("acme-disk", 1, 0);
    let ended = bench.called(&["up", &spec, "--yes", "--json"]).ends();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let words = failure(&bench.status("acme-disk"), "host/acme-disk-fsn-cp-1");
    assert!(words.contains("disk") && words.contains("MiB"), "{words}");
    bench.destroy("acme-disk");
}

/// The link is cut in the middle of the work: the silence is told, and ends with the cut.
#[test]
fn a_network_cut_is_told_and_overcome() {
    let bench = Bench::start(&[]);
    // A private network that is away keeps the work from being over before the cut.
    fault(&bench, &["--effect", "no-private-link"]);
    let spec = bench.spec("acme-cut", 1, 0);
    let host = "acme-cut-fsn-cp-1";
    let step = format!("host/{host}");
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    bench.until("acme-cut", Duration::from_mins(4), |status| {
        status["parts"].is_array() && !part(status, &step, "check private-link").is_empty()
    });
    bench.sovereign(&["lab", "host", "cut", host, "public"]).success();
    bench.until("acme-cut", Duration::from_mins(4), |status| {
        status["open"].to_string().contains("silent since")
    });
    bench.mend(host);
    ends_well(up);
    bench.destroy("acme-cut");
}

/// What the spec says that hosts have to reach is waited for, and named until it answers.
#[test]
fn what_a_host_has_to_reach_is_named_until_it_answers() {
    let bench = Bench::start(&[]);
    let spec = bench.spec("acme-reach", 1, 0);
    let text = std::fs::read_to_string(&spec).expect("the spec");
    std::fs::write(&spec, text + "reach: [\"127.0.0.1:4711\"]\n").expect("it is written");
    let host = "acme-reach-fsn-cp-1";
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    let told = |status: &Value| part(status, &format!("host/{host}"), "check reach 127.0.0.1:4711");
    let status = bench.until("acme-reach", Duration::from_mins(4), |status| {
        status["parts"].is_array() && !told(status).is_empty()
    });
    let told = told(&status);
    assert!(
        told.contains("refused") && told.contains("no firewall stands between"),
        "{told}"
    );
    bench.on(
        host,
        "systemd-run --unit=answers python3 -m http.server --bind 127.0.0.1 4711",
    );
    ends_well(up);
    bench.destroy("acme-reach");
}
