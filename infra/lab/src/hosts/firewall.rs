//! Firewalls: what the API says, as an nftables ruleset of the router.
//!
//! Filtered is what is forwarded from and to a host's public link. Private networks do not pass the router, and
//! metadata and DHCP come from the router itself, so neither is touched.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Finding, HostError, Part, Picture, command, namespace};
use crate::label_selector::LabelSelector;

mod rule;

pub(crate) use rule::{Direction, Rule};

/// The router's table of rules.
const TABLE: &str = "inet sovereign_lab";

/// Keeps the router's rules as the projects want them.
#[derive(Debug)]
pub(crate) struct Firewalls {
    router: String,
    applied: Option<String>,
}

impl Firewalls {
    /// Filters in the namespace `router`.
    pub(crate) fn new(router: impl Into<String>) -> Self {
        Self {
            router: router.into(),
            applied: None,
        }
    }
}

#[async_trait]
impl Part for Firewalls {
    async fn follow(&mut self, picture: &Picture) -> Result<Vec<Finding>, HostError> {
        let wanted = ruleset(picture);
        if self.applied.as_ref() != Some(&wanted) {
            self.applied = None;
            let net = format!("--net={}", namespace::path(&self.router).display());
            command::feed("nsenter", [&net, "nft", "-f", "-"], &wanted).await?;
            self.applied = Some(wanted);
        }
        Ok(Vec::new())
    }

    /// Rules go with the router's namespace.
    async fn stop(&mut self) {}
}

/// The whole ruleset, to be loaded at once: either all of it holds or what held before.
fn ruleset(picture: &Picture) -> String {
    let mut chains = String::new();
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for server in &picture.servers {
        let rules = rules_of(picture, server);
        let Some((id, rules)) = server["id"].as_u64().zip(rules) else {
            continue;
        };
        to.push(format!("\"p{id}\" : jump in_{id}"));
        chains += &chain(&format!("in_{id}"), &rules, Direction::In);
        // As the vendor says: without a rule for it, outbound traffic is free.
        if rules.iter().any(|rule| rule.direction == Direction::Out) {
            from.push(format!("\"p{id}\" : jump out_{id}"));
            chains += &chain(&format!("out_{id}"), &rules, Direction::Out);
        }
    }
    let jumps = [("iifname", from), ("oifname", to)]
        .into_iter()
        .filter(|(_, jumps)| !jumps.is_empty())
        .map(|(field, jumps)| format!("\t\t{field} vmap {{ {} }}\n", jumps.join(", ")))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{chains}\
         \tchain forward {{\n\t\ttype filter hook forward priority filter; policy accept;\n\
         \t\tct state established,related accept\n{jumps}\t}}\n}}\n"
    )
}

/// Allowed traffic returns, so that the other end's firewall is asked, too.
fn chain(name: &str, rules: &[Rule], direction: Direction) -> String {
    let allowed = rules
        .iter()
        .filter(|rule| rule.direction == direction)
        .flat_map(Rule::matches)
        .map(|line| format!("\t\t{line} return\n"))
        .collect::<Vec<_>>()
        .concat();
    format!("\tchain {name} {{\n{allowed}\t\tdrop\n\t}}\n")
}

/// The rules of every firewall on a server; nothing where it has no firewall.
fn rules_of(picture: &Picture, server: &Value) -> Option<Vec<Rule>> {
    let firewalls: Vec<&Value> = picture
        .firewalls
        .iter()
        .filter(|firewall| covers(firewall, server))
        .collect();
    let rules = firewalls
        .iter()
        .flat_map(|firewall| firewall["rules"].as_array().into_iter().flatten());
    // The API refuses what cannot be read; should one slip through, it allows nothing.
    let rules = rules.filter_map(|rule| Rule::read(rule).ok()).collect();
    (!firewalls.is_empty()).then_some(rules)
}

/// Whether a firewall is applied to a server, by number or label.
fn covers(firewall: &Value, server: &Value) -> bool {
    let applied = firewall["applied_to"].as_array().into_iter().flatten();
    applied.into_iter().any(|entry| {
        let selector = entry["label_selector"]["selector"].as_str();
        let selector = selector.and_then(|text| text.parse::<LabelSelector>().ok());
        entry["server"]["id"] == json!(server["id"].as_u64())
            || selector.is_some_and(|selector| selector.matches(&server["labels"]))
    })
}

#[cfg(test)]
#[path = "firewall_tests.rs"]
mod tests;
