//! A name out of a pool in a plan: what may be wrong with it, and its steps around the zone's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::name::SovereignName;
use sovereign_core::spec::{Domain, SovereignSpec};
use sovereign_dns::delegation::Patience;
use sovereign_dns::pool::look_alike::skeleton;
use sovereign_dns::pool::survey::{PoolAnswer, PoolServer};
use sovereign_dns::pool::{Allocation, LabelProblem, PoolName, State};
use sovereign_dns::registrar::NsSet;
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};

use crate::steps::{
    ActivateName, CreateZone, DelegateName, DelegatedName, HoldName, ProveServers, ValidateDelegation,
};

/// What was seen of a pool before the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolFacts {
    /// What each server says of the pool and the name.
    pub servers: Vec<PoolServer>,
    /// What the book holds, of every pool, without what is over already.
    pub allocations: Vec<Allocation>,
}

impl PoolFacts {
    /// What the book held at a moment.
    pub fn new(servers: Vec<PoolServer>, allocations: Vec<Allocation>, now: Timestamp) -> Self {
        let current = allocations
            .into_iter()
            .filter(|one| one.is_taken() && !one.state.is_over(now));
        Self {
            servers,
            allocations: current.collect(),
        }
    }
}

/// The name out of a pool that a spec asks for, where somebody is asked to answer for it.
pub fn wanted(spec: &SovereignSpec) -> Option<Result<PoolName, LabelProblem>> {
    spec.dns.as_ref()?;
    let Domain::Pool { pool, label } = &spec.domain else {
        return None;
    };
    // The spec's reader has seen to it that the pool is a name.
    let pool = pool.parse().ok()?;
    Some(label.parse().map(|label| PoolName { pool, label }))
}

/// Everything that is wrong with the name, or will be.
pub(super) fn check(spec: &SovereignSpec, facts: &PoolFacts) -> Vec<Finding> {
    let name = match wanted(spec) {
        None => return Vec::new(),
        Some(Ok(name)) => name,
        Some(Err(problem)) => {
            return vec![finding(
                Severity::Error,
                "pool.label",
                LABEL,
                problem.to_string(),
                "choose another label: `acme`, for example",
            )];
        }
    };
    let mut findings: Vec<Finding> = taken(&spec.name, &name, &facts.allocations).into_iter().collect();
    findings.extend(facts.servers.iter().flat_map(|server| says(&name, server)));
    findings.extend(below(spec, &name));
    findings
}

const LABEL: &str = "domain.label";
const POOL: &str = "domain.pool";

fn finding(severity: Severity, code: &str, path: &str, message: String, remedy: &str) -> Finding {
    Finding::new(severity, format!("preflight.{code}"), path, message, remedy)
}

/// Whose the name is in the book, or what looks like it.
fn taken(sovereign: &SovereignName, name: &PoolName, allocations: &[Allocation]) -> Option<Finding> {
    let in_pool = || allocations.iter().filter(|one| one.name.pool == name.pool);
    let error = |message, remedy: &str| Some(finding(Severity::Error, "pool.taken", LABEL, message, remedy));
    if let Some(own) = in_pool().find(|one| one.name == *name) {
        let by = &own.sovereign;
        return match &own.state {
            _ if by == sovereign => None,
            State::Quarantined { until } => error(
                format!("`{name}` was Sovereign `{by}`'s and is in quarantine until {until:.0}"),
                "choose another label, or wait until then",
            ),
            state => error(
                format!("`{name}` is {} by Sovereign `{by}`", state.word()),
                "choose another label",
            ),
        };
    }
    let another = in_pool().find(|one| one.sovereign == *sovereign && one.state.may_be_in_dns());
    if let Some(another) = another {
        return error(
            format!("this Sovereign has `{}` out of the pool already", another.name),
            "keep that label, or destroy the Sovereign first",
        );
    }
    let looks = skeleton(name.label.as_str());
    let alike = in_pool().find(|one| skeleton(one.name.label.as_str()) == looks)?;
    error(
        format!("`{name}` looks like `{}`, which is taken", alike.name),
        "choose another label",
    )
}

/// What a server says against it.
fn says(name: &PoolName, server: &PoolServer) -> Vec<Finding> {
    let (pool, at) = (&name.pool, &server.name);
    match &server.says {
        PoolAnswer::Nothing { why, remedy } => vec![finding(
            Severity::Error,
            "pool.server",
            POOL,
            format!("pool `{pool}` cannot be read: {why}"),
            remedy,
        )],
        PoolAnswer::Pool { signed, foreign } => {
            let unsigned = (!signed).then(|| {
                finding(
                    Severity::Warning,
                    "pool.unsigned",
                    POOL,
                    format!("pool `{pool}` is not signed at {at}: nobody can validate the names in it"),
                    "sign the zone: `pdnsutil secure-zone`, and give its DS to the parent",
                )
            });
            let foreign = foreign.as_ref().map(|there| {
                finding(
                    Severity::Error,
                    "pool.foreign",
                    LABEL,
                    format!("at {at} there is {there} for `{name}`"),
                    "choose another label; or take it away if it is yours to give",
                )
            });
            unsigned.into_iter().chain(foreign).collect()
        }
    }
}

