//! Every text that is rendered: typed inputs, strict rendering, a gate on the bytes that travel; and [`kit`], what a
//! Sovereign is made of above k3s.
//!
//! # From a host to its user data
//!
//! ```text
//!  CloudInit ──► *.yaml.tera ──► comments stripped ──► gzip, base64 ──► UserData ──► Budget::check ──► Meter
//!  typed input   strict           `plain`               the wire form                 the gate
//! ```
//!
//! - [`CloudInit`] says what one host is told at its first boot. It is little: the agent makes the rest true over the
//!   node link. How the agent comes to the host is its [`Reach`].
//! - The templates stand in `cloud-init/`, one for each [`HostRole`](sovereign_core::host::HostRole); each extends
//!   `host.yaml.tera` and says only what is its own. A template may use what its input has and nothing else, and must
//!   use all of it: both are errors.
//! - A text is written as a quoted YAML scalar by the engine itself (`scalar`), so no template can forget it and no
//!   value can end its scalar. Templates never write quotes around `{{ }}` and never use `safe`.
//! - [`UserData`] holds the exact bytes that travel. [`Budget`] knows what a cloud takes and refuses what is too large,
//!   naming the biggest parts.
//! - A plan is made before there are secrets: [`filler`] stands in for them with the same length and randomness, so the
//!   plan shows the true size. Compression still moves it by a few bytes, therefore the gate runs again on the real
//!   bytes before they are sent.
//!
//! # Adding something
//! A key for all hosts: `host.yaml.tera`. A value: a field of the input and its `{{ name }}`. A cloud: one constant of
//! [`Budget`]. Then `cargo test -p sovereign-templates` shows the whole new text, and the real `cloud-init schema`
//! judges it.
//!
//! # On the host
//! cloud-init writes the files. With [`Reach::Https`] it then runs `fetch_agent.py` at every boot until the agent is
//! installed, so power may fail at any moment; the script says on the console what it does and why it fails. With
//! [`Reach::Ssh`] there is nothing to run: the installer brings the agent.
//!
//! # Secrets
//! None that lasts. A ticket is used up by enrolment; the SSH host key is replaced at first contact. The agent removes
//! both, and cloud-init's copies, once it is enrolled.

mod budget;
mod cloud_init;
mod comments;
pub mod filler;
pub mod kit;
mod scalar;
mod strict;
mod user_data;

pub use budget::{Budget, Counted, Meter, TooLarge};
pub use cloud_init::{CloudInit, Reach, RenderError};
pub use strict::TemplateError;
pub use user_data::{Encoding, Part, UserData};
