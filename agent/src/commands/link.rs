//! `link`: standard input and output become a link to the daemon.

use std::time::{Duration, Instant};

use tokio::io::{AsyncWriteExt as _, copy, stdin, stdout};
use tokio::net::UnixStream;

use crate::fault::{Fault, OrFault as _};
use crate::root::Root;
use crate::state::SOCKET;

/// Time a daemon that is just starting gets.
const START: Duration = Duration::from_secs(10);

/// Carries bytes both ways until either side ends.
pub(super) async fn link(root: &Root) -> Result<(), Fault> {
    let (mut from, mut to) = connect(root).await?.into_split();
    let (mut input, mut output) = (stdin(), stdout());
    let inward = copy(&mut input, &mut to);
    let outward = async {
        let copied = copy(&mut from, &mut output).await;
        output.flush().await.and(copied)
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
    }
    .map(drop)
    .or_fault("carrying the link to", SOCKET)
}

async fn connect(root: &Root) -> Result<UnixStream, Fault> {
    let began = Instant::now();
    loop {
        match UnixStream::connect(root.path(SOCKET)).await {
            Ok(stream) => return Ok(stream),
            Err(_) if began.elapsed() < START => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => {
                return Err(Fault::new(
                    format!("no agent answers at `{SOCKET}`: {error}"),
                    "see why on the host: `systemctl status sovereign-agent`",
                ));
            }
        }
    }
}
