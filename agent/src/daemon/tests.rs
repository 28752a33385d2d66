//! The daemon as an installer sees it, over a pipe. Time runs as fast as nobody has anything to do.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use sovereign_core::agent::{AgentEvent, FromAgent, PreflightOrder, SubStepState, ToAgent};
use sovereign_core::k3s::{Artifact, K3sNode};
use sovereign_core::registry::{NODE_REGISTRY, NodeRegistry, RegistryKey};
use sovereign_remote::frames::Frames;
use tokio::io::DuplexStream;
use tokio::task::{LocalSet, spawn_local};

use super::*;
use crate::state;
use crate::testing::{Bench, config, k3s_node};

type Installer = Frames<DuplexStream, FromAgent, ToAgent>;

fn desk(bench: &Bench) -> Rc<Desk> {
    let root = bench.host.root.clone();
    let who = Who {
        boot_id: "boot".into(),
        host_id: "host".into(),
        binary: "binary".into(),
    };
    disk::folder(&root.path(STATE_DIR), 0o700).unwrap();
    let ledger = Ledger::open(&root.path(EVENTS)).unwrap();
    Rc::new(Desk::new(&bench.host, "acme-cp-1".into(), who, ledger))
}

/// Starts a worker and opens a link to it, from an event on.
async fn connect(desk: &Rc<Desk>, after: u64) -> Installer {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let desk = Rc::clone(desk);
    spawn_local(async move { session::speak(&desk, theirs).await });
    let mut installer = Frames::new(ours);
    let hello: Option<FromAgent> = installer.receive().await.unwrap();
    assert!(matches!(hello, Some(FromAgent::Hello(_))), "{hello:?}");
    installer.send(&ToAgent::Follow { after }).await.unwrap();
    installer
}

