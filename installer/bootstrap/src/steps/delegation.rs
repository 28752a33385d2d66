//! The delegation of a Sovereign's domain: looked at, moved to our name servers stage by stage, proven, and given back.
//!
//! ```text
//!  inspect ─► unsign ─► point ─► drain ─► sign ─► validate          each stage looks, and makes only the moves that are missing
//!     │          └─────────┴───────┴───────┴─────────┴─► roll back to what `inspect` saw, if it does not go well
//!     └── snapshot ─────────────────────────────────────► restore, when the Sovereign goes
//! ```

mod course;
mod inspect;
mod milestone;
mod restore;
mod validate;

pub use self::course::{Course, DelegatedName};
pub(super) use self::course::{Journal, signers};
pub(super) use self::inspect::registrar_error;
pub use self::inspect::{InspectDelegation, InspectedDelegation};
pub use self::milestone::{DrainDelegation, PointDelegation, ReachedStage, SignDelegation, UnsignDelegation};
pub use self::restore::RestoreDelegation;
pub use self::validate::{ValidateDelegation, ValidatedDelegation, ValidatedWay};
