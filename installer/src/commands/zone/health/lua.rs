//! Has the name servers themselves choose among the addresses, and takes that back if they do not.

use std::net::IpAddr;

use sovereign_bootstrap::plan_addresses;
use sovereign_bootstrap::steps::CreateZone;
use sovereign_core::event::RunOutcome;
use sovereign_dns::health::HealthCheck;
use sovereign_dns::record::LuaRule;

use super::{PROVEN_WITHIN, Place, list};
use crate::cli::Lua;
use crate::commands::outcome;
use crate::commands::zone::change;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;

/// Puts LUA records at the names once every server has shown that it evaluates them.
pub(super) async fn choose(place: &Place<'_>, word: Lua, check: &HealthCheck) -> Result<Exit, CliError> {
    let rule = rule(word, check)?;
    let (step, _) = place.wanted().await?;
    place.refuse_unfinished().await?;
    let before = former(place, &step).await?;
    let next = CreateZone {
        proven_within: Some(PROVEN_WITHIN),
        ..step.leading_to(place.addresses().into_iter().collect(), Some(rule))
    };
    let plan = plan_addresses(&next)?;
    let ended = change::run(place.app, &place.target, &plan).await?;
    let exit = outcome::tell(place.app, &plan, &ended)?;
    let json = place.app.global.json;
    match ended.report.outcome {
        RunOutcome::Completed if !json => {
            output::notice(&format!(
                "caches may lead to the addresses of before for {} s more, and keep each choice for as long",
                place.caches_keep(&step)
            ));
            if word == Lua::PickClosest {
                output::notice(
                    "a server without a database of places (PowerDNS: the backend `geoip`) chooses at random",
                );
            }
        }
        RunOutcome::Completed | RunOutcome::Cancelled => {}
        RunOutcome::Held | RunOutcome::Failed => put_back(place, &before).await?,
    }
    Ok(exit)
}

fn rule(word: Lua, check: &HealthCheck) -> Result<LuaRule, CliError> {
    match (word, check) {
        (Lua::PickClosest, _) => Ok(LuaRule::PickClosest),
        (Lua::IfUrlUp, HealthCheck::Get(url)) => Ok(LuaRule::IfUrlUp(url.clone())),
        (Lua::IfUrlUp, HealthCheck::Tcp(_)) => Err(CliError::NoPage {
            check: check.to_string(),
        }),
    }
}

/// The zone as it leads now. A rule that was wanted before stays one.
async fn former(place: &Place<'_>, step: &CreateZone) -> Result<CreateZone, CliError> {
    let (copies, _) = place.copies(&step.zone).await?;
    let published = copies.first().map(|copy| copy.addresses_of(&step.zone));
    let addresses: Vec<IpAddr> = published.unwrap_or_default().into_iter().collect();
    Ok(step.leading_to(addresses, step.rule.clone()))
}

/// Whether or not the records of before were touched, they are there again, and they are what was wanted last.
async fn put_back(place: &Place<'_>, before: &CreateZone) -> Result<(), CliError> {
    if before.addresses.is_empty() {
        return Ok(());
    }
    let plan = plan_addresses(before)?;
    let ended = change::run(place.app, &place.target, &plan).await?;
    let addresses = list(&before.addresses);
    if ended.report.outcome != RunOutcome::Completed {
        return Err(CliError::NotLed {
            zone: before.zone.to_string(),
            addresses,
            why: super::control::why(&ended.report),
        });
    }
    if !place.app.global.json {
        output::notice(&format!("the names lead to {addresses} as before"));
    }
    Ok(())
}
