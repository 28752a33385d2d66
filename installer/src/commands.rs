//! One file a command; each takes its arguments and says how the program ends.

pub(crate) mod completions;
pub(crate) mod destroy;
pub(crate) mod dns;
pub(crate) mod doctor;
pub(crate) mod kit;
pub(crate) mod lab;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod report;
pub(crate) mod scan;
pub(crate) mod schema;
pub(crate) mod secret;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod zone;

mod outcome;
