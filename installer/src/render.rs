//! From facts to text. Pure: nothing here prints or asks.

pub(crate) mod delegation;
pub(crate) mod dns;
pub(crate) mod events;
pub(crate) mod findings;
pub(crate) mod kit;
pub(crate) mod paint;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod registrars;
pub(crate) mod scan;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod time;