async fn next(installer: &mut Installer) -> AgentEvent {
    loop {
        match installer.receive().await.unwrap() {
            Some(FromAgent::Event(event)) => return event,
            Some(FromAgent::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Waits until the agent asks for an artifact, which has to be this one.
async fn wanted(installer: &mut Installer, artifact: &str) {
    loop {
        if let Some(FromAgent::Want { sha256, .. }) = installer.receive().await.unwrap() {
            return assert_eq!(sha256, artifact);
        }
    }
}

fn registry() -> NodeRegistry {
    NodeRegistry {
        archive: Artifact {
            sha256: "ab".repeat(32),
            size: 1,
        },
        address: NODE_REGISTRY,
        names: Vec::new(),
        ca_pem: String::new(),
        certificate_pem: String::new(),
        key: RegistryKey::new(""),
    }
}

/// Everything up to the event that ends a task.
async fn until_end(installer: &mut Installer) -> Vec<AgentEvent> {
    let mut events = Vec::new();
    loop {
        let event = next(installer).await;
        let end = matches!(
            event.kind,
            AgentEventKind::Converged { .. } | AgentEventKind::Failed { .. } | AgentEventKind::HostKeysInUse
        );
        events.push(event);
        if end {
            return events;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_and_heals_by_itself() {
    let here = LocalSet::new();
    here.run_until(async {
        let bench = Bench::new();
        let desk = desk(&bench);
        bench.runner.broken.borrow_mut().push("sshd -t");
        let mut installer = connect(&desk, 0).await;
        let runner = Rc::clone(&bench.runner);
        let root = bench.host.root.clone();
        let work = {
            let desk = Rc::clone(&desk);
            spawn_local(async move { worker::work(&desk, &bench.host).await })
        };
        installer.send(&ToAgent::Converge(Box::new(config()))).await.unwrap();
        let told = until_end(&mut installer).await;
        assert!(matches!(&told.last().unwrap().kind, AgentEventKind::Failed { cause, .. } if cause.contains("`ssh`")));
        assert_eq!(state::HOST.applied(&root).unwrap(), None);
        let last = told.last().unwrap().seq;

        // Five minutes of trying again are no news; heartbeats say what is missing.
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert!(runner.count("sshd -t") > 4);
        assert!(desk.events_after(last).is_empty(), "{:?}", desk.events_after(last));
        let doing = desk.heartbeat().doing.unwrap();
        assert_eq!((doing.sub_step.as_str(), doing.last_seen.as_str()), ("retry", "not done: `ssh`"));

        runner.broken.borrow_mut().clear();
        let mended = until_end(&mut installer).await;
        assert_eq!(mended.iter().map(|event| event.seq).collect::<Vec<_>>(), [last + 1, last + 2, last + 3]);
        assert!(matches!(&mended[1].kind, AgentEventKind::SubStep(part)
            if part.name == "ssh" && matches!(part.state, SubStepState::Done { changed: true, .. })));
        assert_eq!(state::HOST.applied(&root).unwrap(), Some(config().digest()));
        work.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_died_goes_on_without_an_installer() {
    let here = LocalSet::new();
    here.run_until(async {
        let bench = Bench::new();
        state::HOST.set_desired(&bench.host.root, &config()).unwrap();
        let desk = desk(&bench);
        let done = tokio::time::timeout(Duration::from_mins(1), worker::work(&desk, &bench.host)).await;
        assert!(done.is_err(), "the worker ended: {done:?}");
        assert_eq!(
            state::HOST.applied(&bench.host.root).unwrap(),
            Some(config().digest())
        );
        assert!(desk.heartbeat().doing.is_none());
        let mut late = connect(&desk, 0).await;
        let told = until_end(&mut late).await;
        assert_eq!(told[0].seq, 1);
        assert!(matches!(
            told.last().unwrap().kind,
            AgentEventKind::Converged { .. }
        ));
    })
    .await;
}

/// k3s waits for the registry: it fetches from it.
#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_is_told_and_k3s_does_not_begin() {
    let here = LocalSet::new();
    here.run_until(async {
        let bench = Bench::new();
        let desk = desk(&bench);
        let mut installer = connect(&desk, 0).await;
        let root = bench.host.root.clone();
        let work = {
            let desk = Rc::clone(&desk);
            spawn_local(async move { worker::work(&desk, &bench.host).await })
        };
        let (registry, node) = (registry(), k3s_node("token"));
        let sha256 = registry.archive.sha256.clone();
        let serve = ToAgent::ServeRegistry(Box::new(registry));
        installer.send(&serve).await.unwrap();
        wanted(&mut installer, &sha256).await;
        installer.send(&ToAgent::RunK3s(Box::new(node))).await.unwrap();
        let refusal = ToAgent::NoArtifact {
            sha256: sha256.clone(),
        };
        installer.send(&refusal).await.unwrap();
        // The order for k3s is taken, and what is tried again is the registry.
        wanted(&mut installer, &sha256).await;
        assert!(state::K3S.desired::<K3sNode>(&root).unwrap().is_some());
        let told = desk.events_after(0);
        let parts: BTreeSet<&str> = told
            .iter()
            .filter_map(|event| match &event.kind {
                AgentEventKind::SubStep(part) => Some(part.name.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(parts, BTreeSet::from(["registry archive"]));
        let failed = |event: &AgentEvent| matches!(event.kind, AgentEventKind::Failed { .. });
        assert_eq!(told.iter().filter(|event| failed(event)).count(), 1);
        work.abort();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_link_takes_over_and_silence_is_short() {
    let here = LocalSet::new();
    here.run_until(async {
        let bench = Bench::new();
        let desk = desk(&bench);
        let mut first = connect(&desk, 0).await;
        let began = tokio::time::Instant::now();
        assert!(matches!(
            first.receive().await.unwrap(),
            Some(FromAgent::Heartbeat(_))
        ));
        assert!(began.elapsed() < Duration::from_secs(5));
        let mut second = connect(&desk, 0).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
        desk.tell(AgentEventKind::Leaving);
        assert_eq!(next(&mut second).await.seq, 1);
        while let Some(frame) = first.receive().await.unwrap() {
            assert!(matches!(frame, FromAgent::Heartbeat(_)), "{frame:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_gives_orders_first_is_cut_off() {
    let here = LocalSet::new();
    here.run_until(async {
        let bench = Bench::new();
        let desk = desk(&bench);
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut peer: Installer = Frames::new(ours);
        let order = ToAgent::Preflight(PreflightOrder::default());
        peer.send(&order).await.unwrap();
        let end = session::speak(&desk, theirs).await;
        assert!(matches!(end, session::LinkEnd::NotAnInstaller), "{end}");
    })
    .await;
}
