//! The controller: looks at every address, and leads the names to those that are well.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use sovereign_bootstrap::plan_addresses;
use sovereign_bootstrap::steps::CreateZone;
use sovereign_core::event::RunOutcome;
use sovereign_dns::DomainName;
use sovereign_dns::health::{Health, Observer, Seen, Thresholds, Wanted};
use sovereign_engine::executor::Report;
use sovereign_engine::step::chain;

use super::event::HealthEvent;
use super::{PROVEN_WITHIN, Place, list};
use crate::cli::ZoneHealth;
use crate::commands::zone::change;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::signals::Signals;

/// Watches until it is stopped, or, with `--once`, until it is clear where the names are to lead.
pub(super) async fn watch(place: &Place<'_>, args: &ZoneHealth) -> Result<Exit, CliError> {
    let (step, _) = place.wanted().await?;
    let caches_keep = place.caches_keep(&step);
    let observer = Observer::new(&args.check, &place.addresses(), Duration::from_secs(args.timeout))?;
    HealthEvent::Watching {
        zone: step.zone.to_string(),
        check: args.check.to_string(),
        regions: place.regions.iter().map(ToString::to_string).collect(),
        interval_seconds: args.interval,
        rise: args.rise.get(),
        fall: args.fall.get(),
        caches_keep_seconds: caches_keep,
    }
    .tell(place.app)?;
    let thresholds = Thresholds {
        rise: args.rise,
        fall: args.fall,
    };
    let mut controller = Controller {
        place,
        zone: step.zone,
        caches_keep,
        health: Health::new(place.regions.clone(), thresholds),
        seen: BTreeMap::new(),
        standing: None,
        trouble: None,
    };
    let signals = Signals::listen()?;
    let mut rounds = 0;
    let stopped = loop {
        let round = tokio::select! {
            biased;
            () = signals.cancel().cancelled() => break true,
            round = observer.round() => round,
        };
        controller.news(&round)?;
        let decided = controller.decide(&round).await;
        rounds += 1;
        let is_last =
            args.once && (controller.health.is_settled() || rounds >= args.rise.max(args.fall).get());
        match decided {
            _ if signals.cancel().is_cancelled() => break true,
            Ok(()) if is_last => break false,
            Ok(()) => {}
            Err(error) if args.once || matches!(error, CliError::ReaderGone) => return Err(error),
            Err(error) => controller.failed(&error)?,
        }
        tokio::select! {
            biased;
            () = signals.cancel().cancelled() => break true,
            () = tokio::time::sleep(Duration::from_secs(args.interval)) => {}
        }
    };
    if stopped {
        HealthEvent::Stopped.tell(place.app)?;
        return Ok(if args.once { Exit::Cancelled } else { Exit::Ok });
    }
    let answers = controller.seen.values().any(|seen| *seen == Seen::Answers);
    Ok(if answers { Exit::Ok } else { Exit::Held })
}

/// What was seen and told so far. Where the names lead is read from the zone each time.
struct Controller<'a> {
    place: &'a Place<'a>,
    zone: DomainName,
    caches_keep: u32,
    health: Health,
    seen: BTreeMap<IpAddr, Seen>,
    standing: Option<Wanted>,
    trouble: Option<String>,
}

impl Controller<'_> {
    /// Tells what changed about what is seen.
    fn news(&mut self, round: &BTreeMap<IpAddr, Seen>) -> Result<(), CliError> {
        for region in &self.place.regions {
            for address in &region.addresses {
                let (Some(now), before) = (round.get(address), self.seen.get(address)) else {
                    continue;
                };
                // Another reason for the same is no news.
                if before.is_some_and(|before| std::mem::discriminant(before) == std::mem::discriminant(now))
                {
                    continue;
                }
                let (region, address) = (region.name.clone(), *address);
                let event = match now.clone() {
                    Seen::Answers => HealthEvent::Answers { region, address },
                    Seen::Fails { why } => HealthEvent::Fails { region, address, why },
                    Seen::NoWay { why } => HealthEvent::NoWay { region, address, why },
                };
                event.tell(self.place.app)?;
            }
        }
        self.seen.clone_from(round);
        Ok(())
    }

    /// Takes in what was seen, and leads the names where they are to lead if they do not yet.
    async fn decide(&mut self, round: &BTreeMap<IpAddr, Seen>) -> Result<(), CliError> {
        let (copies, failed) = self.place.copies(&self.zone).await?;
        let published = copies
            .first()
            .map(|copy| copy.addresses_of(&self.zone))
            .unwrap_or_default();
        let wanted = self.health.observe(&published, round);
        let (step, last) = self.place.wanted().await?;
        let next = CreateZone {
            proven_within: Some(PROVEN_WITHIN),
            ..step.leading_to(wanted.addresses.iter().copied().collect(), None)
        };
        let Some(request) = next.request_now() else {
            return Ok(());
        };
        let stands = copies.iter().all(|copy| request.leads_as_wanted(copy));
        // What a check compares with is what was wanted last, by whoever keeps this journal.
        let is_known = last.is_some_and(|last| last.sets == request.sets);
        if !(stands && is_known) {
            self.place.refuse_unfinished().await?;
            self.lead(&next).await?;
        }
        self.tell(&published, wanted, stands)?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        self.trouble = None;
        Ok(())
    }

    async fn lead(&self, next: &CreateZone) -> Result<(), CliError> {
        let plan = plan_addresses(next)?;
        let ended = change::run(self.place.app, &self.place.target, &plan).await?;
        if ended.report.outcome == RunOutcome::Completed {
            return Ok(());
        }
        Err(CliError::NotLed {
            zone: next.zone.to_string(),
            addresses: list(&next.addresses),
            why: why(&ended.report),
        })
    }

    fn tell(&mut self, published: &BTreeSet<IpAddr>, wanted: Wanted, stands: bool) -> Result<(), CliError> {
        let addresses = wanted.addresses.clone();
        if !stands {
            HealthEvent::Led {
                came: addresses.difference(published).copied().collect(),
                went: published.difference(&addresses).copied().collect(),
                addresses,
                caches_keep_seconds: self.caches_keep,
            }
            .tell(self.place.app)?;
        } else if self
            .standing
            .as_ref()
            .is_none_or(|before| before.addresses != addresses)
        {
            HealthEvent::Stands { addresses }.tell(self.place.app)?;
        }
        let kept_before = self.standing.as_ref().map(|before| &before.kept);
        if !wanted.kept.is_empty() && kept_before != Some(&wanted.kept) {
            let addresses = wanted.kept.clone();
            HealthEvent::Kept { addresses }.tell(self.place.app)?;
        }
        self.standing = Some(wanted);
        Ok(())
    }

    /// The same trouble is told once.
    fn failed(&mut self, error: &CliError) -> Result<(), CliError> {
        let mut why = chain(error);
        if let Some(hint) = error.hint() {
            why = format!("{why}; {hint}");
        }
        if self.trouble.as_ref() == Some(&why) {
            return Ok(());
        }
        HealthEvent::Failed { why: why.clone() }.tell(self.place.app)?;
        self.trouble = Some(why);
        Ok(())
    }
}

/// Why a run did not come to its end.
pub(super) fn why(report: &Report) -> String {
    let failures = report.failures.iter().map(|failure| failure.cause.as_str());
    let causes: Vec<&str> = failures.collect();
    if causes.is_empty() {
        "the run was cancelled".to_owned()
    } else {
        causes.join("; ")
    }
}
