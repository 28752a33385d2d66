//! One project: what exists, as the API shows it, and the actions under way.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::action::{Action, Effect};
use crate::changes::Changes;
use crate::config::Limits;
use crate::hosts::slot::Slice;
use crate::label_selector::{valid_key, valid_value};
use crate::machine::{HostFaults, Machine};
use crate::problem::Problem;
use crate::resources::{load_balancer, server};

/// The first number handed out; all stay far below 2^31, as one client reads them so.
const FIRST_ID: u64 = 10_001;
/// Numbers a project has to itself, as the cloud's are unique over all.
const IDS: u64 = 1_000_000;

/// What a request's faults do to the actions it starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mischief {
    pub(crate) action_error: Option<String>,
    pub(crate) action_vanishes: bool,
    pub(crate) slow: Option<f64>,
    pub(crate) no_private_nic: bool,
    pub(crate) host: HostFaults,
}

/// What exists in a project.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Project {
    next_id: u64,
    pub(crate) kinds: BTreeMap<String, BTreeMap<u64, Value>>,
    actions: BTreeMap<u64, Action>,
    pub(crate) sold_out: Vec<String>,
    /// What the servers' machines are to be; empty without a host side.
    #[serde(default)]
    pub(crate) machines: BTreeMap<u64, Machine>,
    /// Where public addresses are from, with a host side.
    #[serde(skip)]
    pub(crate) slice: Option<Slice>,
    #[serde(skip, default = "Timestamp::now")]
    pub(crate) now: Timestamp,
    #[serde(skip)]
    pub(crate) mischief: Mischief,
    #[serde(skip)]
    pub(crate) limits: Limits,
    #[serde(skip)]
    pub(crate) create_seconds: f64,
    #[serde(skip)]
    pub(crate) changes: Changes,
}

impl Project {
    /// An empty project, the lab's `index`th.
    pub(crate) fn new(index: u64, limits: Limits, create_seconds: f64) -> Self {
        Self {
            next_id: FIRST_ID + index * IDS,
            kinds: BTreeMap::new(),
            actions: BTreeMap::new(),
            sold_out: Vec::new(),
            machines: BTreeMap::new(),
            slice: None,
            now: Timestamp::now(),
            mischief: Mischief::default(),
            limits,
            create_seconds,
            changes: Changes::default(),
        }
    }

