//! `sovereign lab fault`: what the lab gets wrong on purpose.

use serde_json::json;
use sovereign_lab::{Fault, FaultEffect, LabClient};
use thiserror::Error;

use crate::cli::{Effect, FaultCommand, FaultSet, Global, Stage};
use crate::errors::CliError;
use crate::output;
use crate::render::table::Columns;

/// A fault that lacks what its effect needs.
#[derive(Debug, Error)]
#[error("effect `{effect}` needs `{flag}`")]
pub(crate) struct FaultError {
    effect: &'static str,
    flag: &'static str,
}

/// Sets, clears or lists faults.
pub(super) async fn run(global: &Global, client: &LabClient, command: FaultCommand) -> Result<(), CliError> {
    match command {
        FaultCommand::Set(set) => client.set_fault(&fault(*set)?).await?,
        FaultCommand::Clear { name } => client.clear_faults(name.as_deref()).await?,
        FaultCommand::List => list(global, &client.faults().await?)?,
        FaultCommand::SoldOut { offers } => {
            let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
            client.sold_out(&offers).await?;
        }
        FaultCommand::Bucket { remaining } => client.leave_requests(remaining).await?,
    }
    Ok(())
}

fn fault(set: FaultSet) -> Result<Fault, FaultError> {
    let effect = effect(&set)?;
    Ok(Fault {
        name: set.name,
        method: set.method,
        path: set.path,
        resource: set.resource,
        server_type: set.server_type,
        location: set.location,
        after: set.after,
        times: set.times,
        effect,
    })
}

fn effect(set: &FaultSet) -> Result<FaultEffect, FaultError> {
    let needs = |effect, flag| move || FaultError { effect, flag };
    Ok(match set.effect {
        Effect::Error => FaultEffect::Error {
            status: set.status.ok_or_else(needs("error", "--status"))?,
            code: set.code.clone().ok_or_else(needs("error", "--code"))?,
        },
        Effect::DropRequest => FaultEffect::DropRequest,
        Effect::DropResponse => FaultEffect::DropResponse,
        Effect::Delay => FaultEffect::Delay {
            ms: set.ms.ok_or_else(needs("delay", "--ms"))?,
        },
        Effect::ActionFails => FaultEffect::ActionFails {
            code: set.code.clone().ok_or_else(needs("action-fails", "--code"))?,
        },
        Effect::ActionVanishes => FaultEffect::ActionVanishes,
        Effect::ActionSlow => FaultEffect::ActionSlow {
            factor: set.factor.ok_or_else(needs("action-slow", "--factor"))?,
        },
        Effect::NoPrivateNic => FaultEffect::NoPrivateNic,
        Effect::SlowBoot => FaultEffect::SlowBoot {
            seconds: set
                .seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .ok_or_else(needs("slow-boot", "--seconds"))?,
        },
        Effect::DeadBoot => FaultEffect::DeadBoot,
        Effect::CloudInitFails => FaultEffect::CloudInitFails {
            stage: stage(set.stage.ok_or_else(needs("cloud-init-fails", "--stage"))?),
        },
        Effect::ClockOff => FaultEffect::ClockOff {
            seconds: set.seconds.ok_or_else(needs("clock-off", "--seconds"))?,
        },
        Effect::DiskFull => FaultEffect::DiskFull {
            left_mib: set.left.unwrap_or_default(),
        },
        Effect::NoPublicLink => FaultEffect::NoPublicLink,
        Effect::NoPrivateLink => FaultEffect::NoPrivateLink,
        Effect::WrongMetadataRoute => FaultEffect::WrongMetadataRoute,
    })
}

fn stage(stage: Stage) -> sovereign_lab::Stage {
    match stage {
        Stage::Local => sovereign_lab::Stage::Local,
        Stage::Network => sovereign_lab::Stage::Network,
        Stage::Config => sovereign_lab::Stage::Config,
        Stage::Final => sovereign_lab::Stage::Final,
    }
}

fn list(global: &Global, faults: &[Fault]) -> Result<(), CliError> {
    if global.json {
        return output::json(&faults);
    }
    if faults.is_empty() {
        output::notice("no faults are on");
        return Ok(());
    }
    let mut table = Columns::new(["name", "effect", "method", "path", "left"]);
    for fault in faults {
        table.row([
            fault.name.clone(),
            json!(fault.effect)["effect"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            fault.method.clone().unwrap_or_default(),
            fault.path.clone().unwrap_or_default(),
            fault
                .times
                .map_or_else(|| "always".to_owned(), |times| times.to_string()),
        ]);
    }
    output::data(&table.render(""))
}
