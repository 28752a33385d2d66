//! Logs on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::cli::{Global, LogFormat};

/// Sets the subscriber up. `SOVEREIGN_LOG` takes a filter such as `sovereign_cloud=debug`; otherwise `-v` decides.
pub(crate) fn init(global: &Global) {
    let own = match global.verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    // Other people's crates speak up only when everything is asked for.
    let rest = if global.verbose > 2 { "debug" } else { "warn" };
    let rooms = [
        "sovereign",
        "sovereign_engine",
        "sovereign_store",
        "sovereign_bootstrap",
        "sovereign_cloud",
        "sovereign_lab",
    ];
    let fallback = rooms
        .iter()
        .fold(rest.to_owned(), |filter, room| format!("{filter},{room}={own}"));
    let filter = EnvFilter::try_from_env("SOVEREIGN_LOG").unwrap_or_else(|_| EnvFilter::new(fallback));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match global.log_format {
        LogFormat::Text => builder.with_ansi(console::colors_enabled_stderr()).init(),
        LogFormat::Json => builder.json().init(),
    }
}
