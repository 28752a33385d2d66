//! One trait for every cloud, one private module per provider.
//!
//! | module | concept |
//! | --- | --- |
//! | [`cloud`] | the trait: look, create, delete |
//! | [`resource`] | what a cloud holds, seen the same way whatever its kind |
//! | [`request`] | what can be asked to be made |
//! | [`inventory`] | what a planner needs to know of an account |
//! | [`error`] | what went wrong, classed by what to do about it |
//! | [`label`] | ownership |
//! | [`wait`] | waiting with a voice and an end |

pub mod cloud;
pub mod error;
mod hetzner;
pub mod inventory;
pub mod label;
pub mod request;
pub mod resource;
pub mod wait;

pub use cloud::{Cloud, Freshness};
pub use error::{CloudError, ErrorClass};
pub use hetzner::{HetznerConfig, connect as connect_hetzner};
