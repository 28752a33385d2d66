//! Swap is off, now and at boot: kubelet does not start with it.

use sovereign_core::host::HostConfig;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};

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
        host.must("swapoff", &["-a"], remedy).await?;
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
        host.must("swapon", &["-a"], "switch swap on by hand: `swapon -a`")
            .await?;
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
