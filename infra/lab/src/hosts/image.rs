//! The root file system that hosts start from: Debian, made once, kept in a cache and shared by every lab.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{HostError, command};

/// What a root is made of. Its digest is its name in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// The Debian release.
    pub(crate) suite: &'static str,
    /// Packages beside the essential ones.
    pub(crate) packages: Vec<&'static str>,
    /// Files to write, relative to the root: path, content.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Units that never start.
    pub(crate) masked: Vec<&'static str>,
    /// Units that start when somebody enables them.
    pub(crate) disabled: Vec<&'static str>,
}

/// What a cloud's image carries, and nothing that has to reach the internet.
const PACKAGES: [&str; 21] = [
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "e2fsprogs",
    "fail2ban",
    "iproute2",
    "iputils-ping",
    "kmod",
    "netbase",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-systemd",
    "sudo",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "unattended-upgrades",
];
/// Units of no use here: consoles nobody types on, and errands about disks.
const MASKED: [&str; 7] = [
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty-static.service",
    "systemd-udev-settle.service",
];
/// Errands that would only wait for the internet, and what an image carries for those who want it.
const DISABLED: [&str; 3] = ["apt-daily-upgrade.timer", "apt-daily.timer", "fail2ban.service"];
/// Host keys are the host's own; cloud-init makes them, or, in a rescue system, nobody would.
const HOST_KEYS: &str =
    "[Service]\nExecStartPre=\nExecStartPre=ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n";
/// As the cloud's own images have it: root by key.
/// Few keys and no generated locale, as both take longer than the rest of a boot.
const CLOUD_INIT: &str = "disable_root: false\nlocale: C.UTF-8\nssh_genkeytypes: [ed25519, ecdsa]\n";

impl Recipe {
    /// The cloud's Debian, as hosts and VMs share it; a driver adds what it needs.
    pub(crate) fn debian() -> Self {
        Self {
            suite: "bookworm",
            packages: PACKAGES.to_vec(),
            files: vec![
                ("etc/cloud/cloud.cfg.d/90-lab.cfg", CLOUD_INIT.into()),
                (
                    "etc/systemd/system/ssh.service.d/host-keys.conf",
                    HOST_KEYS.into(),
                ),
                ("etc/machine-id", String::new()),
                ("etc/hostname", "debian\n".into()),
            ],
            masked: MASKED.to_vec(),
            disabled: DISABLED.to_vec(),
        }
    }

    /// Adds packages.
    pub(crate) fn with_packages(mut self, packages: &[&'static str]) -> Self {
        self.packages.extend(packages);
        self
    }

    /// Adds a file.
    pub(crate) fn with_file(mut self, path: &'static str, content: impl Into<String>) -> Self {
        self.files.push((path, content.into()));
        self
    }

    fn digest(&self) -> String {
        let whole = format!("{self:?}");
        hex::encode(&Sha256::digest(whole.as_bytes())[..8])
    }
}

/// Returns the root of a recipe, making it first where the cache lacks it. Labs that need it at the same time wait for
/// the one that makes it.
pub(crate) async fn obtain(cache: &Path, recipe: &Recipe) -> Result<PathBuf, HostError> {
    let root = cache.join(format!("root-{}", recipe.digest()));
    if root.exists() {
        return Ok(root);
    }
    let _only_one = lock(root.with_extension("lock")).await?;
    if root.exists() {
        return Ok(root);
    }
    // One that was killed may still have a program at work in its own.
    let fresh = root.with_extension(format!("new-{}", std::process::id()));
    remove(&fresh)?;
    make(&fresh, recipe).await?;
    let failed = HostError::system(format!("put {} into the cache", root.display()));
    fs::rename(&fresh, &root).map_err(failed)?;
    Ok(root)
}

async fn lock(path: PathBuf) -> Result<File, HostError> {
    let failed = HostError::system(format!("lock {}", path.display()));
    let work = move || {
        if let Some(cache) = path.parent() {
            fs::create_dir_all(cache)?;
        }
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    let locked = tokio::task::spawn_blocking(work).await;
    locked
        .map_err(std::io::Error::other)
        .and_then(|file| file)
        .map_err(failed)
}

fn remove(path: &Path) -> Result<(), HostError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HostError::system(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

async fn make(root: &Path, recipe: &Recipe) -> Result<(), HostError> {
    let arguments = [
        "--quiet".into(),
        "--mode=root".into(),
        "--variant=minbase".into(),
        "--dpkgopt=path-exclude=/usr/share/doc/*".into(),
        "--dpkgopt=path-exclude=/usr/share/man/*".into(),
        "--dpkgopt=path-exclude=/usr/share/locale/*".into(),
        format!("--include={}", recipe.packages.join(",")),
        recipe.suite.into(),
        root.display().to_string(),
    ];
    command::run("mmdebstrap", arguments).await?;
    let failed = HostError::system(format!("set {} up", root.display()));
    dress(root, recipe).map_err(failed)
}

fn dress(root: &Path, recipe: &Recipe) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join("etc/ssh"))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(entry.path())?;
        }
    }
    for (path, content) in &recipe.files {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)?;
    }
    for unit in &recipe.masked {
        let link = root.join("etc/systemd/system").join(unit);
        let _ = fs::remove_file(&link);
        symlink("/dev/null", link)?;
    }
    for wants in fs::read_dir(root.join("etc/systemd/system"))?.flatten() {
        for unit in &recipe.disabled {
            let _ = fs::remove_file(wants.path().join(unit));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_recipe_is_another_root() {
        let plain = Recipe::debian();
        assert_eq!(plain.digest(), Recipe::debian().digest());
        assert_ne!(plain.digest(), plain.clone().with_packages(&["jq"]).digest());
        assert_ne!(plain.digest(), plain.with_file("etc/motd", "hello").digest());
    }
}
