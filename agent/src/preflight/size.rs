//! CPUs and memory.

use sovereign_core::agent::{HostCheck, PreflightOrder};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::{failed, fine};

/// Firmware and kernel keep some memory to themselves: a machine sold with 4 GiB shows about 3.7.
const KEPT_BACK_PERCENT: u64 = 12;

pub(super) fn cpus(order: &PreflightOrder) -> HostCheck {
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let seen = format!("{count} CPUs");
    if count >= order.min_cpus as usize {
        return fine("cpus", seen);
    }
    let reason = format!("this role needs {}", order.min_cpus);
    failed("cpus", seen, &reason, "choose a larger server type")
}

pub(super) fn memory(order: &PreflightOrder) -> HostCheck {
    let system = System::new_with_specifics(
        RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    match system {
        Ok(system) => judge_memory(system.total_memory() / 1024 / 1024, order.min_memory_mib),
        Err(error) => failed(
            "memory",
            error.to_string(),
            "it cannot be told",
            "see `/proc/meminfo` on the host",
        ),
    }
}

fn judge_memory(mib: u64, least: u64) -> HostCheck {
    let seen = format!("{mib} MiB");
    if mib >= least - least * KEPT_BACK_PERCENT / 100 {
        return fine("memory", seen);
    }
    failed(
        "memory",
        seen,
        &format!("this role needs {least} MiB"),
        "choose a larger server type",
    )
}

#[cfg(test)]
mod tests {
    use sovereign_core::agent::Verdict;

    use super::*;

    #[test]
    fn what_the_firmware_keeps_is_forgiven_and_half_is_not() {
        assert_eq!(judge_memory(3_720, 4_096).verdict, Verdict::Fine);
        assert!(matches!(
            judge_memory(2_048, 4_096).verdict,
            Verdict::Failed { .. }
        ));
    }
}
