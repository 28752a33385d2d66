//! The delegation of a Sovereign's domain: looked at, moved to our name servers stage by stage, proven, and given back.
//!
//! ```text
//!  inspect ─► unsign ─► point ─► drain ─► sign ─► validate          each stage looks, and makes only the moves that are missing
//!     │          └─────────┴───────┴───────┴─────────┴─► roll back to what `inspect` saw, if it does not go well
//!     └── snapshot ─────────────────────────────────────► restore, when the Sovereign goes
//! ```
//!
//! Where a name came from and what caches may hold of it is remembered from step to step and from plan to plan (`remembered`).

mod course;
mod inspect;
mod milestone;
mod remembered;
mod restore;
mod validate;

pub(super) use self::course::signers;
pub use self::course::{Course, DelegatedName, ROLL_BACK};
pub(super) use self::inspect::registrar_error;
pub use self::inspect::{InspectDelegation, InspectedDelegation};
pub use self::milestone::{DrainDelegation, PointDelegation, ReachedStage, SignDelegation, UnsignDelegation};
pub(super) use self::remembered::{Journal, Remembered};
pub use self::restore::RestoreDelegation;
pub use self::validate::{ValidateDelegation, ValidatedDelegation, ValidatedWay};
