//! `preflight`: looks at the host for a person.

use jiff::Timestamp;
use sovereign_core::agent::{HostCheck, PreflightOrder, Verdict};

use super::output;
use crate::cli::PreflightArgs;
use crate::fault::Fault;
use crate::host::Host;
use crate::preflight::preflight;

/// Status 1 if the host cannot be used.
pub(super) async fn run(host: &Host, args: PreflightArgs) -> Result<u8, Fault> {
    let order = PreflightOrder {
        min_cpus: args.min_cpus,
        min_memory_mib: args.min_memory_mib,
        min_free_disk_mib: args.min_free_disk_mib,
        private_range: args.private_range,
        private_address: args.private_address,
        reach: args.reach,
        clock: Some(Timestamp::now()),
        metadata: args.metadata,
    };
    let report = preflight(host, &order, &|_| ()).await;
    if args.json {
        output::json(&report, true)?;
    } else {
        for check in &report.checks {
            output::line(&describe(check))?;
        }
    }
    Ok(u8::from(report.failures().next().is_some()))
}

fn describe(check: &HostCheck) -> String {
    let HostCheck { name, seen, verdict } = check;
    match verdict {
        Verdict::Fine => format!("fine     {name}: {seen}"),
        Verdict::Healed { how } => format!("mended   {name}: {seen}; {how}"),
        Verdict::Warning { reason, remedy } => {
            format!("warning  {name}: {seen}; {reason}\n         hint: {remedy}")
        }
        Verdict::Failed { reason, remedy } => {
            format!("failed   {name}: {seen}; {reason}\n         hint: {remedy}")
        }
    }
}
