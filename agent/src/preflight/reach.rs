//! Whether the host reaches what the plan needs.

use std::time::Duration;

use futures::future::join_all;
use sovereign_core::agent::HostCheck;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{failed, fine};

const WITHIN: Duration = Duration::from_secs(3);

/// Every address at once, so that many that do not answer take no longer than one.
pub(super) async fn checks(addresses: &[String]) -> Vec<HostCheck> {
    join_all(addresses.iter().map(|address| check(address))).await
}

async fn check(address: &str) -> HostCheck {
    let name = format!("reach {address}");
    match connect(address).await {
        Ok(()) => fine(&name, "accepts connections"),
        Err(why) => failed(
            &name,
            why,
            "the host needs it while the Sovereign is built",
            "see that the address is right, that it runs, and that no firewall stands between",
        ),
    }
}

/// Opens a TCP connection and closes it; otherwise tells why not.
pub(super) async fn connect(address: &str) -> Result<(), String> {
    match timeout(WITHIN, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
    }
}
