//! `sovereign kit`: types only; the doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `sovereign kit`.
#[derive(Debug, Subcommand)]
pub(crate) enum KitCommand {
    /// Show the components of a kit, each after those it needs.
    Show(KitArg),
    /// Find everything that is wrong with a kit.
    Lint(KitArg),
    /// Write what Flux would reconcile into a folder.
    Render(KitRender),
    /// Show what differs between two kits, as Flux would see it.
    Diff {
        /// A kit's folder, or `default`.
        #[arg(value_name = "A")]
        before: PathBuf,
        /// A kit's folder, or `default`.
        #[arg(value_name = "B")]
        after: PathBuf,
    },
    /// Print the JSON Schema of a kit's files.
    Schema {
        /// The file.
        #[arg(value_enum)]
        file: KitSchema,
    },
    /// Fetch, render, check and sign a kit, and write it as one file.
    Pack(KitPack),
}

/// Which kit.
#[derive(Debug, Clone, Args)]
pub(crate) struct KitArg {
    /// A kit's folder [default: the kit in this program].
    #[arg(long, value_name = "DIR", env = "SOVEREIGN_KIT", hide_env_values = true)]
    pub(crate) kit: Option<PathBuf>,
}

/// A file of a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KitSchema {
    /// `kit.yaml`.
    Kit,
    /// `components/<name>.yaml`.
    Component,
    /// `kit.json`, which is in a packed kit.
    Manifest,
}

/// How large and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KitProfileArg {
    /// One of everything.
    Solo,
    /// Replicated.
    Ha,
    /// Replicated, with the components beyond the core.
    Extended,
}

/// `sovereign kit render`.
#[derive(Debug, Args)]
pub(crate) struct KitRender {
    #[command(flatten)]
    pub(crate) kit: KitArg,
    /// Only what a Sovereign of this profile has [default: all].
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) profile: Option<KitProfileArg>,
    /// Folder to write to; it has to be new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// `sovereign kit pack`.
#[derive(Debug, Args)]
pub(crate) struct KitPack {
    #[command(flatten)]
    pub(crate) kit: KitArg,
    /// File to write to; `kit.lock.yaml` is written beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) key: KitKey,
    /// Accounts at registries, in the form of Docker's `config.json`.
    #[arg(long, value_name = "FILE")]
    pub(crate) auth: Option<PathBuf>,
    /// CAs of registries to trust beside the system's, in PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// Whose signature.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct KitKey {
    /// Sign with this private key: ECDSA P-256 in PEM (PKCS #8), not encrypted.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Make a pair of keys, `cosign.key` and `cosign.pub` in this folder, and sign with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) generate_key: Option<PathBuf>,
}
