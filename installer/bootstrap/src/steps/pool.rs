//! A name out of a pool: held before its zone is made, delegated when the zone answers, and given back in the opposite order.
//!
//! ```text
//!  pool.hold ──► zone.create ──► pool.servers ──► pool.delegate ──► pool.activate
//!  pool.withdraw ──► zone.delete ──► pool.release
//! ```
//!
//! `vouch` changes the keys of a name that is delegated.

mod activate;
mod delegate;
mod hold;
mod owner;
mod prove_servers;
mod release;
mod vouch;
mod withdraw;
mod zone;

pub use self::activate::ActivateName;
pub use self::delegate::{DelegateName, DelegatedChild};
pub use self::hold::{HeldName, HoldName};
pub use self::prove_servers::ProveServers;
pub use self::release::ReleaseName;
pub(super) use self::vouch::vouch_in_pool;
pub use self::withdraw::WithdrawName;
pub(super) use self::zone::remove_zone;
