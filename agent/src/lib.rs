//! Runs on a host: looks at it, makes it what the installer says, and reports every step, until it is told to leave.
//!
//! | module | concept |
//! | --- | --- |
//! | [`daemon`] | the service: links, orders, retries |
//! | [`ledger`] | every event, on disk before anyone hears of it |
//! | [`preflight`] | what the host is like, with reasons and remedies |
//! | [`converge`] | the parts of what a host is to be: look, change, verify |
//! | [`k3s`] | the parts of what it runs of the cluster |
//! | [`part`] | a part of a document that is made true |
//! | [`placed`] | what was put on the host, and what was there before |
//! | [`leave`] | takes all of it away again |
//! | [`install`] | makes the agent a service, in a sandbox |
//! | [`commands`] | what a person types on the console |
//! | [`root`], [`runner`] | the host's files and commands, so that tests can stand in for a host |

pub mod cli;
pub mod commands;
pub mod config;
pub mod converge;
pub mod daemon;
mod disk;
pub mod fault;
pub mod host;
mod host_keys;
mod incoming;
pub mod install;
pub mod k3s;
pub mod leave;
pub mod ledger;
mod lines;
pub mod part;
pub mod placed;
pub mod preflight;
pub mod root;
pub mod runner;
pub mod state;
mod systemd;
#[cfg(test)]
mod testing;
mod who;
