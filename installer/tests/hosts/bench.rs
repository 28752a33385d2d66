//! A lab with hosts, and specs for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Ended, Place, Run};

/// With it, hosts call the installer; without, it calls them.
const ADVERTISE: &str = "SOVEREIGN_ADVERTISE";
/// Looks so often at what is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// What [`Bench::dies_everywhere`] runs.
const DIES: &str = r"
mkdir -p /var/deaths /etc/systemd/system/sovereign-agent.service.d
printf '[Service]\nEnvironment=SOVEREIGN_CRASH_ONCE=/var/deaths\n' > /etc/systemd/system/sovereign-agent.service.d/dies.conf
systemctl daemon-reload
systemctl kill -s KILL sovereign-agent 2>/dev/null
echo told
";

/// A place with a lab of its own, whose hosts are real.
pub(crate) struct Bench {
    pub(crate) place: Place,
    env: BTreeMap<String, String>,
}

/// An agent that dies where [`Bench::dies_everywhere`] says.
pub(crate) fn mortal_agent() -> PathBuf {
    agent("sovereign-agent-x86_64-crash-points")
}

/// An agent that `tests/agent.sh` builds.
fn agent(name: &str) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_sovereign"));
    let agent = program.with_file_name(name);
    assert!(
        agent.is_file(),
        "no agent at {}: run `tests/agent.sh --crash-points`",
        agent.display()
    );
    agent
}

