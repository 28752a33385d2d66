//! Addresses of a host, as far as they are known.

use std::net::IpAddr;

use sovereign_engine::step::{StepContext, StepError};

use super::place::HostPlace;
use crate::services::Services;

/// Addresses of a host, as far as they are known.
pub(super) struct Addresses {
    /// By which other nodes reach it.
    pub(super) node: Option<IpAddr>,
    /// By which the world reaches it, where it is another one.
    pub(super) external: Option<IpAddr>,
    /// By which others join: address or name.
    pub(super) join: Option<String>,
}

impl Addresses {
    /// By which an administrator reaches the host: address or name.
    pub(super) fn reached(&self) -> Option<String> {
        let address = self.external.or(self.node);
        address.map(|ip| ip.to_string()).or_else(|| self.join.clone())
    }

    pub(super) fn of(cx: &StepContext<'_, Services>, place: &HostPlace) -> Result<Self, StepError> {
        match place {
            HostPlace::Server { server, .. } => {
                let made = cx.output(server)?.made;
                let public = made.public_ipv4.map(IpAddr::from);
                let public = public.or(made.public_ipv6.map(IpAddr::from));
                let private = made.private_ipv4.map(IpAddr::from);
                let node = private.or(public);
                Ok(Self {
                    node,
                    external: private.and(public),
                    join: node.map(|ip| ip.to_string()),
                })
            }
            HostPlace::Machine(machine) => Ok(Self {
                node: machine.address.parse().ok(),
                external: None,
                join: Some(machine.address.clone()),
            }),
        }
    }
}
