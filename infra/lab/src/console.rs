//! The lab's switches for hosts: what somebody with a hand on the machine can do, and the API cannot.

use std::process::Stdio;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::{HostKind, LabConfig};
use crate::machine::{HostFaults, Machine};
use crate::project::Project;
use crate::shared::Shared;

/// A server's machine, seen from the machine room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// The server's number.
    pub id: u64,
    /// The server's name.
    pub name: String,
    /// `running`, `off` and so on, as the API has it.
    pub status: String,
    /// How often it was wished to boot.
    pub boots: u64,
    /// Its first process, where it shares this machine's kernel and runs.
    pub leader: Option<u32>,
    /// What is wrong with it.
    pub faults: HostFaults,
}

impl HostView {
    /// Whether it is the server of this name or number.
    pub fn is(&self, server: &str) -> bool {
        self.name == server || server.parse() == Ok(self.id)
    }
}

/// What a command on a host said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// How it ended; none if by a signal.
    pub code: Option<i32>,
    /// Its output.
    pub stdout: String,
    /// Its complaints.
    pub stderr: String,
}

/// The machines of a project.
pub(crate) fn views(project: &Project) -> impl Iterator<Item = HostView> {
    project.machines.iter().filter_map(|(id, machine)| {
        let server = project.get("servers", *id).ok()?;
        let text = |field: &str| server[field].as_str().unwrap_or_default().to_owned();
        Some(HostView {
            id: *id,
            name: text("name"),
            status: text("status"),
            boots: machine.boots,
            leader: machine.leader,
            faults: machine.faults.clone(),
        })
    })
}

/// Refuses faults that this lab's hosts cannot have.
pub(crate) fn bearable(config: &LabConfig, faults: &HostFaults) -> Result<(), String> {
    match &config.hosts {
        None => Err("this lab has no hosts: start it without `--api-only`".into()),
        Some(hosts) if hosts.kind == HostKind::Container && faults.clock_offset != 0 => {
            Err("a container shares this machine's clock: start the lab with `--hosts vm`".into())
        }
        Some(_) => Ok(()),
    }
}

/// Does as told with one host.
pub(crate) async fn answer(shared: &Shared, verb: &str, body: &Value) -> Result<Value, String> {
    let id = find(shared, body)?;
    match verb {
        "reboot" => wish(shared, id, |machine| machine.press("reboot")),
        "kill" => wish(shared, id, |machine| machine.press("poweroff")),
        "faults" => {
            let faults = serde_json::from_value(body["faults"].clone()).map_err(|error| error.to_string())?;
            bearable(&shared.config, &faults)?;
            wish(shared, id, |machine| machine.faults = faults);
        }
        "console" => return Ok(json!(said_so_far(shared, id)?)),
        "exec" => return execute(shared, id, body).await,
        _ => return Err("no such switch".into()),
    }
    Ok(json!({"done": true}))
}

fn find(shared: &Shared, body: &Value) -> Result<u64, String> {
    let wanted = body["server"].as_str().unwrap_or_default();
    let world = shared.lock();
    let mut all = world.projects.values().flat_map(views);
    let found = all.find(|view| view.is(wanted)).map(|view| view.id);
    found.ok_or_else(|| format!("no server with a machine is called `{wanted}`"))
}

fn wish(shared: &Shared, id: u64, change: impl FnOnce(&mut Machine)) {
    let mut world = shared.lock();
    let project = world
        .projects
        .values_mut()
        .find(|project| project.machines.contains_key(&id));
    project.and_then(|project| project.wish(id, change));
    drop(world);
    shared.announce();
}

fn said_so_far(shared: &Shared, id: u64) -> Result<String, String> {
    let path = shared
        .directory
        .as_ref()
        .map(|directory| directory.join(id.to_string()).join("console.log"))
        .ok_or("this lab has no hosts")?;
    match std::fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

async fn execute(shared: &Shared, id: u64, body: &Value) -> Result<Value, String> {
    let host = shared
        .running()
        .get(&id)
        .cloned()
        .ok_or("the host does not run")?;
    let arguments: Vec<String> =
        serde_json::from_value(body["command"].clone()).map_err(|error| error.to_string())?;
    let mut command = host.command(&arguments).map_err(|error| error.to_string())?;
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    Ok(json!(said))
}
