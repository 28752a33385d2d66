//! The name server's process. It dies with the lab, however the lab ends.
//!
//! A thread of its own starts it and waits for it: the kernel kills the process when that thread ends (`PR_SET_PDEATHSIG`), and a
//! thread of a pool may end at any time.

use std::fs::File;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::Notify;

use super::home::not_there;

/// Time between two looks at whether it has ended by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A name server's process; it is killed when this is dropped.
pub(crate) struct Process {
    // The thread ends the process when this is dropped.
    stop: Sender<()>,
    end: Arc<End>,
}

#[derive(Debug, Default)]
struct End {
    ended: AtomicBool,
    told: Notify,
}

impl Process {
    /// Starts a program of a package; what it says goes to the log.
    pub(crate) fn start(program: &[String], log: File, install: &'static str) -> io::Result<Self> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .args(program)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let (stop, stopped) = channel();
        let (started, outcome) = channel();
        let end = Arc::new(End::default());
        let told = end.clone();
        let thread = std::thread::Builder::new().name("lab-dns".to_owned());
        thread.spawn(move || {
            match command.spawn() {
                Ok(child) => {
                    let _ = started.send(Ok(()));
                    wait(child, &stopped);
                }
                Err(error) => {
                    let _ = started.send(Err(not_there(&format!("setpriv: {error}"), install)));
                }
            }
            told.ended.store(true, Ordering::Release);
            told.told.notify_waiters();
        })?;
        outcome.recv().map_err(io::Error::other)??;
        Ok(Self { stop, end })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end.ended.load(Ordering::Acquire)
    }

    /// Ends it and waits until it has.
    pub(crate) async fn stop(self) {
        let told = self.end.told.notified();
        let mut told = std::pin::pin!(told);
        // From here on no end is missed.
        told.as_mut().enable();
        let _ = self.stop.send(());
        if !self.has_ended() {
            told.await;
        }
    }
}

/// Waits until it ends, or ends it once told to, or once nobody holds it.
fn wait(mut child: Child, stop: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(LOOK_AGAIN) {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}
