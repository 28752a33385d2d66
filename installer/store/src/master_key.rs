//! The key that everything sealed is sealed under: from the environment, or from a file made on first use.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::StoreError;

/// Base64 of 32 bytes.
const VARIABLE: &str = "SOVEREIGN_MASTER_KEY";

/// 32 bytes that nobody prints.
pub struct MasterKey(pub(crate) Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

impl MasterKey {
    /// The key of the environment, or of `master.key` in the directory, which is made if it is missing.
    pub fn load(dir: &Path) -> Result<Self, StoreError> {
        match std::env::var(VARIABLE) {
            Ok(text) => Self::decode(&text, &format!("in `{VARIABLE}`")),
            Err(_) => Self::from_file(&dir.join("master.key")),
        }
    }

    fn from_file(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Path {
            path: path.to_owned(),
            source,
        };
        match Self::make(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let mode = std::fs::metadata(path).map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            let words = format!(
                "file `{}` can be read by others (mode {mode:o}): run `chmod 600` on it",
                path.display()
            );
            return Err(StoreError::MasterKey(words));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
        Self::decode(&text, &format!("file `{}`", path.display()))
    }

    /// Written aside and linked into place, so that it is there whole or not at all, and only one of two makers wins.
    fn make(path: &Path) -> io::Result<()> {
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(rand::random());
        let text = Zeroizing::new(STANDARD.encode(*key));
        // A name that no other maker has, not even one in this process: what is linked is never written again.
        let aside = path.with_extension(format!("key.{:016x}", rand::random::<u64>()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&aside, path);
        std::fs::remove_file(&aside)?;
        linked
    }

    fn decode(text: &str, place: &str) -> Result<Self, StoreError> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        let key = bytes
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let key = key.ok_or_else(|| StoreError::MasterKey(format!("{place} is not base64 of 32 bytes")))?;
        Ok(Self(Zeroizing::new(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_makers_at_once_all_have_the_same_key() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("master.key");
            let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| *MasterKey::from_file(&path).unwrap().0))
                    .collect();
                makers.into_iter().map(|maker| maker.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
            assert_eq!(
                std::fs::read_dir(dir.path()).unwrap().count(),
                1,
                "nothing is left aside"
            );
        }
    }
}
