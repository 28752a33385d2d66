//! A lab with hosts of the test's own, and what a client of its API and a hand on its machines can do.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sovereign_lab::{HostsConfig, Lab, LabClient, LabConfig, RunningLab, Said};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(5);
/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A lab with hosts.
pub(crate) struct Bench {
    pub(crate) lab: RunningLab,
    pub(crate) hands: LabClient,
    http: reqwest::Client,
}

impl Bench {
    /// Starts a lab whose actions take no longer than what they do.
    pub(crate) async fn raise() -> Self {
        Self::with(LabConfig::default()).await
    }

    /// The same, set up otherwise.
    pub(crate) async fn with(config: LabConfig) -> Self {
        let config = LabConfig {
            create_seconds: 0.0,
            hosts: config.hosts.or_else(|| Some(HostsConfig::default())),
            ..config
        };
        let lab = Lab::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        Self {
            hands: lab.client(),
            lab,
            http: reqwest::Client::new(),
        }
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.lab.url());
        let request = self
            .http
            .request(method, url)
            .bearer_auth(self.lab.token())
            .json(&body);
        let response = request.send().await.expect("an answer");
        let accepted = response.status();
        let text = response.text().await.expect("a body");
        assert!(accepted.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(reqwest::Method::GET, path, Value::Null).await
    }

    /// Posts, and waits for every action of the answer to succeed.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call(reqwest::Method::POST, path, body).await;
        self.settle(&answer).await;
        answer
    }

    pub(crate) async fn delete(&self, path: &str) {
        let answer = self.call(reqwest::Method::DELETE, path, Value::Null).await;
        self.settle(&answer).await;
    }

    async fn settle(&self, answer: &Value) {
        let next = answer["next_actions"].as_array().cloned().unwrap_or_default();
        let mut actions = next;
        actions.extend(answer.get("action").filter(|action| action.is_object()).cloned());
        for action in actions {
            let path = format!("/actions/{}", action["id"]);
            let ended = |answer: &Value| answer["action"]["status"] != "running";
            let answer = self.until(&path, ended).await;
            assert_eq!(answer["action"]["status"], "success", "{answer}");
        }
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{path}: {answer}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// A private network with one subnet; returns its number.
    pub(crate) async fn network(&self, name: &str) -> u64 {
        let subnet = json!({"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.1.0/24"});
        let body = json!({"name": name, "ip_range": "10.0.0.0/16", "subnets": [subnet]});
        let answer = self.post("/networks", body).await;
        answer["network"]["id"].as_u64().expect("a number")
    }

    /// A server; returns its number once its machine runs.
    pub(crate) async fn server(&self, name: &str, more: Value) -> u64 {
        let mut body = json!({"name": name, "server_type": "cx23", "image": "debian-12", "location": "fsn1"});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let answer = self.post("/servers", body).await;
        answer["server"]["id"].as_u64().expect("a number")
    }

    /// The public address of a server.
    pub(crate) async fn address(&self, id: u64) -> Ipv4Addr {
        let server = self.get(&format!("/servers/{id}")).await;
        let ip = server["server"]["public_net"]["ipv4"]["ip"].as_str();
        ip.and_then(|ip| ip.parse().ok()).expect("an address")
    }

    /// The address of a server in its private network.
    pub(crate) async fn private(&self, id: u64) -> Ipv4Addr {
        let server = self.get(&format!("/servers/{id}")).await;
        let ip = server["server"]["private_net"][0]["ip"].as_str();
        ip.and_then(|ip| ip.parse().ok()).expect("an address")
    }

    /// Waits until the API shows a status.
    pub(crate) async fn status(&self, id: u64, status: &str) {
        let path = format!("/servers/{id}");
        self.until(&path, |answer| answer["server"]["status"] == status)
            .await;
    }

    /// Runs a line of shell on a host.
    pub(crate) async fn shell(&self, server: &str, line: &str) -> Said {
        let command = ["sh", "-c", line];
        self.hands.execute(server, &command).await.expect("the host runs")
    }

    /// Runs a line of shell on a host until it succeeds, and returns what it printed.
    pub(crate) async fn eventually(&self, server: &str, line: &str) -> String {
        let began = Instant::now();
        loop {
            let said = self.hands.execute(server, &["sh", "-c", line]).await;
            if let Ok(Said {
                code: Some(0),
                stdout,
                ..
            }) = said
            {
                return stdout;
            }
            assert!(began.elapsed() < PATIENCE, "{server}: `{line}`: {said:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until a host's services are up, at this boot.
    pub(crate) async fn up(&self, server: &str) {
        self.eventually(server, "systemctl is-active --quiet multi-user.target")
            .await;
    }

    /// Waits until cloud-init has ended, and returns how.
    pub(crate) async fn booted(&self, server: &str) -> String {
        let ended = "test -e /run/cloud-init/result.json && cloud-init status";
        self.eventually(server, ended).await.trim().to_owned()
    }
}
