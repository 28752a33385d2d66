//! `sovereign zone health`: leads a zone's names to what answers, or has its servers choose.

mod control;
mod event;
mod lua;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use sovereign_bootstrap::steps::CreateZone;
use sovereign_bootstrap::zone_of;
use sovereign_dns::health::{Region, addresses};
use sovereign_dns::zone::Zone;
use sovereign_dns::{DnsError, DomainName, ErrorClass, ZoneHost, ZoneRequest};
use sovereign_engine::journal::Journal as _;

use crate::cli::ZoneHealth;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::purpose::Purpose;
use crate::runner;
use crate::target::Target;
use crate::wiring::App;

/// Longest time in which a change is proven everywhere, in seconds: after that it is looked again at what answers.
const PROVEN_WITHIN: u64 = 60;

/// Watches the regions, or has the servers do it.
pub(super) async fn run(app: &App, args: ZoneHealth) -> Result<Exit, CliError> {
    let target = Target::load(app, &args.target).await?;
    let place = Place::of(app, target, &args.regions).await?;
    match args.lua {
        Some(word) => lua::choose(&place, word, &args.check).await,
        None => control::watch(&place, &args).await,
    }
}

/// A zone and the regions that its names may lead to.
#[derive(Debug)]
struct Place<'a> {
    app: &'a App,
    target: Target,
    regions: Vec<Region>,
}

impl<'a> Place<'a> {
    async fn of(app: &'a App, target: Target, named: &[Region]) -> Result<Self, CliError> {
        let name = &target.spec.name;
        let build = app.last_build(name).await?;
        if build
            .as_ref()
            .is_some_and(|run| Purpose::of(&run.plan) == Purpose::Destroy)
        {
            return Err(CliError::NoZone {
                name: name.to_string(),
            });
        }
        let regions = if named.is_empty() {
            build.as_ref().and_then(CreateZone::regions).unwrap_or_default()
        } else {
            named.to_vec()
        };
        if addresses(&regions).is_empty() {
            return Err(CliError::NoRegions {
                name: name.to_string(),
            });
        }
        Ok(Self { app, target, regions })
    }

    fn addresses(&self) -> BTreeSet<IpAddr> {
        addresses(&self.regions)
    }

    /// The zone as it was wanted last. An installer that has never worked on it, such as one that only watches, knows what the spec
    /// says.
    async fn wanted(&self) -> Result<(CreateZone, Option<ZoneRequest>), CliError> {
        match super::wanted(self.app, &self.target.spec.name).await {
            Ok((step, request)) => Ok((step, Some(request))),
            Err(error) => match zone_of(&self.target.spec) {
                Some(step) if matches!(error, CliError::NoZone { .. }) => Ok((step, None)),
                _ => Err(error),
            },
        }
    }

    /// How long caches keep an address of the zone's, in seconds.
    fn caches_keep(&self, step: &CreateZone) -> u32 {
        let all = step.leading_to(self.addresses().into_iter().collect(), None);
        all.request_now()
            .map_or(0, |request| request.longest_address_ttl())
    }

    /// A run that builds, removes or gives back a Sovereign comes first: a change of the zone in between would keep it from going on.
    async fn refuse_unfinished(&self) -> Result<(), CliError> {
        let name = &self.target.spec.name;
        let last = self.app.store.last_run(name).await?;
        let unfinished = last.filter(|run| !runner::is_complete(run));
        match unfinished.map(|run| Purpose::of(&run.plan)) {
            Some(purpose) if !purpose.is_of_zone() => Err(CliError::Unfinished {
                name: name.to_string(),
                command: purpose.word(),
            }),
            _ => Ok(()),
        }
    }

    /// What each server has that can be reached, and what is wrong with the first that cannot. An error where none can.
    async fn copies(&self, zone: &DomainName) -> Result<(Vec<Zone>, Option<DnsError>), CliError> {
        let hosts = self.app.zones(&self.target.spec).await?;
        let looks = hosts.iter().map(|host| copy(host, zone));
        let mut copies = Vec::new();
        let mut failed = None;
        for look in futures::future::join_all(looks).await {
            match look {
                Ok(copy) => copies.push(copy),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        match failed {
            Some(error) if copies.is_empty() => Err(error.into()),
            failed => Ok((copies, failed)),
        }
    }
}

async fn copy(host: &Arc<dyn ZoneHost>, zone: &DomainName) -> Result<Zone, DnsError> {
    let found = host.find(zone).await?;
    found.ok_or_else(|| DnsError {
        class: ErrorClass::NotFound,
        action: format!("read zone `{zone}` at {}", host.name()),
        message: "it is not there".to_owned(),
        remedy: "`sovereign up` makes it again".to_owned(),
    })
}

/// Addresses in a row.
fn list<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> String {
    let texts: Vec<String> = addresses.into_iter().map(ToString::to_string).collect();
    texts.join(", ")
}
