//! Where `sovereign-agent link` comes in: a socket that only root can open.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::rc::Rc;

use tokio::net::UnixListener;
use tokio::task::JoinSet;

use super::desk::Desk;
use super::session;
use crate::disk;

/// Links at once; the newest one has the word anyway.
const MOST: usize = 8;

pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        disk::folder(folder, 0o700)?;
    }
    // Left by a daemon that was killed.
    disk::remove(path)?;
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub(super) async fn serve<T>(desk: &Rc<Desk>, listener: UnixListener) -> T {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if links.len() < MOST => match accepted {
                Ok((stream, _)) => {
                    let desk = Rc::clone(desk);
                    links.spawn_local(async move {
                        let end = session::speak(&desk, stream).await;
                        tracing::info!(%end, "a link over SSH ended");
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a link could not be taken");
                    // Out of file handles, most likely: some come back when a link ends.
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            },
            Some(_) = links.join_next() => {}
        }
    }
}
