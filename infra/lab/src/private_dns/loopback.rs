//! Where a DNS of its own is found: loopback addresses that all answer on one port.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::dns::free_port;

/// How many blocks there are, and the first: `127.0` is everybody's.
const BLOCKS: u32 = 224;
const FIRST: u32 = 16;

/// The addresses 127.`block`.x.y and a port that is free at them. Name servers are found at an address alone, so all of one DNS
/// answer on one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback {
    block: u8,
    port: u16,
}

impl Loopback {
    /// A block that no other DNS of this process has, and hardly one of another process.
    pub fn take() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id().wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let block = u8::try_from(FIRST + number % BLOCKS).map_err(io::Error::other)?;
        let port = free_port(IpAddr::from([127, block, 0, 1]))?;
        Ok(Self { block, port })
    }

    /// An address of it.
    pub fn at(self, third: u8, fourth: u8) -> IpAddr {
        IpAddr::from([127, self.block, third, fourth])
    }

    /// The port.
    pub fn port(self) -> u16 {
        self.port
    }
}
