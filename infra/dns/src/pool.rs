//! A pool of names: names right below a zone of ours, each given to one Sovereign at a time.
//!
//! ```text
//!  PoolLabel, look_alike ──► PoolName
//!                               │
//!  Act ──► decide (pure) ──► Allocation ──► PoolBook: compare and swap
//!                               │
//!  delegation: NS and DS in the pool's zone, marked ──► ZoneHost
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | [`label`], [`look_alike`] | which labels may be given away, and which look like others |
//! | [`name`] | a label in its pool |
//! | [`allocation`] | whose a name is, and how far it has come |
//! | [`act`] | what may be done with an allocation: the one table |
//! | [`fence`] | one at a time takes a name away |
//! | [`claim`] | the secret that proves an owner |
//! | [`book`] | where allocations are kept |
//! | [`deed`] | what a Sovereign does with its name, in the book and in DNS |
//! | [`delegation`] | what the pool's zone says of a name |
//! | `zone` | the zone of a name, taken away |
//! | [`orphan`] | what is in DNS and nobody's, or somebody's and not in DNS |
//! | [`sweep`] | takes away what is nobody's |
//! | [`survey`] | what the pool's servers say before anything is done |

pub mod act;
pub mod allocation;
pub mod book;
pub mod claim;
pub mod deed;
pub mod delegation;
pub mod fence;
pub mod label;
pub mod look_alike;
pub mod name;
pub mod orphan;
pub mod refusal;
pub mod survey;
pub mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod zone;

pub use act::{Act, Owner, Verdict, decide};
pub use allocation::{Allocation, Lingers, State, TAKE_OVER, Taker};
pub use book::{BookError, PoolBook, PoolError, Put, expire, perform, reclaim};
pub use claim::{Claim, ClaimDigest};
pub use deed::{Deed, DeedError, Withdrawal};
pub use delegation::ChildDelegation;
pub use fence::Fence;
pub use label::{LabelProblem, PoolLabel};
pub use name::PoolName;
pub use orphan::{Fate, Going, Orphan, OrphanKind, orphans};
pub use refusal::Refusal;
