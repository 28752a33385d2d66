//! The words every room of the product speaks: the spec, names, addresses, secret references and events.
//! No I/O happens here.
//!
//! | module | concept |
//! | --- | --- |
//! | [`spec`] | the Sovereign spec: model, parser, lint, JSON Schema |
//! | [`name`] | Sovereign names and the names and labels derived from them |
//! | [`secret`] | references to secrets; never a secret itself |
//! | [`event`] | what happened to a Sovereign, in one monotonic sequence |
//! | [`finding`] | one problem: where, what, why and what to do |
//! | [`host`] | what a host is to be |
//! | [`k3s`] | what a host runs of the cluster |
//! | [`kit`] | what a kit says of itself, and its variables |
//! | [`kit_order`] | the kit that a Sovereign gets |
//! | [`registrar`] | registrars, and what each lets itself be asked with |
//! | [`registry`] | the registry that a node runs |
//! | [`hand_off`] | the last order: what is proven and handed over |
//! | [`agent`] | what installer and agent say to each other |
//! | [`crash`] | lines at which tests pull the plug |

pub mod agent;
pub mod crash;
pub mod event;
pub mod finding;
pub mod hand_off;
pub mod host;
pub mod k3s;
pub mod kit;
pub mod kit_order;
pub mod name;
pub mod registrar;
pub mod registry;
pub mod secret;
pub mod spec;
