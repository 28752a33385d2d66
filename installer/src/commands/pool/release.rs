//! `sovereign pool release`: takes a name from its Sovereign.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sovereign_dns::ZoneHost;
use sovereign_dns::pool::{Allocation, Deed, DeedError, Owner, State, Withdrawal};

use super::{document, find};
use crate::ask;
use crate::claimed::while_claimed;
use crate::cli::PoolRelease;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::time::length;
use crate::target::Target;
use crate::wiring::App;

/// How often a wait is told of.
const TELL: Duration = Duration::from_secs(5);
/// Time between two looks at servers that still give what was taken out.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often they are looked at.
const LOOKS: usize = 60;

/// Asks, then takes the name out of the pool, its zone away, and the name into quarantine.
pub(super) async fn run(app: &App, args: &PoolRelease) -> Result<Exit, CliError> {
    let found = find(app, &args.name).await?;
    if matches!(found.state, State::Quarantined { .. } | State::Gone) {
        return tell(app, &found, "nobody has it");
    }
    let hosts = match found.state {
        // Nothing of a hold is in DNS.
        State::Held { .. } => Vec::new(),
        _ => servers(app, args, &found).await?,
    };
    if !args.yes {
        approve(&found)?;
    }
    let work = release(app, &found, &hosts);
    while_claimed(app, &found.sovereign, work).await?;
    let now = find(app, &args.name).await?;
    tell(app, &now, "released")
}

/// The servers of a spec: the one that is named, or the one kept for the owner.
async fn servers(
    app: &App,
    args: &PoolRelease,
    found: &Allocation,
) -> Result<Vec<Arc<dyn ZoneHost>>, CliError> {
    let text = args.spec.as_deref().unwrap_or(found.sovereign.as_str());
    match Target::load(app, text).await {
        Ok(target) => app.zones(&target.spec).await,
        Err(CliError::UnknownTarget { .. }) if args.spec.is_none() => Err(CliError::NoPoolServers {
            name: found.name.to_string(),
        }),
        Err(error) => Err(error),
    }
}

async fn release(app: &App, found: &Allocation, hosts: &[Arc<dyn ZoneHost>]) -> Result<(), CliError> {
    let book = app.pool_book();
    let deed = Deed {
        book: &*book,
        hosts,
        name: &found.name,
        by: Owner {
            sovereign: found.sovereign.clone(),
            claim: found.claim.clone(),
        },
        clock: &Timestamp::now,
    };
    let generation = Some(found.generation);
    if !hosts.is_empty() {
        let clear_at = settled(async || deed.withdraw(generation).await).await?;
        pause(app, clear_at).await;
        deed.remove_zone().await?;
    }
    settled(async || deed.release(generation, app.quarantine()).await).await?;
    Ok(())
}

/// Looks until every server has let go.
async fn settled(
    act: impl AsyncFn() -> Result<Withdrawal, DeedError>,
) -> Result<Option<Timestamp>, CliError> {
    let mut last = String::new();
    for _ in 0..LOOKS {
        match act().await? {
            Withdrawal::Gone { clear_at } => return Ok(clear_at),
            Withdrawal::NotYet(findings) => {
                last = findings
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; ");
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Err(CliError::StillDelegated { why: last })
}

/// Waits for the caches, and tells of it.
pub(super) async fn pause(app: &App, until: Option<Timestamp>) {
    let Some(until) = until else { return };
    while let Ok(left) = Duration::try_from(until.duration_since(Timestamp::now()))
        && !left.is_zero()
    {
        if !app.global.json && !app.global.no_progress {
            output::notice(&format!(
                "waiting {} for caches to forget the delegation",
                length(left)
            ));
        }
        tokio::time::sleep(left.min(TELL)).await;
    }
}

fn approve(found: &Allocation) -> Result<(), CliError> {
    let name = found.name.to_string();
    if !output::can_ask() {
        return Err(CliError::NobodyToAsk {
            what: format!("`pool release` of `{name}`"),
            remedy: format!("look at it with `sovereign pool show {name}`, then add `--yes`"),
        });
    }
    let question = format!(
        "`{name}` is {} by Sovereign `{}`, which cannot be reached by it any more; type the name to take it:",
        found.state.word(),
        found.sovereign
    );
    if ask::for_name(&question, &name)? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}

fn tell(app: &App, found: &Allocation, what: &str) -> Result<Exit, CliError> {
    if app.global.json {
        output::json(&document(found))?;
    } else {
        let until = found.state.until().map(|until| format!(" until {until:.0}"));
        let (name, state) = (&found.name, found.state.word());
        output::notice(&format!(
            "{what}: `{name}` is {state}{}",
            until.unwrap_or_default()
        ));
    }
    Ok(Exit::Ok)
}
