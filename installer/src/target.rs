//! What a command is about: a spec in a file, on standard input, or kept by the installer under a name.

use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use sovereign_core::finding::Finding;
use sovereign_core::name::SovereignName;
use sovereign_core::spec::{self, SovereignSpec};

use crate::errors::CliError;
use crate::wiring::App;

/// A spec and where it came from.
#[derive(Debug)]
pub(crate) struct Target {
    /// The document as it was read.
    pub(crate) document: String,
    /// What it says.
    pub(crate) spec: SovereignSpec,
    /// What in it is worth a second look.
    pub(crate) warnings: Vec<Finding>,
}

impl Target {
    /// The spec that `text` points at.
    pub(crate) async fn load(app: &App, text: &str) -> Result<Self, CliError> {
        if text == "-" {
            let mut document = String::new();
            std::io::stdin()
                .read_to_string(&mut document)
                .map_err(|source| CliError::Stdin { source })?;
            return Self::parse(document, "standard input");
        }
        if looks_like_a_path(text) {
            return Self::read(Path::new(text));
        }
        let unknown = async || {
            let known = app.known().await?;
            Err(CliError::UnknownTarget {
                target: text.to_owned(),
                known,
            })
        };
        let Ok(name) = text.parse::<SovereignName>() else {
            return unknown().await;
        };
        match app.store.spec(&name).await? {
            Some(document) => Self::parse(document, &format!("the spec kept for {name}")),
            None => unknown().await,
        }
    }

    /// SHA-256 of the validated spec in hex, as plans carry it.
    pub(crate) fn digest(&self) -> Result<String, CliError> {
        let json = serde_json::to_string(&self.spec);
        let json = json.map_err(|source| CliError::Encode {
            what: "the spec",
            source,
        })?;
        Ok(hex::encode(Sha256::digest(json.as_bytes())))
    }

    fn read(path: &Path) -> Result<Self, CliError> {
        let document = std::fs::read_to_string(path).map_err(|source| CliError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(document, &path.display().to_string())
    }

    fn parse(document: String, name: &str) -> Result<Self, CliError> {
        match spec::parse(&document) {
            Ok(parsed) => Ok(Self {
                document,
                spec: parsed.spec,
                warnings: parsed.warnings,
            }),
            Err(problems) => Err(CliError::Spec {
                name: name.to_owned(),
                document,
                problems,
            }),
        }
    }
}

/// The Sovereign that `text` names, by itself or through its spec. A spec that no longer parses does not stand in the way of a name.
pub(crate) async fn name(app: &App, text: &str) -> Result<SovereignName, CliError> {
    if text == "-" || looks_like_a_path(text) {
        return Ok(Target::load(app, text).await?.spec.name);
    }
    known_name(app, text).await
}

/// A Sovereign that the journal knows, or one whose spec is given: with the spec given, or the one kept.
pub(crate) async fn known(app: &App, text: &str) -> Result<Target, CliError> {
    if !looks_like_a_path(text) {
        // Says which names are known.
        known_name(app, text).await?;
    }
    match Target::load(app, text).await {
        Err(CliError::UnknownTarget { .. }) => Err(CliError::NoSpec {
            name: known_name(app, text).await?,
        }),
        target => target,
    }
}

/// A name that the journal knows.
pub(crate) async fn known_name(app: &App, text: &str) -> Result<SovereignName, CliError> {
    let known = app.known().await?;
    let found = known.iter().find(|name| name.as_str() == text).cloned();
    found.ok_or_else(|| CliError::Unknown {
        name: text.to_owned(),
        known,
    })
}

/// A name has neither a slash nor a dot; a file of that very name in this directory is meant as a file.
fn looks_like_a_path(text: &str) -> bool {
    text.contains(['/', '.']) || Path::new(text).is_file()
}