/// A name server below the name would need glue, and would go with it.
fn below(spec: &SovereignSpec, name: &PoolName) -> Vec<Finding> {
    let Ok(child) = name.fqdn() else {
        return vec![finding(
            Severity::Error,
            "pool.label",
            LABEL,
            format!("`{name}` is too long for a domain name"),
            "choose a shorter label",
        )];
    };
    let nameservers = spec.dns.iter().flat_map(|dns| &dns.nameservers).enumerate();
    let inside = nameservers.filter(|(_, server)| {
        let server = server.parse::<sovereign_dns::DomainName>();
        server.is_ok_and(|server| server.is_within(&child))
    });
    let error = |(index, server): (usize, &String)| {
        finding(
            Severity::Error,
            "pool.nameserver",
            &format!("dns.nameservers[{index}]"),
            format!("name server `{server}` lies below `{name}`, which it is to answer for"),
            "name it by a name outside the Sovereign's own",
        )
    };
    inside.map(error).collect()
}

/// A step that makes the name the Sovereign's, where it is one out of a pool.
pub(super) fn hold(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
) -> Result<Option<StepRef<HoldName>>, PlanError> {
    let Some(Ok(name)) = wanted(spec) else {
        return Ok(None);
    };
    let title = format!("hold {name}");
    let step = HoldName {
        sovereign: spec.name.clone(),
        name,
    };
    plan.step(step_name("hold", &step.name), title, &step, &[])
        .map(Some)
}

/// Steps that make the name lead to the zone.
pub(super) fn delegate(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    hold: Option<StepRef<HoldName>>,
    zone: StepRef<CreateZone>,
) -> Result<(), PlanError> {
    let (Some(Ok(name)), Some(hold)) = (wanted(spec), hold) else {
        return Ok(());
    };
    let Some(led) = led(spec, &name) else {
        return Ok(());
    };
    let servers = ProveServers {
        name: led.clone(),
        zone: zone.clone(),
    };
    let title = format!("name servers of {name} answer for it");
    let of_zone = [zone.name().clone()];
    let servers = plan.step(step_name("servers", &name), title, &servers, &of_zone)?;
    let after = [hold.name().clone(), zone.name().clone(), servers.name().clone()];
    let delegate = DelegateName {
        sovereign: spec.name.clone(),
        name: name.clone(),
        nameservers: led.nameservers.hosts().to_vec(),
        hold: hold.clone(),
        zone,
    };
    let title = format!("delegate {name} in {}", name.pool);
    let delegated = plan.step(step_name("delegate", &name), title, &delegate, &after)?;
    let proven = validate(plan, led, &name, delegated.name())?;
    let activate = ActivateName {
        sovereign: spec.name.clone(),
        name,
        hold: hold.clone(),
    };
    let title = format!("note that {} leads here", activate.name);
    let after = [hold.name().clone(), proven];
    plan.step(step_name("activate", &activate.name), title, &activate, &after)?;
    Ok(())
}

/// The name and the servers that it is to be led to; the spec's reader has seen to it that they are names.
fn led(spec: &SovereignSpec, name: &PoolName) -> Option<DelegatedName> {
    let nameservers = spec.dns.iter().flat_map(|dns| &dns.nameservers);
    Some(DelegatedName {
        sovereign: spec.name.clone(),
        domain: name.fqdn().ok()?,
        nameservers: NsSet::read(nameservers).ok()?,
        patience: Patience::default(),
    })
}

/// The proof from the root down: every server answers, and the chain of trust holds where the pool is signed. Its name comes back.
fn validate(
    plan: &mut PlanBuilder,
    led: DelegatedName,
    name: &PoolName,
    after: &StepName,
) -> Result<StepName, PlanError> {
    let step = ValidateDelegation { name: led, way: None };
    let title = format!("delegation of {name} proven from the root");
    let name = StepName::new(format!("delegation/validate/{name}"));
    plan.step(name.clone(), title, &step, std::slice::from_ref(after))?;
    Ok(name)
}

fn step_name(act: &str, name: &PoolName) -> StepName {
    StepName::new(format!("pool/{act}/{name}"))
}
