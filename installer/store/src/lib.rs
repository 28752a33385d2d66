//! What the installer must not lose: journal, leases, specs, nodes, names and sealed secrets, in one `SQLite` database.
//!
//! | module | concept |
//! | --- | --- |
//! | [`store`] | the database: one writer, a few readers, several processes |
//! | `journal` | [`sovereign_engine::journal::Journal`] on it |
//! | [`master_key`] | the key that everything sealed is sealed under |
//! | [`vault`] | sealed secrets |
//! | [`nodes`] | tickets, identities and host keys of nodes |
//! | [`pool_names`] | names out of pools and their history |
//! | [`pool_orphans`] | since when something in a pool is nobody's |
//! | [`secrets`] | from a reference in a spec to the secret |

mod error;
mod journal;
pub mod master_key;
pub mod nodes;
pub mod pool_names;
pub mod pool_orphans;
pub mod secrets;
pub mod store;
pub mod vault;

pub use error::StoreError;
pub use master_key::MasterKey;
pub use store::SqliteStore;
pub use vault::Vault;
