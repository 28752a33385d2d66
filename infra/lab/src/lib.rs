//! A cloud on this machine: a stateful Hetzner-compatible API with fault switches, written from the vendor's contract.
//!
//! ```text
//!  HTTP ──► api: token ─► bucket ─► faults ─► router ──► resources (one file a family)
//!                                                   │
//!                                              Project: what exists, as the API shows it; actions by the clock
//!                                                   │
//!                                              hosts: what is real of it on this machine
//! ```
//!
//! Time is lazy: every request first brings the project to the present, so without hosts nothing runs in the background.
//! Without hosts a server is a record; with them ([`LabConfig::hosts`]) servers, networks, firewalls, load balancers
//! and volumes are real, and an action ends when what it was to bring about is there.
//!
//! Beside the cloud stand registrars ([`RegistrarSim`]), one for each vendor, whose changes go to a parent zone in real DNS.

mod action;
mod admin;
mod api;
mod bucket;
mod catalog;
mod changes;
mod client;
mod config;
mod console;
mod dns;
mod fault;
mod hosts;
mod label_selector;
mod listing;
mod machine;
mod private_dns;
mod problem;
mod project;
mod registrars;
mod resources;
mod router;
mod server;
mod shared;
mod stats;

pub use client::{LabClient, LabError};
pub use config::{DnsConfig, HostKind, HostsConfig, LabConfig, Limits, Share, Token};
pub use console::{HostView, Said};
pub use dns::PowerDns;
pub use fault::{Fault, FaultEffect};
pub use hosts::HostError;
pub use label_selector::{LabelSelector, SelectorError};
pub use machine::{HostFaults, Stage};
pub use private_dns::{
    CustomerDomain, Fate, Loopback, Memory, NameServer, PrivateDns, PrivateDnsConfig, RecordSet, Resolver,
    Sighting, Sightings, Signing, TopLevel, Watch,
};
pub use registrars::{
    DsData, OwnersChange, ParentZone, PowerDnsParent, Published, Recorded, RegisteredDomain, RegistrarEffect,
    RegistrarFault, RegistrarSim, RegistrarVendor, RegistrarView, Registry,
};
pub use server::{Lab, RunningLab, StartError};
pub use shared::Ground;
pub use stats::{Stats, StatsRow};
