//! Tickets and secrets that are past their life: named with what to do, and gone on with once there are new ones.

use std::time::Duration;

use crate::bench::{Bench, ends_well, kill};
use crate::clock::off;
use crate::cluster::{bench, nodes, to_the_cluster};
use crate::faults::{failure, fault, part};

/// Longest wait for a word.
const PATIENCE: Duration = Duration::from_mins(10);

/// The host boots when its ticket is a day old by the installer's clock.
#[test]
fn a_ticket_that_is_too_old_is_named_and_a_server_made_anew_has_another() {
    let bench = Bench::start(&[]);
    fault(&bench, &["--effect", "slow-boot", "--seconds", "10"]);
    let spec = bench.spec("acme-ticket", 1, 0);
    let host = "acme-ticket-fsn-cp-1";
    let up = bench.called(&["up", &spec, "--yes", "--json"]).spawn();
    bench.until("acme-ticket", PATIENCE, |status| {
        status["open"].to_string().contains(&format!("enrol/{host}"))
    });
    kill(up);
    let up = ["up", "acme-ticket", "--yes", "--json"];
    let ended = off(bench.called(&up), "+1d").ends();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let words = failure(&bench.status("acme-ticket"), &format!("enrol/{host}"));
    assert!(
        words.contains("its ticket is too old") && words.contains("made anew with another ticket"),
        "{words}"
    );
    bench.mend(host);
    bench.cloud("delete", host);
    bench.called(&up).success();
    bench.destroy("acme-ticket");
}

/// Somebody changes the secret by which nodes join, while one is still on its way.
#[test]
fn a_join_token_that_is_not_taken_any_more_is_named_and_gone_on_with_once_it_is() {
    let bench = bench();
    let spec = bench.spec("acme-join", 1, 1);
    let (server, worker) = ("acme-join-fsn-cp-1", "acme-join-fsn-general-1");
    fault(&bench, &["--effect", "dead-boot", "--resource", "general"]);
    let up = to_the_cluster(&bench, bench.called(&["up", &spec, "--yes", "--json"])).spawn();
    bench.until("acme-join", PATIENCE, |status| {
        status["parts"].is_array() && part(status, &format!("k3s/{server}"), "k3s runs").contains("\"done\"")
    });
    let rotate = |old: &str, new: &str| {
        bench.on(
            server,
            &format!(
                "k3s token rotate --token {old} --new-token {new} && echo {new} >/etc/rancher/k3s/token && systemctl restart k3s && echo rotated"
            ),
        )
    };
    let token = bench.on(server, "cat /etc/rancher/k3s/token");
    let another = "5".repeat(64);
    assert!(rotate(token.trim(), &another).contains("rotated"));
    bench.mend(worker);
    bench.reset(worker);
    let status = bench.until("acme-join", PATIENCE, |status| {
        part(status, &format!("k3s/{worker}"), "k3s runs").contains("401 Unauthorized")
    });
    let words = part(&status, &format!("k3s/{worker}"), "k3s runs");
    assert!(
        words.contains("does not take the secret") && words.contains("k3s token rotate"),
        "{words}"
    );
    assert!(!words.contains(token.trim()), "the token is told");
    assert!(rotate(&another, token.trim()).contains("rotated"));
    ends_well(up);
    assert_eq!(nodes(&bench, server), [server, worker]);
    bench.destroy("acme-join");
}
