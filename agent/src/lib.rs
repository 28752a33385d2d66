//! Runs on a host: looks at it, makes it what the installer says, and reports every step, until it is told to leave.
//!
//! | module | concept |
//! | --- | --- |
//! | [`daemon`] | the service: links, orders, retries |
//! | [`ledger`] | every event, on disk before anyone hears of it |
//! | [`preflight`] | what the host is like, with reasons and remedies |
//! | [`converge`] | the parts of what a host is to be: look, change, verify |
//! | [`registry`] | the parts of what the node serves to itself and its pods, and the registry itself |
//! | [`k3s`] | the parts of what it runs of the cluster |
//! | `cluster`, `condition`, `flux`, `validity` | the cluster's API, what objects say of themselves, Flux's kinds, certificates of another time |
//! | `kit`, `hand_off`, `release` | the kit that goes into the cluster, the proofs that it goes on by itself, the way out |
//! | [`part`] | a part of a document that is made true |
//! | [`placed`] | what was put on the host, and what was there before |
//! | [`leave`] | takes all of it away again |
//! | [`install`] | makes the agent a service, in a sandbox |
//! | [`commands`] | what a person types on the console |
//! | [`root`], [`runner`] | the host's files and commands, so that tests can stand in for a host |

pub mod cli;
mod cluster;
pub mod commands;
mod condition;
pub mod config;
pub mod converge;
pub mod daemon;
mod disk;
pub mod fault;
mod flux;
mod hand_off;
pub mod host;
mod host_keys;
mod incoming;
pub mod install;
pub mod k3s;
mod kit;
pub mod leave;
pub mod ledger;
mod lines;
mod nodes;
pub mod part;
pub mod placed;
pub mod preflight;
pub mod registry;
mod release;
pub mod root;
pub mod runner;
mod signs;
mod standing;
pub mod state;
mod systemd;
#[cfg(test)]
mod testing;
mod validity;
mod who;
