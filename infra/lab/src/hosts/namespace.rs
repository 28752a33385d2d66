//! Named network namespaces: threads and sockets inside them.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;

use nix::sched::{CloneFlags, setns};
use tokio::net::TcpListener;

use super::HostError;

/// Where `ip netns` keeps a namespace.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(name)
}

/// Moves the calling thread into a namespace, for good.
pub(crate) fn enter(name: &str) -> Result<(), HostError> {
    let path = path(name);
    let failed = |error| HostError::system(format!("enter the network namespace {name}"))(error);
    let file = File::open(&path).map_err(failed)?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))
}

/// Runs `work` inside a namespace, on a thread that ends with it. What it opens stays in the namespace.
pub(crate) async fn within<T, W>(name: &str, work: W) -> Result<T, HostError>
where
    T: Send + 'static,
    W: FnOnce() -> std::io::Result<T> + Send + 'static,
{
    let (done, outcome) = tokio::sync::oneshot::channel();
    let name = name.to_owned();
    let thread = std::thread::Builder::new().name(name.clone());
    let body = move || {
        let failed = HostError::system(format!("open a socket in {name}"));
        let _ = done.send(enter(&name).and_then(|()| work().map_err(failed)));
    };
    thread.spawn(body).map_err(HostError::system("start a thread"))?;
    let lost = |_| HostError::system("enter a network namespace")(std::io::Error::other("its thread ended"));
    outcome.await.map_err(lost)?
}

/// A listener whose socket is inside a namespace, served from outside.
pub(crate) async fn listen(name: &str, address: SocketAddr) -> Result<TcpListener, HostError> {
    let socket = within(name, move || std::net::TcpListener::bind(address)).await?;
    socket
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(socket))
        .map_err(HostError::system(format!("listen on {address} in {name}")))
}
