//! Putting a file on a host: whole and right, or not at all.

use sha2::{Digest as _, Sha256};

use super::shell::quoted;
use super::{SshError, SshHost};

/// The new file appears under its name only once its digest was seen to be right on the host itself.
const SCRIPT: &str = r#"set -eu
umask 077
mkdir -p "$(dirname "$path")"
new="$(mktemp "$path.XXXXXX")"
trap 'rm -f "$new"' EXIT
cat >"$new"
if ! printf '%s  %s\n' "$sha256" "$new" | sha256sum -c --status -; then
    echo 'what arrived is not what was sent' >&2
    exit 1
fi
chmod "$mode" "$new"
sync "$new"
mv -fT "$new" "$path"
trap - EXIT
"#;

impl SshHost {
    /// Puts a file on the host, as root, in place of the one there. A file that is in use may be replaced.
    pub async fn upload(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), SshError> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let path_word = quoted(path);
        let command = format!("path={path_word} sha256={sha256} mode={mode:o}\n{SCRIPT}");
        let output = self.run(&command, Some(bytes)).await?;
        if output.ok() {
            return Ok(());
        }
        Err(SshError::Upload {
            address: self.address.clone(),
            path: path.to_owned(),
            why: output.complaint(),
        })
    }
}
