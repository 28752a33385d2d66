//! Swap is off, now and at boot: kubelet does not start with it.

use sovereign_core::host::HostConfig;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::systemd;

pub(super) const NAME: &str = "swap";

const FSTAB: &str = "/etc/fstab";
/// What stands before a line that we switched off.
const MARK: &str = "# off by sovereign: ";

pub(super) async fn converge(host: &Host, _config: &HostConfig) -> Outcome {
    let in_use = areas(host);
    let mut changed = edit_fstab(host, switch_off)?;
    if !in_use.is_empty() && host.root.in_container() {
        return Ok(Done::new(changed, "left to the kernel outside this container"));
    }
    if !in_use.is_empty() {
        host.note(|placed| placed.swap = true)?;
        let remedy = "free memory on the host: what is swapped out must fit into it";
        // An area is opened for writing: a device or a file that the agent's sandbox does not have.
        systemd::outside(host, &["swapoff", "-a"], remedy).await?;
        changed = true;
    }
    let left = areas(host);
    if left.is_empty() {
        return Ok(Done::new(changed, "off"));
    }
    Err(Fault::new(
        format!("swap is still in use: {}", left.join(", ")),
        "something switches it on again: look at `systemctl list-units --type=swap`",
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    edit_fstab(host, switch_on)?;
    let was_on = host.placed().swap;
    if was_on {
        systemd::outside(host, &["swapon", "-a"], "switch swap on by hand: `swapon -a`").await?;
        host.note(|placed| placed.swap = false)?;
    }
    Ok(())
}

fn areas(host: &Host) -> Vec<String> {
    let text = host.root.text("/proc/swaps");
    let names = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

fn switch_off(line: &str) -> String {
    let mut fields = line.split_whitespace();
    let active = !line.trim_start().starts_with('#');
    if active && fields.nth(2) == Some("swap") {
        return format!("{MARK}{line}");
    }
    line.to_owned()
}

fn switch_on(line: &str) -> String {
    line.strip_prefix(MARK).unwrap_or(line).to_owned()
}

fn edit_fstab(host: &Host, edit: fn(&str) -> String) -> Result<bool, Fault> {
    let Some(text) = host.root.read(FSTAB).or_fault("reading", FSTAB)? else {
        return Ok(false);
    };
    let next: String = text
        .split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => format!("{}\n", edit(line)),
            None => edit(line),
        })
        .collect();
    if next == text {
        return Ok(false);
    }
    let mode = disk::mode(&host.root.path(FSTAB)).or_fault("reading", FSTAB)?;
    disk::write(&host.root.path(FSTAB), next.as_bytes(), mode).or_fault("writing", FSTAB)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::testing::{Bench, config};

    /// The agent itself sees neither the device nor a file that it may write to.
    #[tokio::test]
    async fn areas_are_switched_outside_of_the_sandbox() {
        let bench = Bench::new();
        let table = "Filename Type Size Used Priority\n/dev/sda2 partition 1048572 0 -2\n";
        fs::write(bench.dir.path().join("proc/swaps"), table).unwrap();
        let done = converge(&bench.host, &config()).await.unwrap();
        assert_eq!((done.changed, done.detail.as_str()), (true, "off"));
        undo(&bench.host).await.unwrap();
        let outside = "systemd-run --quiet --wait --pipe --collect --";
        assert_eq!(
            *bench.runner.ran.borrow(),
            [format!("{outside} swapoff -a"), format!("{outside} swapon -a")]
        );
    }
}
