//! What a cloud holds, without what differs from run to run: ids, addresses, times.

use std::collections::BTreeMap;

use serde_json::Value;

/// Resources by kind and name with what they hang on. Two runs that did the same have equal shapes; a duplicate shows as a count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape(BTreeMap<String, usize>);

impl Shape {
    /// The shape of the lab's first project.
    pub(crate) fn of(status: &Value) -> Self {
        let project = &status["projects"]["lab"];
        let names = Names::of(project);
        let mut shape = BTreeMap::new();
        for (kind, all) in project.as_object().into_iter().flatten() {
            for resource in all.as_array().into_iter().flatten() {
                *shape.entry(line(kind, resource, &names)).or_default() += 1;
            }
        }
        Self(shape)
    }

    /// Nothing is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of a kind.
    pub(crate) fn count(&self, kind: &str) -> usize {
        let of_kind = self
            .0
            .iter()
            .filter(|(line, _)| line.split(' ').next() == Some(kind));
        of_kind.map(|(_, count)| count).sum()
    }
}

/// Names by kind and id.
struct Names(BTreeMap<(String, u64), String>);

impl Names {
    fn of(project: &Value) -> Self {
        let mut names = BTreeMap::new();
        for (kind, all) in project.as_object().into_iter().flatten() {
            for resource in all.as_array().into_iter().flatten() {
                let name = resource["name"].as_str().unwrap_or_default();
                names.insert(
                    (kind.clone(), resource["id"].as_u64().unwrap_or_default()),
                    name.to_owned(),
                );
            }
        }
        Self(names)
    }

    fn name(&self, kind: &str, id: &Value) -> String {
        let id = id.as_u64().unwrap_or_default();
        self.0.get(&(kind.to_owned(), id)).cloned().unwrap_or_default()
    }
}

fn line(kind: &str, resource: &Value, names: &Names) -> String {
    let (name, labels) = (resource["name"].as_str().unwrap_or_default(), &resource["labels"]);
    let each = |list: &Value, kind: &str, key: &str| {
        let mut all: Vec<String> = list
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| names.name(kind, if key.is_empty() { item } else { &item[key] }))
            .collect();
        all.sort();
        all.join("+")
    };
    match kind {
        "servers" => format!(
            "servers {name} {labels} {} in {} group {}",
            resource["status"],
            each(&resource["private_net"], "networks", "network"),
            names.name("placement_groups", &resource["placement_group"]["id"]),
        ),
        "load_balancers" => {
            let targets = resource["targets"].as_array().map_or(0, Vec::len);
            let nets = each(&resource["private_net"], "networks", "network");
            format!("load_balancers {name} {labels} in {nets} with {targets} targets")
        }
        "firewalls" => format!("firewalls {name} {labels} {}", resource["rules"]),
        // The cloud names them after their own id.
        "primary_ips" => format!(
            "primary_ips {} {}",
            resource["type"],
            resource["assignee_id"].is_u64()
        ),
        _ => format!("{kind} {name} {labels}"),
    }
}
