//! `sovereign pool sweep`: finds what is nobody's, notes it, and removes it when its grace is over.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sovereign_bootstrap::planner::wanted_pool_name;
use sovereign_core::name::SovereignName;
use sovereign_core::spec::{self, SovereignSpec};
use sovereign_dns::pool::sweep::Removal;
use sovereign_dns::pool::{Fate, Orphan, PoolName, Withdrawal, expire, orphans};
use sovereign_dns::{DomainName, ZoneHost, ZoneMark};

use super::release::pause;
use crate::claimed::while_claimed;
use crate::cli::PoolSweep;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::target::Target;
use crate::wiring::App;
use crate::{ask, output, render};

/// An orphan with what becomes of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Swept {
    /// What was found.
    #[serde(flatten)]
    pub(crate) orphan: Orphan,
    /// Since when it is known.
    pub(crate) since: Timestamp,
    /// When it goes; never for what is not to be touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
    /// It was removed.
    pub(crate) removed: bool,
}

impl Swept {
    fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

/// A pool and the servers that have it.
struct Pool {
    name: DomainName,
    hosts: Vec<Arc<dyn ZoneHost>>,
}

/// Ends what is over, looks, notes, and removes.
pub(super) async fn run(app: &App, args: &PoolSweep) -> Result<Exit, CliError> {
    let now = Timestamp::now();
    let ended = if args.dry_run {
        Vec::new()
    } else {
        end(app, now).await?
    };
    let pools = pools(app, args.target.as_deref()).await?;
    let mut found = Vec::new();
    for pool in &pools {
        let book = app.pool_book();
        for orphan in orphans(&*book, &pool.hosts, &pool.name, now).await? {
            found.push(noted(app, args, orphan, now).await?);
        }
    }
    if !args.dry_run && args.target.is_none() {
        forget_others(app, &found).await?;
    }
    let due = found.iter().filter(|one| one.is_due(now)).count();
    if due > 0 && !args.dry_run {
        if !args.yes {
            approve(&found, now)?;
        }
        for pool in &pools {
            remove(app, pool, &mut found, now).await?;
        }
    }
    if app.global.json {
        output::json(&serde_json::json!({ "ended": ended, "found": found }))?;
    } else {
        output::data(&render::pool::sweep(&ended, &found, pools.len(), now))?;
    }
    // What somebody is at is not left behind.
    let left = found
        .iter()
        .any(|one| !one.removed && one.orphan.fate != Fate::Going);
    Ok(if left { Exit::Leftovers } else { Exit::Ok })
}

/// Ends holds that nobody renewed and quarantines that are over.
async fn end(app: &App, now: Timestamp) -> Result<Vec<String>, CliError> {
    let book = app.pool_book();
    let mut ended = Vec::new();
    for one in book.all().await? {
        if one.state.is_over(now)
            && expire(&*book, &one.name, now)
                .await
                .map_err(sovereign_dns::pool::DeedError::from)?
        {
            ended.push(one.name.to_string());
        }
    }
    Ok(ended)
}

/// The pools of a spec, or of every spec that is kept; each with every server that is named for it.
async fn pools(app: &App, target: Option<&str>) -> Result<Vec<Pool>, CliError> {
    let mut specs: Vec<SovereignSpec> = Vec::new();
    match target {
        Some(target) => specs.push(Target::load(app, target).await?.spec),
        None => {
            for name in app.known().await? {
                let kept = app.store.spec(&name).await?;
                specs.extend(kept.and_then(|document| Some(spec::parse(&document).ok()?.spec)));
            }
        }
    }
    let mut pools: BTreeMap<DomainName, BTreeMap<String, Arc<dyn ZoneHost>>> = BTreeMap::new();
    for spec in &specs {
        if let Some(Ok(name)) = wanted_pool_name(spec) {
            let hosts = app.zones(spec).await?.into_iter();
            let named = hosts.map(|host| (host.name().to_owned(), host));
            pools.entry(name.pool).or_default().extend(named);
        }
    }
    let pool = |(name, hosts): (DomainName, BTreeMap<_, _>)| Pool {
        name,
        hosts: hosts.into_values().collect(),
    };
    Ok(pools.into_iter().map(pool).collect())
}

async fn noted(app: &App, args: &PoolSweep, orphan: Orphan, now: Timestamp) -> Result<Swept, CliError> {
    let (name, kind) = (orphan.name.to_string(), render::pool::word(orphan.kind));
    let key = (orphan.server.as_str(), name.as_str(), kind);
    let book = app.store.pool_orphans();
    let since = if args.dry_run {
        book.since(key, &orphan.owner).await?.unwrap_or(now)
    } else {
        book.note(key, &orphan.owner, now).await?
    };
    let grace = SignedDuration::from_hours(24 * i64::try_from(args.grace_days).unwrap_or(i64::MAX / 24));
    let due = (orphan.fate == Fate::Removable).then(|| since.checked_add(grace).unwrap_or(Timestamp::MAX));
    Ok(Swept {
        orphan,
        since,
        due,
        removed: false,
    })
}

/// What was noted and is no orphan any more begins anew if it becomes one again.
async fn forget_others(app: &App, found: &[Swept]) -> Result<(), CliError> {
    let names: Vec<String> = found.iter().map(|one| one.orphan.name.to_string()).collect();
    let keys = found.iter().zip(&names).map(|(one, name)| {
        let orphan = &one.orphan;
        (
            orphan.server.as_str(),
            name.as_str(),
            render::pool::word(orphan.kind),
        )
    });
    let keys: Vec<_> = keys.collect();
    Ok(app.store.pool_orphans().keep_only(&keys).await?)
}

/// Removes what is due of a pool, name by name and owner by owner.
async fn remove(app: &App, pool: &Pool, found: &mut [Swept], now: Timestamp) -> Result<(), CliError> {
    let mut due: BTreeMap<(DomainName, String), Vec<usize>> = BTreeMap::new();
    for (index, one) in found.iter().enumerate() {
        let here = one.orphan.name.is_within(&pool.name);
        if here && one.is_due(now) {
            let key = (one.orphan.name.clone(), one.orphan.owner.clone());
            due.entry(key).or_default().push(index);
        }
    }
    for ((child, owner), indices) in due {
        let sovereign = owner.strip_prefix("sov:").and_then(|name| name.parse().ok());
        let (Some(sovereign), Ok(name)) = (sovereign, PoolName::of(&child)) else {
            continue;
        };
        let removed = while_claimed(app, &sovereign, take_away(app, pool, &name, &child, &sovereign)).await?;
        for index in indices {
            found[index].removed = removed;
        }
    }
    Ok(())
}

/// Exports the zone, then takes away delegation and zone. False if somebody came by the name meanwhile, or takes it away.
async fn take_away(
    app: &App,
    pool: &Pool,
    name: &PoolName,
    child: &DomainName,
    sovereign: &SovereignName,
) -> Result<bool, CliError> {
    let (book, mark) = (app.pool_book(), ZoneMark::of(sovereign));
    let present = book.find(name).await?;
    if !present.is_some_and(|present| present.is_left(Timestamp::now())) {
        return Ok(false);
    }
    for host in &pool.hosts {
        if host.find(child).await?.is_some_and(|zone| zone.is_of(&mark)) {
            keep(app, &**host, child).await?;
        }
    }
    let removal = Removal {
        book: &*book,
        hosts: &pool.hosts,
        name,
        child,
        mark: &mark,
        clock: &Timestamp::now,
    };
    let (begun, fence) = removal.begin().await?;
    match begun {
        Withdrawal::NotYet(_) => return Ok(false),
        Withdrawal::Gone { clear_at } => pause(app, clear_at).await,
    }
    removal.finish(fence, app.quarantine()).await?;
    Ok(true)
}

/// Writes a zone's records into a file of its own.
async fn keep(app: &App, host: &dyn ZoneHost, child: &DomainName) -> Result<(), CliError> {
    let text = host.export(child).await?;
    let dir = app.state.pool_exports()?;
    let server: String = host
        .name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let path: PathBuf = dir.join(format!("{child}-{server}-{}.zone", Timestamp::now().as_second()));
    let unwritable = |source| CliError::Write {
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    let mut file = file.map_err(unwritable)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(unwritable)
}

fn approve(found: &[Swept], now: Timestamp) -> Result<(), CliError> {
    let due: Vec<&Swept> = found.iter().filter(|one| one.is_due(now)).collect();
    if !output::can_ask() {
        return Err(CliError::NobodyToAsk {
            what: "`pool sweep`".into(),
            remedy: "see what would go with `sovereign pool sweep --dry-run`, then add `--yes`".into(),
        });
    }
    for one in &due {
        output::notice(&render::pool::line(one));
    }
    if ask::yes_or_no(&format!("remove these {}?", due.len()))? {
        Ok(())
    } else {
        Err(CliError::Declined)
    }
}
