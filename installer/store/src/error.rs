//! Why the store could not do as told.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the store could not do as told. Never holds a secret.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be made or used.
    #[error("cannot use `{}`", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error("the database could not {action}")]
    Database {
        /// What it was asked to do.
        action: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The database was written by a newer version.
    #[error("the database has schema {found}; this version knows {known}: use the version that wrote it")]
    Newer {
        /// The database's schema.
        found: i64,
        /// The newest this version knows.
        known: i64,
    },
    /// The master key cannot be used.
    #[error("the master key {0}")]
    MasterKey(String),
    /// A sealed entry does not open.
    #[error(
        "sealed secret `{0}` does not open: it was sealed under another master key, or was tampered with"
    )]
    DoesNotOpen(String),
}
