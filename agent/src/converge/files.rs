//! Files of the configuration.

use sovereign_core::host::HostConfig;

use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "files";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let gone = host.unplace_others(NAME, |path| config.files.contains_key(path))?;
    let mut written = 0;
    for (path, file) in &config.files {
        check(path)?;
        if host.place(NAME, path, &file.content, file.mode & 0o7777)? {
            written += 1;
        }
    }
    let total = config.files.len();
    let detail = format!("{total} files, {written} written, {gone} taken away");
    Ok(Done::new(written + gone > 0, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace_others(NAME, |_| false).map(drop)
}

fn check(path: &str) -> Result<(), Fault> {
    let plain = path.starts_with('/') && !path.ends_with('/') && !path.split('/').any(|word| word == "..");
    if plain {
        return Ok(());
    }
    Err(Fault::new(
        format!("`{path}` is not the absolute path of a file"),
        "the configuration is wrong: please report it with the plan",
    ))
}
