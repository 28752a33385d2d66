//! The Sovereign's zone: made complete and signed, proven by asking, and removed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::event::EventKind;
use sovereign_core::name::SovereignName;
use sovereign_dns::check::still_answers;
use sovereign_dns::health::Region;
use sovereign_dns::publish::lead;
use sovereign_dns::record::{Caa, Ds, LuaRule};
use sovereign_dns::sovereign_zone::served_names;
use sovereign_dns::transfer::{self, Secondary, Supply, check_secondaries, dismiss, is_supplied};
use sovereign_dns::trial::try_lua;
use sovereign_dns::{
    DnsError, DomainName, ErrorClass, Mailbox, Published, SovereignNames, ZoneFinding, ZoneMark, ZoneRequest,
    check_zone, look, publish, sovereign_zone,
};
use sovereign_engine::journal::Run;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::load_balancer::CreateLoadBalancer;
use super::made::Made;
use super::pool::remove_zone;
use crate::services::Services;

/// Findings named in an error; the rest is counted.
const NAMED: usize = 5;
/// How long servers and secondaries may take to answer as wanted.
const DEADLINE: Duration = Duration::from_mins(15);

/// Makes the zone on every server that answers for it, and asks each of them for everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateZone {
    /// Whose it is.
    pub sovereign: SovereignName,
    /// Its name.
    pub zone: DomainName,
    /// Name servers of the zone.
    pub nameservers: Vec<DomainName>,
    /// Who is in charge of it.
    pub contact: Mailbox,
    /// Load balancers that its names lead to.
    pub balancers: Vec<StepRef<CreateLoadBalancer>>,
    /// Addresses that its names lead to beside those.
    pub addresses: Vec<IpAddr>,
    /// Servers that have the zone from the first of those it is made on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondaries: Vec<SocketAddr>,
    /// The catalog that tells them of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<DomainName>,
    /// How the servers choose among the addresses when they are asked; all of them where there is no rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<LuaRule>,
    /// Who may issue certificates for its names; anybody where this is empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub caa: BTreeSet<Caa>,
    /// Longest time for it to answer everywhere, in seconds; a step's own where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_within: Option<u64>,
}

/// A zone that answers, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeZone {
    /// Its name.
    pub zone: DomainName,
    /// What a parent is to publish.
    pub ds: Vec<Ds>,
}

impl Step for CreateZone {
    const KIND: &'static str = "zone.create";
    type Services = Services;
    type Output = MadeZone;

