//! The lab's switches for registrars: what the owner of a domain does in the web interface, and what goes wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contract::RegistrarVendor;
use super::fault::RegistrarFault;
use super::registry::{DsData, RegisteredDomain};
use super::server::RegistrarSim;

/// Registrars by their vendor.
pub(crate) type Registrars = BTreeMap<RegistrarVendor, RegistrarSim>;

/// A registrar, seen from the desk of whoever runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarView {
    /// Whose contract.
    pub vendor: RegistrarVendor,
    /// Where it answers: scheme, host and port.
    pub url: String,
    /// The credential, as a spec writes it.
    pub credential: String,
    /// Its secrets, by the environment variables that the credential names; worth nothing elsewhere.
    pub variables: BTreeMap<String, String>,
    /// Requests that its API was sent.
    pub requests: usize,
    /// The account's domains.
    pub domains: BTreeMap<String, RegisteredDomain>,
}

/// A change by a domain's owner; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnersChange {
    /// Its name servers.
    pub ns: Option<Vec<String>>,
    /// Data of its DS records.
    pub ds: Option<Vec<String>>,
    /// Whether anybody may change it through the API.
    pub locked: Option<bool>,
}

/// Shows a registrar.
fn view(sim: &RegistrarSim) -> RegistrarView {
    RegistrarView {
        vendor: sim.vendor(),
        url: sim.url(),
        credential: sim.vendor().credential(),
        variables: sim.variables().into_iter().collect(),
        requests: sim.registry().seen(),
        domains: sim.registry().domains(),
    }
}

/// Does as told with one registrar.
pub(crate) async fn answer(registrars: &Registrars, verb: &str, body: &Value) -> Result<Value, String> {
    match verb {
        "show" => {
            let views: Vec<RegistrarView> = registrars.values().map(view).collect();
            return Ok(json!(views));
        }
        "change" => {
            let domain = body["domain"].as_str().unwrap_or_default();
            change(registrars, domain, read(&body["change"])?).await?;
        }
        "fault" => {
            let fault: RegistrarFault = read(&body["fault"])?;
            find(registrars, body)?.registry().fault(fault);
        }
        "heal" => find(registrars, body)?.registry().clear_faults(),
        "revoke" => find(registrars, body)?.revoke(),
        _ => return Err("no such switch".into()),
    }
    Ok(json!({"done": true}))
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| error.to_string())
}

fn find<'a>(registrars: &'a Registrars, body: &Value) -> Result<&'a RegistrarSim, String> {
    let vendor: RegistrarVendor = read(&body["vendor"])?;
    let found = registrars.get(&vendor);
    found.ok_or_else(|| {
        format!("this lab has no registrar `{vendor}`: start it with `--registrar {vendor}:DOMAIN`")
    })
}

async fn change(registrars: &Registrars, domain: &str, change: OwnersChange) -> Result<(), String> {
    let has = |sim: &&RegistrarSim| sim.registry().domain(domain).is_some() || sim.registry().hosts(domain);
    let sim = registrars
        .values()
        .find(has)
        .ok_or_else(|| format!("no registrar of this lab has `{domain}`"))?;
    let mut entry = sim
        .registry()
        .domain(domain)
        .unwrap_or_else(|| RegisteredDomain::fresh(sim.vendor()));
    if let Some(ns) = change.ns {
        entry.uses_default = ns.is_empty();
        entry.ns = if ns.is_empty() {
            sim.vendor().default_ns()
        } else {
            ns
        };
    }
    if let Some(ds) = change.ds {
        entry.ds = ds
            .iter()
            .map(|ds| ds.parse())
            .collect::<Result<Vec<DsData>, _>>()?;
    }
    entry.locked = change.locked.unwrap_or(entry.locked);
    sim.put(domain, entry).await;
    Ok(())
}