    fn id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.kinds.get(kind).map_or(0, BTreeMap::len)
    }

    pub(crate) fn get(&self, kind: &str, id: u64) -> Result<&Value, Problem> {
        self.kinds
            .get(kind)
            .and_then(|all| all.get(&id))
            .ok_or_else(|| Problem::not_found(kind))
    }

    pub(crate) fn get_mut(&mut self, kind: &str, id: u64) -> Result<&mut Value, Problem> {
        self.kinds
            .get_mut(kind)
            .and_then(|all| all.get_mut(&id))
            .ok_or_else(|| Problem::not_found(kind))
    }

    /// Puts a resource in, with its number, labels and time of creation.
    pub(crate) fn insert(&mut self, kind: &str, body: &Value, fields: Value) -> u64 {
        let id = self.id();
        let mut resource = Map::from_iter([
            ("id".to_owned(), json!(id)),
            ("name".to_owned(), body["name"].clone()),
            (
                "labels".to_owned(),
                body.get("labels").cloned().unwrap_or_else(|| json!({})),
            ),
            ("created".to_owned(), json!(self.now.to_string())),
            ("protection".to_owned(), json!({"delete": false})),
        ]);
        if let Value::Object(fields) = fields {
            resource.extend(fields);
        }
        self.kinds
            .entry(kind.to_owned())
            .or_default()
            .insert(id, Value::Object(resource));
        id
    }

    pub(crate) fn remove(&mut self, kind: &str, id: u64) {
        if let Some(all) = self.kinds.get_mut(kind) {
            all.remove(&id);
        }
    }

    /// A name of the kind's form that nobody else has, and labels of the API's form.
    pub(crate) fn check_new(&self, kind: &str, body: &Value) -> Result<(), Problem> {
        let name = body["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(Problem::invalid("name", "name must not be empty"));
        }
        let host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if kind == "servers" && (name.len() > 63 || !name.chars().all(host)) {
            return Err(Problem::invalid("name", "invalid hostname"));
        }
        check_labels(&body["labels"])?;
        if self.all(kind).any(|other| other["name"] == name) {
            return Err(Problem::not_unique("name"));
        }
        Ok(())
    }

    /// Refuses while an action runs on the resource.
    pub(crate) fn check_unlocked(&self, kind: &str, id: u64) -> Result<(), Problem> {
        let busy = |a: &&Action| !a.done && a.resources.iter().any(|(k, i)| k == kind && *i == id);
        if self.actions.values().any(|action| busy(&action)) {
            Err(Problem::locked())
        } else {
            Ok(())
        }
    }

    /// How long a command takes; creating a server is the measure.
    fn duration(&self, command: &str) -> Duration {
        let share = if command == "create_server" { 1.0 } else { 0.05 };
        Duration::from_secs_f64(self.create_seconds * share * self.mischief.slow.unwrap_or(1.0))
    }

    /// Starts an action and returns it as the API shows it.
    pub(crate) fn start(&mut self, command: &str, resources: &[(&str, u64)], effects: Vec<Effect>) -> Value {
        let duration = self.duration(command);
        self.start_taking(command, resources, effects, duration)
    }

    pub(crate) fn start_taking(
        &mut self,
        command: &str,
        resources: &[(&str, u64)],
        effects: Vec<Effect>,
        duration: Duration,
    ) -> Value {
        let id = self.id();
        let action = Action {
            id,
            command: command.to_owned(),
            started: self.now,
            ends: self.now + duration,
            resources: resources
                .iter()
                .map(|(kind, id)| ((*kind).to_owned(), *id))
                .collect(),
            effects,
            error: self.mischief.action_error.clone(),
            awaits: None,
            why: None,
            done: false,
            vanished: self.mischief.action_vanishes,
        };
        let shown = action.show(self.now);
        self.actions.insert(id, action);
        shown
    }

    /// Starts an action that ends when a server's machine is what it is to be.
    pub(crate) fn start_awaiting(
        &mut self,
        command: &str,
        server: u64,
        effects: Vec<Effect>,
        wish: Option<u64>,
    ) -> Value {
        let shown = self.start(command, &[("servers", server)], effects);
        let action = shown["id"].as_u64().and_then(|id| self.actions.get_mut(&id));
        if let (Some(action), Some(wish)) = (action, wish) {
            action.awaits = Some((server, wish));
        }
        shown
    }

    /// Changes what a server's machine is to be, where there are machines; returns the wish's number.
    pub(crate) fn wish(&mut self, server: u64, change: impl FnOnce(&mut Machine)) -> Option<u64> {
        self.machines.get_mut(&server).map(|machine| machine.wish(change))
    }

    /// Whether the action's wish is fulfilled, or why it never will be.
    fn outcome(&self, action: &Action) -> Option<Result<(), String>> {
        let machine = action
            .awaits
            .and_then(|(server, wish)| Some((self.machines.get(&server)?, wish)));
        let Some((machine, wish)) = machine else {
            return Some(Ok(()));
        };
        Some(machine.outcome(wish)?.map_err(str::to_owned))
    }

    pub(crate) fn action(&self, id: u64) -> Result<Value, Problem> {
        let action = self.actions.get(&id).filter(|action| !action.vanished);
        action
            .map(|action| action.show(self.now))
            .ok_or_else(|| Problem::not_found("action"))
    }

    /// Actions of a resource, newest last.
    pub(crate) fn actions_of(&self, kind: &str, id: u64) -> Vec<Value> {
        let of = |a: &&Action| a.resources.iter().any(|(k, i)| k == kind && *i == id);
        self.actions
            .values()
            .filter(of)
            .map(|action| action.show(self.now))
            .collect()
    }

    /// Brings the project to the present: what has ended by now has its effect, in the order it ended.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = now;
        let mut due: Vec<_> = self
            .actions
            .values()
            .filter(|a| !a.done && a.ends <= now)
            .filter_map(|a| Some((a.ends, a.id, self.outcome(a)?)))
            .collect();
        due.sort_by_key(|(ends, id, _)| (*ends, *id));
        for (_, id, outcome) in due {
            let Some(action) = self.actions.get_mut(&id) else {
                continue;
            };
            action.done = true;
            if action.awaits.is_some() {
                action.ends = now;
            }
            if let Err(why) = outcome {
                action.error.get_or_insert("server_error".into());
                action.why = Some(why);
            }
            if action.error.is_some() {
                continue;
            }
            for effect in action.effects.clone() {
                self.apply(effect);
            }
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Set { kind, id, fields } => {
                if let (Ok(Value::Object(resource)), Value::Object(fields)) =
                    (self.get_mut(&kind, id), fields)
                {
                    resource.extend(fields);
                }
            }
            Effect::Remove { kind, id } => {
                match kind.as_str() {
                    "servers" => {
                        server::detach_all(self, id);
                        self.machines.remove(&id);
                    }
                    "load_balancers" => load_balancer::leave_networks(self, id),
                    _ => {}
                }
                self.remove(&kind, id);
            }
        }
    }
}

fn check_labels(labels: &Value) -> Result<(), Problem> {
    let Some(labels) = labels.as_object() else {
        return Ok(());
    };
    for (key, value) in labels {
        if !valid_key(key) || !value.as_str().is_some_and(valid_value) {
            return Err(Problem::invalid("labels", format!("label `{key}` is invalid")));
        }
    }
    Ok(())
}
