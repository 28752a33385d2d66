//! For tests of every room that stands on this one. Feature `testing`.
//!
//! | item | what it is |
//! | --- | --- |
//! | [`MemoryBook`] | a [`NodeBook`](crate::NodeBook) that forgets with its process |
//! | [`book_contract()`] | what every book must do |
//! | [`TestAgent`] | the agent's side of a link, told what to say |

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test suite reports by panicking"
)]

mod agent;
mod book_contract;
mod memory_book;

pub use agent::{TestAgent, event, hello};
pub use book_contract::book_contract;
pub use memory_book::MemoryBook;
