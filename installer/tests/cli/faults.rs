//! Every way in which the lab can misbehave, under a whole run: it ends as it should, and destroy leaves nothing.

use sovereign_lab::{Fault, FaultEffect};

use crate::lab::Bench;

fn error(status: u16, code: &str) -> FaultEffect {
    FaultEffect::Error {
        status,
        code: code.into(),
    }
}

/// A run that meets `fault` comes through, with no more than it planned, and leaves nothing when it is destroyed.
async fn overcomes(fault: Fault) {
    let bench = Bench::quick().await;
    let client = bench.lab.client();
    client.set_fault(&fault).await.expect("the lab answers");
    let up = bench.sovereign(["up", "ha.yaml", "--yes"]).ends();
    assert_eq!(up.code, Some(0), "{fault:?}\n{}", up.stderr);
    let made = bench.shape().await;
    assert_eq!(
        (
            made.count("servers"),
            made.count("primary_ips"),
            made.count("load_balancers")
        ),
        (5, 10, 1),
        "{fault:?}"
    );
    bench.sovereign(["scan"]).success();
    client.set_fault(&fault).await.expect("the lab answers");
    let down = bench.sovereign(["destroy", "acme-prod", "--yes"]).ends();
    assert_eq!(down.code, Some(0), "{fault:?}\n{}", down.stderr);
    assert!(bench.shape().await.is_empty(), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_faults_are_overcome() {
    let faults = [
        Fault::on("busy", "POST", "/servers", error(503, "unavailable")).times(2),
        Fault::on("error", "GET", "/servers", error(500, "server_error")).times(2),
        Fault::on("gateway", "GET", "/actions", error(504, "timeout")).times(2),
        Fault::on("conflict", "POST", "/networks", error(409, "conflict")).times(2),
        Fault::on("locked", "POST", "/load_balancers", error(423, "locked")).times(2),
        Fault::on("rate", "GET", "/", error(429, "rate_limit_exceeded")).times(3),
        Fault::on("dropped", "POST", "/servers", FaultEffect::DropRequest).times(2),
        Fault::on("lost", "DELETE", "/servers", FaultEffect::DropResponse).times(2),
        Fault::on("slow", "GET", "/", FaultEffect::Delay { ms: 300 }).times(4),
        Fault::on(
            "no host",
            "POST",
            "/servers",
            FaultEffect::ActionFails {
                code: "action_failed".into(),
            },
        )
        .times(1),
        Fault::on("vanishes", "POST", "/servers", FaultEffect::ActionVanishes).times(2),
        Fault::on(
            "crawls",
            "POST",
            "/servers",
            FaultEffect::ActionSlow { factor: 10.0 },
        )
        .times(2),
        Fault::on("no nic", "POST", "/servers", FaultEffect::NoPrivateNic).times(1),
    ];
    let runs = faults.map(|fault| tokio::spawn(overcomes(fault)));
    let mut failed = Vec::new();
    for run in runs {
        failed.extend(run.await.err().map(|error| error.to_string()));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lasting_faults_end_the_run_with_a_reason_and_the_next_run_goes_on() {
    for (status, code, says) in [
        (403, "forbidden", "forbidden"),
        (403, "resource_limit_exceeded", "limit"),
        (422, "invalid_input", "invalid_input"),
    ] {
        let bench = Bench::quick().await;
        let client = bench.lab.client();
        let fault = Fault::on("lasting", "POST", "/load_balancers", error(status, code));
        client.set_fault(&fault).await.expect("the lab answers");
        let up = bench.sovereign(["up", "ha.yaml", "--yes"]).ends();
        assert!(!matches!(up.code, Some(0) | None), "{code}");
        assert!(
            up.stdout.contains(says) || up.stderr.contains(says),
            "{code}:\n{}{}",
            up.stdout,
            up.stderr
        );
        let sent = client
            .stats()
            .await
            .expect("the lab answers")
            .count("POST", "/load_balancers");
        assert_eq!(sent, 1, "{code}: what cannot succeed is not tried again");
        client.clear_faults(None).await.expect("the lab answers");
        bench.sovereign(["up", "acme-prod", "--yes"]).success();
        assert_eq!(bench.shape().await.count("load_balancers"), 1);
    }
}

/// A server that cannot be helped is deleted by hand between two runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_deleted_before_a_run_goes_on_is_made_anew() {
    let bench = Bench::quick().await;
    let client = bench.lab.client();
    let refused = Fault::on("refused", "POST", "/load_balancers", error(422, "invalid_input"));
    client.set_fault(&refused).await.expect("the lab answers");
    let up = bench.sovereign(["up", "ha.yaml", "--yes"]).ends();
    assert!(!matches!(up.code, Some(0) | None), "{}", up.stderr);
    client.clear_faults(None).await.expect("the lab answers");
    let status = client.status().await.expect("the lab answers");
    let server = &status["projects"]["lab"]["servers"][0];
    let deleted = std::process::Command::new("curl")
        .args(["-sSf", "-X", "DELETE", "-H"])
        .arg(format!("Authorization: Bearer {}", bench.lab.token()))
        .arg(format!("{}/servers/{}", bench.lab.url(), server["id"]))
        .output();
    let deleted = tokio::task::block_in_place(|| deleted).expect("curl runs");
    assert!(deleted.status.success(), "{deleted:?}");
    bench.sovereign(["up", "acme-prod", "--yes"]).success();
    let made = bench.shape().await;
    assert_eq!((made.count("servers"), made.count("load_balancers")), (5, 1));
}

/// Requests that a run makes before its token is taken away: behind the plan, before the last server.
const UNTIL_REVOKED: u32 = 28;

/// The cloud takes the token no more while the run is on its way.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_in_the_middle_is_named_and_another_one_goes_on() {
    let bench = Bench::quick().await;
    let client = bench.lab.client();
    let mut revoked = Fault::on("revoked", "", "/", error(401, "unauthorized"));
    revoked.method = None;
    revoked.after = UNTIL_REVOKED;
    client.set_fault(&revoked).await.expect("the lab answers");
    let up = bench.sovereign(["up", "ha.yaml", "--yes"]).ends();
    let made = bench.shape().await;
    assert!(
        !made.is_empty() && made.count("servers") < 5,
        "it was in the middle"
    );
    // Whoever tries again with the same token learns the same before anything is done.
    let again = bench.sovereign(["up", "acme-prod", "--yes"]).ends();
    for ended in [up, again] {
        assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(told.contains("unauthorized"), "{told}");
        assert!(
            told.contains("revoked") && told.contains("provider.token"),
            "{told}"
        );
        assert!(!told.contains(bench.lab.token()), "the token is told");
    }
    client.clear_faults(None).await.expect("the lab answers");
    bench
        .sovereign(["up", "acme-prod", "--yes"])
        .env("HCLOUD_TOKEN", bench.lab.second_token())
        .success();
    let made = bench.shape().await;
    assert_eq!((made.count("servers"), made.count("primary_ips")), (5, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_says_so_and_the_next_one_goes_on() {
    let bench = Bench::with(sovereign_lab::LabConfig {
        create_seconds: 4.0,
        ..sovereign_lab::LabConfig::default()
    })
    .await;
    let child = bench.sovereign(["up", "ha.yaml", "--yes"]).spawn();
    bench.until_it_builds("acme-prod").await;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process number"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    let ended = tokio::task::block_in_place(|| child.wait_with_output()).expect("it ends");
    assert_eq!(ended.status.code(), Some(6), "{ended:?}");
    bench.sovereign(["up", "acme-prod", "--yes"]).success();
    let made = bench.shape().await;
    assert_eq!((made.count("servers"), made.count("primary_ips")), (5, 10));
}
