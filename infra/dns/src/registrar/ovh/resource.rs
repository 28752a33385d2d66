//! A domain as `OVHcloud` shows it: how it is, how it shall be, and the tasks in between.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::name::DomainName;
use crate::record::Dnskey;
use crate::registrar::delegation::{Delegation, Glue, Signer, TargetNs, UnderWay, digests};
use crate::registrar::host::Task;
use crate::registrar::ns_set::NsSet;
use crate::registrar::vendor::Change;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) checksum: String,
    #[serde(rename = "resourceStatus")]
    readiness: String,
    current_state: CurrentState,
    /// Kept whole: what is not ours to change goes back as it came.
    target_spec: Value,
    #[serde(default)]
    current_tasks: Vec<CurrentTask>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CurrentState {
    main_state: String,
    #[serde(default)]
    suspension_state: String,
    dns_configuration: DnsConfiguration,
    #[serde(default)]
    dnssec_configuration: DnssecConfiguration,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DnsConfiguration {
    configuration_type: String,
    name_servers: Vec<NameServer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DnssecConfiguration {
    ds_data: Vec<DsData>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NameServer {
    #[serde(rename = "nameServer")]
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipv4: Option<Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipv6: Option<Ipv6Addr>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DsData {
    algorithm: u8,
    flags: u16,
    key_tag: u16,
    public_key: String,
}

#[derive(Debug, Deserialize)]
struct CurrentTask {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
}

impl CurrentTask {
    fn is_running(&self) -> bool {
        !matches!(self.status.as_str(), "DONE" | "ERROR" | "CANCELLED")
    }
}

/// Where a task stands.
pub(super) enum TaskState {
    Gone,
    Running(String),
    Failed(String),
}

impl Resource {
    /// What keeps the domain from being changed.
    pub(super) fn obstacle(&self) -> Option<String> {
        let state = &self.current_state;
        if state.main_state != "OK" {
            return Some(format!("the domain's state is `{}`", state.main_state));
        }
        if state.suspension_state == "SUSPENDED" {
            return Some("the domain is suspended".to_owned());
        }
        // The contract: "accepted only in `READY`, `UPDATING` or `ERROR` status".
        let open = ["READY", "UPDATING", "ERROR"].contains(&self.readiness.as_str());
        (!open).then(|| format!("the resource's status is `{}`", self.readiness))
    }

    pub(super) fn running_task(&self) -> Option<String> {
        let running = self.current_tasks.iter().find(|task| task.is_running());
        running.map(|task| task.id.clone())
    }

    pub(super) fn task(&self, id: &str) -> TaskState {
        let Some(task) = self.current_tasks.iter().find(|task| task.id == id) else {
            return TaskState::Gone;
        };
        let what = format!("task {id} ({}) is {}", task.kind, task.status);
        match task.status.as_str() {
            "DONE" => TaskState::Gone,
            "ERROR" | "CANCELLED" => TaskState::Failed(what),
            _ => TaskState::Running(what),
        }
    }

    /// What stands at the registry now, and where a running task leads. An error in words if a part cannot be read.
    pub(super) fn delegation(&self, domain: &DomainName) -> Result<Delegation, String> {
        let dns = &self.current_state.dns_configuration;
        let ns = names(&dns.name_servers)?;
        let ds = signers(domain, &self.current_state.dnssec_configuration.ds_data)?;
        let under_way = match self.running_task() {
            Some(id) => self.ahead(domain, id, &ns, &ds)?,
            None => None,
        };
        Ok(Delegation {
            // Types: ANYCAST, DEDICATED, EMPTY, EXTERNAL, HOLD, HOSTING, MIXED, PARKING.
            uses_provider_default: !matches!(dns.configuration_type.as_str(), "EXTERNAL" | "MIXED" | "EMPTY"),
            ns,
            ds: Some(ds),
            glue: Some(glue(domain, &dns.name_servers)),
            version: Some(self.checksum.clone()),
            under_way,
        })
    }

    /// A running task concerns the delegation if what is wanted of it differs from what is.
    fn ahead(
        &self,
        domain: &DomainName,
        id: String,
        ns: &NsSet,
        ds: &[Signer],
    ) -> Result<Option<UnderWay>, String> {
        let part = |path: &str| self.target_spec.pointer(path).filter(|it| it.is_array()).cloned();
        let unreadable = |error: serde_json::Error| format!("`targetSpec`: {error}");
        let hosts = match part("/dnsConfiguration/nameServers") {
            Some(list) => {
                let list: Vec<NameServer> = serde_json::from_value(list).map_err(unreadable)?;
                names(&list)?
            }
            None => ns.clone(),
        };
        let keys = match part("/dnssecConfiguration/dsData") {
            Some(list) => {
                let list: Vec<DsData> = serde_json::from_value(list).map_err(unreadable)?;
                signers(domain, &list)?
            }
            None => ds.to_vec(),
        };
        let same = hosts == *ns && digests(&keys) == digests(ds);
        Ok((!same).then_some(UnderWay {
            task: Task { id: Some(id) },
            ns: Some(hosts),
            ds: Some(keys),
        }))
    }

    /// The specification with a change made to it. Name servers and keys that do not change are named as they are, and not as an
    /// earlier task that failed wanted them.
    pub(super) fn target_spec(&self, domain: &DomainName, present: &Delegation, change: &Change) -> Value {
        let ns = match &change.ns {
            Some(TargetNs::Own(ns)) => ns,
            _ => &present.ns,
        };
        let ds = change.ds.as_deref().or(present.ds.as_deref());
        let server = |host: &DomainName| {
            let known = present.glue.as_ref().and_then(|glue| glue.get(host));
            let addresses = change.glue.get(host).or(known);
            let addresses = addresses.filter(|_| host.is_within(domain)).into_iter().flatten();
            NameServer::new(host, addresses)
        };
        let servers: Vec<NameServer> = ns.hosts().iter().map(server).collect();
        let keys: Vec<DsData> = ds.unwrap_or_default().iter().filter_map(DsData::of).collect();
        let mut spec = self.target_spec.clone();
        spec["dnsConfiguration"]["nameServers"] = json!(servers);
        spec["dnssecConfiguration"]["dsData"] = json!(keys);
        spec
    }
}

impl NameServer {
    /// The resource has room for one address of each family.
    fn new<'a>(host: &DomainName, addresses: impl Iterator<Item = &'a IpAddr>) -> Self {
        let mut server = Self {
            host: host.to_string(),
            ipv4: None,
            ipv6: None,
        };
        for address in addresses {
            match address {
                IpAddr::V4(v4) => server.ipv4 = Some(*v4),
                IpAddr::V6(v6) => server.ipv6 = Some(*v6),
            }
        }
        server
    }
}

impl DsData {
    /// None where the key itself is not known.
    fn of(signer: &Signer) -> Option<Self> {
        let key = signer.key.as_ref()?;
        Some(Self {
            algorithm: key.algorithm,
            flags: key.flags,
            key_tag: signer.ds.key_tag,
            public_key: key.public_key.clone(),
        })
    }
}

fn names(servers: &[NameServer]) -> Result<NsSet, String> {
    NsSet::read(servers.iter().map(|server| &server.host)).map_err(|error| error.to_string())
}

fn signers(domain: &DomainName, data: &[DsData]) -> Result<Vec<Signer>, String> {
    let signer = |data: &DsData| {
        let key = Dnskey {
            flags: data.flags,
            algorithm: data.algorithm,
            public_key: data.public_key.split_ascii_whitespace().collect(),
        };
        let ds = key.ds(domain).map_err(|error| error.to_string())?;
        Ok(Signer { ds, key: Some(key) })
    };
    data.iter().map(signer).collect()
}

fn glue(domain: &DomainName, servers: &[NameServer]) -> Glue {
    let mut glue = Glue::new();
    for server in servers {
        let v4 = server.ipv4.map(IpAddr::V4);
        let addresses: BTreeSet<IpAddr> = v4.into_iter().chain(server.ipv6.map(IpAddr::V6)).collect();
        let host = server.host.parse::<DomainName>().ok();
        if let Some(host) = host.filter(|host| host.is_within(domain) && !addresses.is_empty()) {
            glue.insert(host, addresses);
        }
    }
    glue
}
