//! Zones on authoritative name servers: made, changed, removed, and proven by asking the servers themselves.
//!
//! ```text
//!  SovereignNames ──► sovereign_zone (pure) ──► ZoneRequest
//!                                                   │
//!  publish / look / withdraw ◄──────────────────────┘
//!      │                        check_zone ──► query ──► DNS: UDP, then TCP
//!      ▼
//!  ZoneHost ──► powerdns: one call path ──► HTTP
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | [`name`], [`mailbox`], [`record`] | the words of DNS, in one canonical form |
//! | [`zone`] | a zone as wanted, as it is, and what lies between |
//! | [`sovereign_zone`](mod@sovereign_zone) | the zone of a Sovereign |
//! | [`host`] | the trait: what every name server can do |
//! | [`mod@publish`] | one zone, one key, several servers |
//! | [`check`] | the proof over DNS |
//! | [`error`] | what went wrong, classed by what to do about it |

pub mod check;
pub mod error;
pub mod host;
pub mod mailbox;
pub mod name;
mod powerdns;
pub mod publish;
mod query;
pub mod record;
pub mod sovereign_zone;
pub mod zone;

pub use check::{ZoneFinding, check_zone};
pub use error::{DnsError, ErrorClass};
pub use host::ZoneHost;
pub use mailbox::Mailbox;
pub use name::DomainName;
pub use powerdns::{PowerDnsConfig, connect as connect_powerdns};
pub use publish::{Published, look, publish, withdraw};
pub use sovereign_zone::{SovereignNames, sovereign_zone};
pub use zone::{ZoneMark, ZoneRequest, ZoneSettings};