    fn deadline(&self) -> Duration {
        self.proven_within.map_or(DEADLINE, Duration::from_secs)
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<MadeZone>, StepError> {
        let request = self.wanted(cx)?;
        let Some(published) = look(&cx.services.zones, &request).await.map_err(dns_error)? else {
            return Ok(None);
        };
        let supply = self.supply(cx.services)?;
        if let Some(primary) = cx.services.zones.first()
            && !is_supplied(&**primary, &self.zone, &supply)
                .await
                .map_err(dns_error)?
        {
            return Ok(None);
        }
        let findings = check(cx.services, &request, &published, &supply).await?;
        Ok(findings.is_empty().then(|| self.made(published)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<MadeZone, StepError> {
        let request = self.wanted(cx)?;
        if self.rule.is_some() {
            cx.waiting("the name servers", "trying LUA records");
            let known = secondaries(cx.services, &self.secondaries)?;
            let tried = try_lua(&cx.services.zones, &known, &request).await;
            tried.map_err(dns_error)?;
        }
        cx.waiting("the name servers", &format!("making zone `{}`", self.zone));
        lead(&cx.services.zones, &request).await;
        let published = publish(&cx.services.zones, &request).await.map_err(dns_error)?;
        let supply = self.supply(cx.services)?;
        if let Some(primary) = cx.services.zones.first() {
            cx.waiting("the secondaries", &format!("giving them zone `{}`", self.zone));
            let mark = ZoneMark::of(&self.sovereign);
            let supplied = transfer::supply(&**primary, &self.zone, &mark, &supply).await;
            supplied.map_err(dns_error)?;
        }
        cx.waiting("the zone to answer", "asking for every name in it");
        match check(cx.services, &request, &published, &supply)
            .await?
            .as_slice()
        {
            [] => Ok(self.made(published)),
            findings => Err(not_yet(&self.zone, findings)),
        }
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        remove(cx, &self.sovereign, &self.zone).await
    }
}

impl CreateZone {
    fn supply(&self, services: &Services) -> Result<Supply, StepError> {
        Ok(Supply {
            secondaries: secondaries(services, &self.secondaries)?,
            catalog: self.catalog.clone(),
        })
    }

    fn made(&self, published: Published) -> MadeZone {
        MadeZone {
            zone: self.zone.clone(),
            ds: published.ds,
        }
    }

    /// Names in the zone that lead to the Sovereign, without a trailing dot.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = served_names(&self.zone).unwrap_or_default();
        names.iter().map(|name| name.as_str().to_owned()).collect()
    }

    /// The zone that a run made, or was to make, and its step. None where its plan has no zone, or has not come so far that all
    /// addresses are known.
    pub fn of(run: &Run) -> Option<(Self, ZoneRequest)> {
        let step = Self::planned(run)?;
        let request = step.request(&step.balancers_made(run)?).ok()?;
        Some((step, request))
    }

    /// The same zone, with names that lead to these addresses alone.
    #[must_use]
    pub fn leading_to(&self, addresses: Vec<IpAddr>, rule: Option<LuaRule>) -> Self {
        Self {
            balancers: Vec::new(),
            addresses,
            rule,
            proven_within: None,
            ..self.clone()
        }
    }

    /// The zone as it is wanted, where it leads to addresses alone.
    pub fn request_now(&self) -> Option<ZoneRequest> {
        if self.balancers.is_empty() {
            self.request(&[]).ok()
        } else {
            None
        }
    }

    /// Where a run led the names: a region for each load balancer, by its name, and one for each other address. None as for
    /// [`Self::of`].
    pub fn regions(run: &Run) -> Option<Vec<Region>> {
        let step = Self::planned(run)?;
        let of_balancers = step.balancers_made(run)?.into_iter().map(|made| {
            let ipv4 = made.public_ipv4.map(IpAddr::V4);
            Region {
                name: made.name,
                addresses: ipv4.into_iter().chain(made.public_ipv6.map(IpAddr::V6)).collect(),
            }
        });
        let of_addresses = step.addresses.iter().map(|address| Region {
            name: address.to_string(),
            addresses: [*address].into(),
        });
        let regions = of_balancers.chain(of_addresses);
        Some(regions.filter(|region| !region.addresses.is_empty()).collect())
    }

    fn planned(run: &Run) -> Option<Self> {
        let planned = run.plan.steps.iter().find(|step| step.kind == Self::KIND)?;
        serde_json::from_value(planned.params.clone()).ok()
    }

    /// The load balancers as the run made them.
    fn balancers_made(&self, run: &Run) -> Option<Vec<Made>> {
        let made = |balancer: &StepRef<CreateLoadBalancer>| {
            let outputs = run
                .events
                .iter()
                .rev()
                .filter(|event| event.step.as_deref() == Some(balancer.name().as_str()));
            let output = outputs.filter_map(|event| match &event.kind {
                EventKind::StepSucceeded { output, .. } => Some(output.clone()),
                _ => None,
            });
            output.map(serde_json::from_value).next()?.ok()
        };
        self.balancers.iter().map(made).collect()
    }

    fn wanted(&self, cx: &StepContext<'_, Services>) -> Result<ZoneRequest, StepError> {
        let made: Result<Vec<Made>, StepError> = self
            .balancers
            .iter()
            .map(|balancer| cx.output(balancer))
            .collect();
        self.request(&made?)
    }

    fn request(&self, balancers: &[Made]) -> Result<ZoneRequest, StepError> {
        let (ipv4, ipv6) = self.addresses(balancers);
        if ipv4.is_empty() && ipv6.is_empty() {
            return Err(StepError::Fatal {
                cause: format!("the names of zone `{}` would lead nowhere: no load balancer or machine has a public address", self.zone),
                remedy: "give the load balancers public addresses, or name machines by their IP addresses in the spec".into(),
            });
        }
        sovereign_zone(&SovereignNames {
            mark: ZoneMark::of(&self.sovereign),
            apex: self.zone.clone(),
            nameservers: self.nameservers.clone(),
            contact: self.contact.clone(),
            ipv4,
            ipv6,
            caa: self.caa.clone(),
            rule: self.rule.clone(),
        })
        .map_err(|error| StepError::Fatal {
            cause: format!("the names of zone `{}` cannot be formed: {error}", self.zone),
            remedy: "choose a shorter domain name".into(),
        })
    }

    fn addresses(&self, balancers: &[Made]) -> (BTreeSet<Ipv4Addr>, BTreeSet<Ipv6Addr>) {
        let (mut ipv4, mut ipv6) = (BTreeSet::new(), BTreeSet::new());
        for made in balancers {
            ipv4.extend(made.public_ipv4);
            ipv6.extend(made.public_ipv6);
        }
        for address in &self.addresses {
            match address {
                IpAddr::V4(address) => drop(ipv4.insert(*address)),
                IpAddr::V6(address) => drop(ipv6.insert(*address)),
            }
        }
        (ipv4, ipv6)
    }
}

/// Removes the zone from every server, and sees that none answers for it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoveZone {
    /// Whose it is; a zone of somebody else stays.
    pub sovereign: SovereignName,
    /// Its name.
    pub zone: DomainName,
}

impl Step for RemoveZone {
    const KIND: &'static str = "zone.delete";
    type Services = Services;
    type Output = ();

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        remove(cx, &self.sovereign, &self.zone).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

async fn remove(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    zone: &DomainName,
) -> Result<(), StepError> {
    let mark = ZoneMark::of(sovereign);
    let hosts = &cx.services.zones;
    remove_zone(cx, sovereign, zone).await?;
    let dismissed = dismiss(&cx.services.secondaries, zone, &mark)
        .await
        .map_err(dns_error)?;
    for host in hosts.iter().map(|host| &**host).chain(dismissed) {
        // A zone of that name that is left is somebody else's.
        if host.find(zone).await.map_err(dns_error)?.is_some() {
            continue;
        }
        if let Some(finding) = still_answers(host, zone).await.map_err(dns_error)? {
            return Err(not_yet(zone, &[finding]));
        }
    }
    Ok(())
}

/// What is wrong with the zone at its servers and their secondaries.
async fn check(
    services: &Services,
    request: &ZoneRequest,
    published: &Published,
    supply: &Supply,
) -> Result<Vec<ZoneFinding>, StepError> {
    let mut findings = check_zone(&services.zones, request, published)
        .await
        .map_err(dns_error)?;
    if let Some(primary) = services.zones.first() {
        let more = check_secondaries(&**primary, request, published, supply).await;
        findings.extend(more.map_err(dns_error)?);
    }
    Ok(findings)
}

/// The secondaries of a plan, with the APIs that the spec gives them.
pub(super) fn secondaries(services: &Services, planned: &[SocketAddr]) -> Result<Vec<Secondary>, StepError> {
    let known = |address: &SocketAddr| {
        let found = services
            .secondaries
            .iter()
            .find(|secondary| secondary.address == *address);
        found.cloned().ok_or_else(|| StepError::Fatal {
            cause: format!("the plan has secondary name server {address}, and the spec names it no more"),
            remedy: "give the spec its `dns.secondaries` back, or plan again".into(),
        })
    };
    planned.iter().map(known).collect()
}

pub(super) fn not_yet(zone: &DomainName, findings: &[ZoneFinding]) -> StepError {
    let named: Vec<String> = findings.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match findings.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    StepError::Retry {
        cause: format!(
            "zone `{zone}` does not answer as it should: {}{more}",
            named.join("; ")
        ),
        after: None,
        unsettled: true,
    }
}

/// A name server's error as a step's.
pub(super) fn dns_error(error: DnsError) -> StepError {
    let cause = error.to_string();
    match error.class {
        ErrorClass::Retry | ErrorClass::Unsettled => StepError::Retry {
            cause,
            after: None,
            unsettled: error.class == ErrorClass::Unsettled,
        },
        ErrorClass::Stop | ErrorClass::Taken | ErrorClass::NotFound => StepError::Fatal {
            cause,
            remedy: error.remedy,
        },
    }
}
