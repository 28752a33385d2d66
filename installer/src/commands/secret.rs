//! `sovereign secret`: sealed entries that a spec refers to. A value never appears among the arguments.

use std::io::{IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sovereign_store::Vault;

use crate::ask;
use crate::cli::{Global, SecretCommand};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::wiring::App;

/// Seals, lists or deletes.
pub(crate) async fn run(global: Global, command: SecretCommand) -> Result<Exit, CliError> {
    let app = App::open(global).await?;
    let vault = Vault::open(&app.store)?;
    match command {
        SecretCommand::Set { name } => {
            vault.put(&name, &read(&name)?).await?;
            output::notice(&format!(
                "sealed `{name}`; a spec refers to it as `{{ sealed: {name} }}`"
            ));
        }
        SecretCommand::List => {
            let names = vault.names().await?;
            if app.global.json {
                output::json(&json!({ "names": names }))?;
            } else {
                names.iter().try_for_each(|name| output::data(name))?;
            }
        }
        SecretCommand::Delete { name } => {
            if !vault.delete(&name).await? {
                return Err(CliError::UnknownSecret { name });
            }
            output::notice(&format!("deleted `{name}`"));
        }
    }
    Ok(Exit::Ok)
}

/// From a hidden prompt on a terminal, from standard input otherwise; the last line break is not part of it.
fn read(name: &str) -> Result<SecretString, CliError> {
    let secret = if std::io::stdin().is_terminal() {
        ask::hidden(&format!("value of `{name}` (hidden):"))?
    } else {
        let mut text = zeroize::Zeroizing::new(String::new());
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|source| CliError::Stdin { source })?;
        SecretString::from(text.trim_end_matches(['\r', '\n']))
    };
    if secret.expose_secret().is_empty() {
        Err(CliError::EmptySecret)
    } else {
        Ok(secret)
    }
}
