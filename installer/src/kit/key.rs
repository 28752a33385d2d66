//! The key that a kit is signed with.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_images::signature::SigningKey;

use crate::errors::CliError;

/// Reads a private key.
pub(crate) fn read(file: &Path) -> Result<SigningKey, CliError> {
    let pem = fs::read_to_string(file).map_err(|source| CliError::Read {
        path: file.to_owned(),
        source,
    })?;
    Ok(SigningKey::from_pem(&SecretString::from(pem))?)
}

/// Makes a pair. A key that is there is never replaced: what it signed would be nobody's.
pub(crate) fn generate(folder: &Path) -> Result<SigningKey, CliError> {
    let key = SigningKey::generate();
    fs::create_dir_all(folder).map_err(|source| CliError::Write {
        path: folder.to_owned(),
        source,
    })?;
    keep(&folder.join("cosign.key"), 0o600, key.to_pem()?.expose_secret())?;
    keep(&folder.join("cosign.pub"), 0o644, &key.public().to_pem()?)?;
    Ok(key)
}

fn keep(path: &Path, mode: u32, text: &str) -> Result<(), CliError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}
