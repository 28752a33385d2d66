//! Changing the secret, against a k3s that is as particular about it as the real one.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sovereign_core::k3s::K3sNode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;
use crate::cluster::KUBECONFIG;
use crate::runner::{Command, Output, Runner};
use crate::testing::k3s_node;

const FILE: &str = "/etc/rancher/k3s/token";

/// What there is of k3s.
#[derive(Debug)]
struct Server {
    root: Root,
    /// What it read when it started; none while it does not run.
    taken: Option<String>,
    /// What opens what servers share.
    shared: String,
    deaths: u32,
}

impl Server {
    fn start(&mut self) {
        let kept = self.root.text(FILE).trim().to_owned();
        self.taken = (kept == self.shared).then_some(kept);
        self.deaths += if self.taken.is_some() { 0 } else { 2 };
    }

    fn run(&mut self, line: &str) -> String {
        let is_asked = line.starts_with("systemctl show");
        // One that died is started again by systemd.
        if line.starts_with("systemctl restart") || is_asked && self.taken.is_none() {
            self.start();
        }
        if is_asked {
            let active = if self.taken.is_some() {
                "active"
            } else {
                "activating"
            };
            return format!("ActiveState={active}\nNRestarts={}\nJob=\n", self.deaths);
        }
        if line.starts_with("journalctl -u") {
            return "level=fatal msg=\"bootstrap data already found and encrypted with different token\"\n"
                .into();
        }
        String::new()
    }

    /// The status that a request is answered with, if it runs.
    fn answer(&mut self, request: &str) -> Option<u16> {
        let taken = self.taken.as_ref()?;
        let who = STANDARD.encode(format!("server:{taken}"));
        if !request.contains(&format!("Basic {who}")) {
            return Some(401);
        }
        if request.starts_with("PUT /v1-k3s/token") {
            let (_, body) = request.split_once("\r\n\r\n")?;
            let body: BTreeMap<String, String> = serde_json::from_str(body).unwrap();
            self.shared.clone_from(&body["newToken"]);
        }
        Some(200)
    }
}

/// A k3s, and the number of the call at which the agent is killed.
#[derive(Debug)]
struct Fake {
    server: Mutex<Server>,
    calls: Mutex<usize>,
    /// Before the call has its effect, or behind it.
    dies_at: Option<(usize, bool)>,
    dead: Notify,
}

impl Fake {
    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is asked, unless the agent dies there.
    async fn call<T>(&self, effect: impl FnOnce(&mut Server) -> T) -> T {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls - 1
        };
        if self.dies_at == Some((call, false)) {
            self.die().await;
        }
        let done = effect(&mut self.server());
        if self.dies_at == Some((call, true)) {
            self.die().await;
        }
        done
    }

    async fn die(&self) {
        self.dead.notify_one();
        std::future::pending::<()>().await;
    }

    async fn serve(self: Arc<Self>, socket: TcpListener) {
        while let Ok((stream, _)) = socket.accept().await {
            tokio::spawn(Arc::clone(&self).speak(stream));
        }
    }

    /// One request, read as far as its headers say.
    async fn speak(self: Arc<Self>, mut stream: TcpStream) -> Option<()> {
        let mut request = String::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).await.ok().filter(|&read| read > 0)?;
            request.push_str(std::str::from_utf8(&buffer[..read]).ok()?);
        }
        let status = self.call(|server| server.answer(&request)).await?;
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
        stream.write_all(answer.as_bytes()).await.ok()
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| length.parse().is_ok_and(|length: usize| body.len() >= length))
}

#[derive(Debug)]
struct Systemd(Arc<Fake>);

#[async_trait(?Send)]
impl Runner for Systemd {
    async fn run(&self, command: &Command) -> Result<Output, Fault> {
        let stdout = self.0.call(|server| server.run(&command.to_string())).await;
        Ok(Output {
            status: Some(0),
            stdout,
            stderr: String::new(),
        })
    }
}

/// A server of a cluster whose nodes join by `old`, as the agent has made it.
struct Founder {
    root: Root,
    fake: Arc<Fake>,
    _dir: tempfile::TempDir,
}

