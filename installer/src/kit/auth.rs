//! Accounts at registries, from a file in the form of Docker's `config.json`.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Deserialize;
use sovereign_images::client::Credentials;

use crate::errors::CliError;

#[derive(Deserialize)]
struct Config {
    auths: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
struct Account {
    auth: SecretString,
}

/// The accounts by host.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Credentials>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = SecretString::from(text);
    accounts(&text).ok_or_else(|| CliError::NotAuth {
        path: path.to_owned(),
    })
}

/// None if it is not of this form. Why is not told: it would quote a secret.
fn accounts(text: &SecretString) -> Option<BTreeMap<String, Credentials>> {
    use secrecy::ExposeSecret as _;
    let config: Config = serde_json::from_str(text.expose_secret()).ok()?;
    let account = |(host, account): (String, Account)| {
        let plain = STANDARD.decode(account.auth.expose_secret()).ok()?;
        let plain = zeroize::Zeroizing::new(String::from_utf8(plain).ok()?);
        let (user, password) = plain.split_once(':')?;
        let credentials = Credentials {
            user: user.to_owned(),
            password: SecretString::from(password),
        };
        Some((host, credentials))
    };
    config.auths.into_iter().map(account).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn accounts_are_read_and_nothing_else_is_taken_for_them() {
        let text = r#"{"auths": {"ghcr.io": {"auth": "bWU6YTpi"}}, "credsStore": "x"}"#;
        let accounts_of = |text: &str| accounts(&SecretString::from(text));
        let found = accounts_of(text).unwrap();
        assert_eq!(found["ghcr.io"].user, "me");
        assert_eq!(found["ghcr.io"].password.expose_secret(), "a:b");
        assert!(accounts_of(r#"{"auths": {"ghcr.io": {"auth": "bWU"}}}"#).is_none());
        assert!(accounts_of("{}").is_none());
    }
}
