//! The Sovereign spec: what the owner wants, in one short versioned document without a secret in it.

mod model;

pub use model::*;
