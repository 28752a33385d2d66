//! Kernel modules, now and at boot.

use sovereign_core::host::HostConfig;

use crate::fault::Fault;
use crate::host::Host;
use crate::lines::lines;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "modules";

const FILE: &str = "/etc/modules-load.d/sovereign.conf";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    if config.modules.is_empty() {
        return Ok(Done::new(host.unplace(FILE)?, "none asked for"));
    }
    let text = lines(&config.modules);
    let mut changed = host.place(NAME, FILE, &text, 0o644)?;
    let mut foreign = Vec::new();
    for name in &config.modules {
        if loaded(host, name) {
            continue;
        }
        let output = host.run("modprobe", &["--", name]).await;
        match output {
            Ok(output) if output.success() => changed |= loaded(host, name),
            _ if host.root.in_container() => foreign.push(name.as_str()),
            Ok(output) => {
                let remedy = format!("use an image whose kernel has the module `{name}`");
                let log = output.last_lines();
                return Err(
                    Fault::new(format!("kernel module `{name}` cannot be loaded"), remedy).with_log(log),
                );
            }
            Err(fault) => return Err(fault),
        }
    }
    let detail = if foreign.is_empty() {
        config.modules.join(", ")
    } else {
        format!(
            "left to the kernel outside this container: {}",
            foreign.join(", ")
        )
    };
    Ok(Done::new(changed, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    // A loaded module may be in use by now; it goes with the next boot.
    host.unplace(FILE).map(drop)
}

fn loaded(host: &Host, name: &str) -> bool {
    host.root
        .exists(&format!("/sys/module/{}", name.replace('-', "_")))
}
