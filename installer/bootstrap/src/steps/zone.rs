//! The Sovereign's zone: made complete and signed, proven by asking, and removed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use sovereign_core::event::EventKind;
use sovereign_core::name::SovereignName;
use sovereign_dns::check::still_answers;
use sovereign_dns::record::Ds;
use sovereign_dns::sovereign_zone::served_names;
use sovereign_dns::transfer::{self, Secondary, Supply, check_secondaries, dismiss, is_supplied};
use sovereign_dns::{
    DnsError, DomainName, ErrorClass, Mailbox, Published, SovereignNames, ZoneFinding, ZoneMark, ZoneRequest,
    check_zone, look, publish, sovereign_zone, withdraw,
};
use sovereign_engine::journal::Run;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::load_balancer::CreateLoadBalancer;
use super::made::Made;
use crate::services::Services;

/// Findings named in an error; the rest is counted.
const NAMED: usize = 5;

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
        cx.waiting("the name servers", &format!("making zone `{}`", self.zone));
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
        let planned = run.plan.steps.iter().find(|step| step.kind == Self::KIND)?;
        let step: Self = serde_json::from_value(planned.params.clone()).ok()?;
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
        let balancers: Option<Vec<Made>> = step.balancers.iter().map(made).collect();
        let request = step.request(&balancers?).ok()?;
        Some((step, request))
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
            caa: BTreeSet::new(),
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
    withdraw(hosts, zone, &mark).await.map_err(dns_error)?;
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
