//! `sovereign dns registrars`: what each registrar is asked with.

use serde::Serialize;
use sovereign_core::registrar::{CredentialHelp, RegistrarKind, credential_example, credential_help};

use crate::cli::Global;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::{output, render};

/// One registrar, with what a person has to know.
#[derive(Debug, Serialize)]
struct Registrar {
    /// Which.
    kind: RegistrarKind,
    /// Its credential as a spec writes it.
    example: String,
    /// What it needs.
    #[serde(flatten)]
    help: CredentialHelp,
}

impl Registrar {
    fn of(kind: RegistrarKind) -> Self {
        Self {
            kind,
            example: credential_example(kind),
            help: credential_help(kind),
        }
    }
}

/// All of them, or the one of that name.
pub(super) fn show(global: &Global, only: Option<&str>) -> Result<Exit, CliError> {
    let kinds = RegistrarKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| only.is_none_or(|only| only == kind.as_str()));
    let kinds: Vec<RegistrarKind> = kinds.collect();
    if global.json {
        let all: Vec<Registrar> = kinds.into_iter().map(Registrar::of).collect();
        output::json(&all)?;
    } else {
        output::data(&render::registrars::render(&kinds))?;
    }
    Ok(Exit::Ok)
}
