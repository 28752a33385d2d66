//! How a name is delegated, seen from outside: asked from the root down, every server by itself, nothing believed that was not
//! asked for.
//!
//! ```text
//!            ┌─ walk: root ► tld ► parent           one answer each, and the keys on the way
//!  probe ────┼─ survey: every server of the parent, every address of every name server
//!            └─ judge (pure): findings, progress of a change, chain of trust, waits
//!  all questions ──► exchange: bounds, pace ──► query: UDP, TCP
//! ```
//!
//! No cache of anybody else takes part; public resolvers are asked for information only.

mod atlas;
mod chain;
mod codes;
mod config;
mod denial;
mod exchange;
mod expectation;
mod failure;
mod finding;
mod judge;
mod limits;
mod pace;
mod prober;
mod proof;
mod reach;
mod reading;
mod report;
mod resolve;
mod roots;
mod seen;
mod server;
mod survey;
mod waits;
mod walk;

pub use self::chain::{Link, LinkProblem, Security};
pub use self::codes::ALL as ALL_CODES;
pub use self::config::{PUBLIC_RESOLVERS, ProbeConfig};
pub use self::denial::Denial;
pub use self::exchange::Exchange;
pub use self::expectation::{Expectation, Progress, Shown, Side};
pub use self::failure::{Failure, Outcome};
pub use self::finding::{Code, DelegationFinding};
pub use self::limits::Limits;
pub use self::pace::Pace;
pub use self::prober::Prober;
pub use self::proof::{ServerProof, SetProof};
pub use self::report::{Cost, DelegationReport, Evidence, Standing, StuckAt};
pub use self::roots::{TrustAnchor, TrustAnchorError};
pub use self::seen::{
    DsSeen, KeySeen, KeysSeen, NameServer, NsSet, ParentSays, ParentServer, ResolverView, ServerAt, SoaSeen,
    ZoneServer,
};
pub use self::waits::Waits;