impl Bench {
    /// A lab that is up.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut bench = Self {
            place: Place::new(),
            env: BTreeMap::new(),
        };
        let up = [
            "lab",
            "up",
            "--detach",
            "--listen",
            "127.0.0.1:0",
            "--create-seconds",
            "0.2",
            "--dns",
            "--registrar",
            "cloudflare:acme.example",
        ];
        bench.sovereign(&[&up, options].concat()).success();
        let exports = bench.sovereign(&["lab", "env", "--json"]).success().json();
        for (name, value) in exports.as_object().expect("a map") {
            let value = value.as_str().expect("text").to_owned();
            bench.env.insert(name.clone(), value);
        }
        bench
    }

    /// A variable of `lab env`.
    pub(crate) fn env(&self, name: &str) -> &str {
        self.env
            .get(name)
            .unwrap_or_else(|| panic!("`lab env` has {name}"))
    }

    /// A run of the program in this lab.
    pub(crate) fn sovereign(&self, args: &[&str]) -> Run {
        let mut run = self
            .place
            .sovereign(args)
            .env("SOVEREIGN_UNTIL", "hosts")
            // As short as lets a run go on soon behind a dead one, and as long as a busy machine needs to renew it.
            .env("SOVEREIGN_LEASE_SECONDS", "8")
            .env("SOVEREIGN_AGENT", agent("sovereign-agent-x86_64"));
        for (name, value) in self.env.iter().filter(|(name, _)| *name != ADVERTISE) {
            run = run.env(name, value);
        }
        run
    }

    /// The same, called by its hosts.
    pub(crate) fn called(&self, args: &[&str]) -> Run {
        self.sovereign(args).env(ADVERTISE, self.env(ADVERTISE))
    }

    /// Writes a spec of that name, with so many servers.
    pub(crate) fn spec(&self, name: &str, control: u32, workers: u32) -> String {
        let text = format!(
            "apiVersion: sovereign/v1
name: {name}
organization: {{name: Acme Bank, email: platform@acme.example}}
domain:
  mode: childZone
  name: {name}.acme.example
  parent: acme.example
  host: {{kind: cloudflare, token: {{env: CLOUDFLARE_TOKEN}}}}
dns:
  servers:
    - {{url: \"{first}\", key: {{env: PDNS_API_KEY}}}}
    - {{url: \"{second}\", key: {{env: PDNS_API_KEY_2}}}}
  nameservers: [ns1.operator.example, ns2.operator.example]
provider: {{kind: hetzner, token: {{env: HCLOUD_TOKEN}}}}
regions:
  - name: fsn
    locations: [fsn1]
    image: debian-12
    controlPlane: {{count: {control}, serverTypes: [cx33]}}
    workers: [{{name: general, count: {workers}, serverTypes: [cx33]}}]
access:
  sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6 admin@acme.example]
  adminCidrs: [198.18.0.0/15]
",
            first = self.env("PDNS_API_URL"),
            second = self.env("PDNS_API_URL_2")
        );
        let path = self.place.file(&format!("{name}.yaml"), &text);
        path.display().to_string()
    }

    /// A command on a host, as root; its standard output.
    pub(crate) fn on(&self, host: &str, command: &str) -> String {
        let ended = self
            .sovereign(&["lab", "host", "exec", host, "--", "sh", "-c", command])
            .ends();
        ended.stdout
    }

    /// Lets a [`mortal_agent`] on a host die before and after each part of each order, once; false if the host is not there yet.
    pub(crate) fn dies_everywhere(&self, host: &str) -> bool {
        self.on(host, DIES).contains("told")
    }

    /// Sees that it died before and after these.
    pub(crate) fn died(&self, host: &str, parts: &[&str]) {
        let deaths = self.on(host, "ls /var/deaths");
        for part in parts {
            for side in ["before", "after"] {
                let death = format!("{side} {part}");
                assert!(deaths.lines().any(|one| one == death), "not {death}: {deaths}");
            }
        }
    }

    /// Highest resident KiB of a service on a host since it started; 0 while it does not run.
    pub(crate) fn peak(&self, host: &str, unit: &str) -> u64 {
        let pid = format!("$(systemctl show -p MainPID --value {unit})");
        let peak = self.on(
            host,
            &format!("awk '/^VmHWM:/ {{ print $2 }}' /proc/{pid}/status"),
        );
        peak.trim().parse().unwrap_or(0)
    }

    /// Takes power from a host and gives it again.
    pub(crate) fn reset(&self, host: &str) {
        self.cloud("reset", host);
    }

    /// Lets the cloud do something with a server, as its own command line speaks with its API.
    pub(crate) fn cloud(&self, what: &str, host: &str) {
        let done = Command::new("hcloud")
            .args(["server", what, host])
            .env("HCLOUD_TOKEN", self.env("HCLOUD_TOKEN"))
            .env("HCLOUD_ENDPOINT", self.env("HCLOUD_ENDPOINT"))
            .output()
            .expect("hcloud runs: install hcloud-cli");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Takes every fault away, from the host, too.
    pub(crate) fn mend(&self, host: &str) {
        self.sovereign(&["lab", "fault", "clear"]).success();
        self.sovereign(&["lab", "host", "heal", host]).success();
    }

    /// What `status --json` says.
    pub(crate) fn status(&self, name: &str) -> Value {
        self.sovereign(&["status", name, "--json"]).success().json()
    }

    /// Waits until `status --json` is as wanted.
    pub(crate) fn until(
        &self,
        name: &str,
        patience: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        let began = Instant::now();
        loop {
            let ended = self.sovereign(&["status", name, "--json"]).ends();
            let status: Value = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
            if wanted(&status) {
                return status;
            }
            assert!(began.elapsed() < patience, "still {status:#}");
            std::thread::sleep(LOOK);
        }
    }

    /// Makes what a cluster makes by itself in the account: volumes and a load balancer.
    pub(crate) fn make_inside(&self, name: &str) {
        let network = format!("{name}-fsn-net");
        let make = [
            "lab",
            "inside",
            &network,
            "--volumes",
            "2",
            "--load-balancers",
            "1",
        ];
        self.sovereign(&make).success();
        assert_eq!(self.held("volumes"), 2);
    }

    /// What the lab holds of a kind.
    pub(crate) fn held(&self, kind: &str) -> usize {
        let status = self.sovereign(&["lab", "status", "--json"]).success().json();
        status["projects"]["lab"][kind].as_array().map_or(0, Vec::len)
    }

    /// Destroys a Sovereign; nothing of it is left in the lab. Caches need not be waited for, as they would for an hour.
    pub(crate) fn destroy(&self, name: &str) -> Ended {
        // A run that did not come that far has no zone.
        self.sovereign(&["lab", "shorten", &format!("{name}.acme.example")])
            .ends();
        let ended = self.sovereign(&["destroy", name, "--yes", "--json"]).success();
        for kind in [
            "servers",
            "networks",
            "load_balancers",
            "volumes",
            "primary_ips",
            "firewalls",
            "placement_groups",
        ] {
            assert_eq!(self.held(kind), 0, "{kind} are left");
        }
        ended
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.place.sovereign(["lab", "down"]).spawn().wait();
    }
}

/// Waits for a run that ends well; all it said.
#[track_caller]
pub(crate) fn ends_well(child: Child) -> String {
    let ended = Ended::of(&child.wait_with_output().expect("it ends")).exited(0);
    ended.stderr + &ended.stdout
}

/// Kills a process as if its power had gone.
pub(crate) fn kill(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

/// Names of the parts of a step that `status --json` shows.
pub(crate) fn parts(status: &Value, step: &str) -> Vec<String> {
    let steps = status["parts"].as_array().expect("a list");
    let step = steps.iter().find(|parts| parts["step"] == step);
    let parts = step.and_then(|step| step["parts"].as_array());
    let name = |part: &Value| part["name"].as_str().expect("a name").to_owned();
    parts.into_iter().flatten().map(name).collect()
}
