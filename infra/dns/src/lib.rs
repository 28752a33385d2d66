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
//! | [`health`] | which addresses the names lead to, by what was seen of them |
//! | [`trial`] | whether every server evaluates LUA records, found by asking |
//! | [`mod@publish`] | one zone, one key, several servers |
//! | [`transfer`] | secondaries: keys, NOTIFY, catalogs |
//! | [`roll`] | a new key for a zone |
//! | [`check`] | the proof over DNS |
//! | [`shade`] | names that the wildcard stops answering for |
//! | [`mod@drift`] | how a server's copy differs from what was wanted, and who did it |
//! | [`probe`] | how a name is delegated, seen from outside |
//! | [`delegation`] | a domain on its way to our name servers, and back |
//! | [`sealed`] | whether signatures are in time at every server and secondary, and why not |
//! | [`pool`] | names out of a zone of ours: whose they are, and their delegations |
//! | [`registrar`] | where the parent leads: registrars, and hosts of parent zones |
//! | [`error`] | what went wrong, classed by what to do about it |

pub mod check;
pub mod delegation;
pub mod drift;
pub mod error;
pub mod health;
pub mod host;
pub mod mailbox;
pub mod name;
pub mod pool;
mod powerdns;
pub mod probe;
pub mod publish;
mod query;
pub mod record;
pub mod registrar;
pub mod roll;
pub mod sealed;
pub mod shade;
mod signature;
pub mod sovereign_zone;
pub mod transfer;
pub mod trial;
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