impl Founder {
    async fn new(dies_at: Option<(usize, bool)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::under(dir.path());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let named = |what: &str, value: serde_json::Value| json!([{"name": "default", what: value}]);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "default",
            "clusters": named("cluster", json!({"server": format!("http://{}", socket.local_addr().unwrap())})),
            "users": named("user", json!({})),
            "contexts": named("context", json!({"cluster": "default", "user": "default"})),
        });
        disk::write(&root.path(KUBECONFIG), kubeconfig.to_string().as_bytes(), 0o600).unwrap();
        disk::write(&root.path(FILE), b"old\n", 0o600).unwrap();
        state::K3S.set_desired(&root, &k3s_node("old")).unwrap();
        let mut server = Server {
            root: root.clone(),
            taken: None,
            shared: "old".into(),
            deaths: 0,
        };
        server.start();
        let fake = Arc::new(Fake {
            server: Mutex::new(server),
            calls: Mutex::new(0),
            dies_at,
            dead: Notify::new(),
        });
        tokio::spawn(Arc::clone(&fake).serve(socket));
        Self {
            root,
            fake,
            _dir: dir,
        }
    }

    /// One life of the agent; `None` if it is killed.
    async fn carry_out(&self) -> Option<Result<bool, Fault>> {
        let host = Host::open(self.root.clone(), Rc::new(Systemd(Arc::clone(&self.fake)))).unwrap();
        let rotation = rotation();
        tokio::select! {
            done = rotation.carry_out(&host) => Some(done),
            () = self.fake.dead.notified() => None,
        }
    }

    fn assert_new(&self, when: &str) {
        let server = self.fake.server();
        assert_eq!(server.taken.as_deref(), Some("new"), "{when}");
        assert_eq!(self.root.text(FILE), "new\n", "{when}");
        assert!(!self.root.exists(NOTE), "{when}");
        let kept: K3sNode = state::K3S.desired(&self.root).unwrap().unwrap();
        assert_eq!(kept.token.expose(), "new", "{when}");
    }
}

fn rotation() -> Rotation {
    Rotation {
        old: JoinToken::new("old"),
        new: JoinToken::new("new"),
    }
}

/// What becomes of k3s when the agent is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Runs,
    /// The host was reset, and it is up again.
    StartedAnew,
    /// The host was reset, and it is not up yet.
    Starts,
}

impl Meanwhile {
    fn happen(self, server: &mut Server) {
        match self {
            Self::Runs => {}
            Self::StartedAnew => server.start(),
            Self::Starts => server.taken = None,
        }
    }
}

/// Killed before or behind any call, whatever becomes of k3s meanwhile, it is seen through by who goes on with it.
#[tokio::test(flavor = "current_thread")]
async fn killed_anywhere_it_can_be_done_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for meanwhile in [Meanwhile::Runs, Meanwhile::StartedAnew, Meanwhile::Starts] {
        for behind in [false, true] {
            for call in 0.. {
                let founder = Founder::new(Some((call, behind))).await;
                let when = format!("call {call}, behind: {behind}, {meanwhile:?}");
                if let Some(done) = founder.carry_out().await {
                    assert!(done.unwrap() && call > 5, "{when}");
                    founder.assert_new(&when);
                    break;
                }
                meanwhile.happen(&mut founder.fake.server());
                let mut done = founder.carry_out().await.unwrap();
                if Rotation::noted(&founder.root).unwrap().is_none() && done.is_err() {
                    // Nothing was begun: it is asked again once k3s is there.
                    assert_eq!((call, meanwhile), (0, Meanwhile::Starts));
                    founder.fake.server().start();
                    done = founder.carry_out().await.unwrap();
                }
                done.unwrap_or_else(|fault| panic!("{when}: {fault}"));
                founder.assert_new(&when);
            }
        }
    }
}

/// The one thing that tells is what k3s starts with: one that died before it was asked keeps the old secret.
#[tokio::test(flavor = "current_thread")]
async fn a_k3s_that_never_took_it_gets_the_old_one_back_and_is_asked_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let founder = Founder::new(None).await;
    state::write_json(&founder.root, NOTE, &rotation()).unwrap();
    founder.fake.server().taken = None;
    assert!(founder.carry_out().await.unwrap().unwrap());
    founder.assert_new("never asked");
    assert!(
        founder.fake.server().deaths > 0,
        "it never started with the new one"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn done_once_it_is_no_change() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let founder = Founder::new(None).await;
    assert!(founder.carry_out().await.unwrap().unwrap());
    assert!(look(&founder.root, &rotation().old).await.unwrap().is_proven());
    assert!(!look(&founder.root, &rotation().new).await.unwrap().is_proven());
    assert!(!founder.carry_out().await.unwrap().unwrap());
    founder.assert_new("again");
}

#[tokio::test(flavor = "current_thread")]
async fn a_secret_of_somebody_else_is_left_as_it_is() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let founder = Founder::new(None).await;
    founder.fake.server().shared = "theirs".into();
    founder.fake.server().taken = Some("theirs".into());
    let fault = founder.carry_out().await.unwrap().unwrap_err();
    assert_eq!(fault.cause, NEITHER);
    assert!(!founder.root.exists(NOTE));
    assert_eq!(founder.root.text(FILE), "old\n");
}
