//! A host that we are logged in to.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::connect::broken;
use super::handler::Judge;
use super::keys::HostKey;
use super::shell::as_root;
use super::{Address, SshError};

/// Longest run of a command.
const RUN_WITHIN: Duration = Duration::from_mins(2);
/// Most that a command may say, in bytes, on both its streams together.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// Status of a command that a signal ended.
const SIGNALLED: u32 = 128;
/// Input of a command goes out in pieces of this many bytes, so that a large file is never kept twice.
const PIECE: usize = 32 * 1024;

/// A host that we are logged in to. Commands run as root.
pub struct SshHost {
    handle: Handle<Judge>,
    pub(super) address: Address,
    user: String,
    host_key: HostKey,
}

impl fmt::Debug for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshHost")
            .field("address", &self.address)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 128 and more if a signal ended it, as a shell would say.
    pub status: u32,
    /// What it said.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

impl Output {
    /// It did what it was to do.
    pub fn ok(&self) -> bool {
        self.status == 0
    }

    /// The last thing it complained of, for people to read.
    pub fn complaint(&self) -> String {
        let said = String::from_utf8_lossy(&self.stderr);
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.map_or_else(|| format!("status {}", self.status), str::to_owned)
    }
}

impl SshHost {
    pub(super) fn new(handle: Handle<Judge>, address: Address, user: String, host_key: HostKey) -> Self {
        Self {
            handle,
            address,
            user,
            host_key,
        }
    }

    /// The key that the host proved itself with, in OpenSSH form.
    pub fn host_key(&self) -> &str {
        &self.host_key.public
    }

    /// Runs a command as root, with input if it takes any. Two minutes at most.
    pub async fn run(&self, command: &str, stdin: Option<&[u8]>) -> Result<Output, SshError> {
        let within = RUN_WITHIN;
        let (mut hears, says) = self.begin(command).await?.split();
        let run = timeout(within, exchange(&mut hears, &says, stdin.unwrap_or_default())).await;
        if !matches!(run, Ok(Ok(_))) {
            // The command goes on otherwise, and what it says with it. A connection that broke is as good.
            let _ = says.close().await;
        }
        let address = self.address.clone();
        let output = run.map_err(|_| SshError::TimedOut {
            address: address.clone(),
            what: "end a command",
            within,
        })?;
        let limit = MAX_OUTPUT;
        let output = output.map_err(|TooMuch| SshError::TooMuchOutput { address, limit })?;
        output.ok_or_else(|| broken(&self.address, "a command did not come to its end"))
    }

    /// Runs a command as root and speaks to it: what is written goes to its input, what is read is its output.
    pub async fn stream(
        &self,
        command: &str,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, SshError> {
        Ok(self.begin(command).await?.into_stream())
    }

    /// Says goodbye. A connection that broke meanwhile is as good.
    pub async fn close(self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }

    pub(super) async fn become_root(&self) -> Result<(), SshError> {
        if self.user == "root" {
            return Ok(());
        }
        let tried = self.run("true", None).await?;
        if tried.ok() {
            return Ok(());
        }
        Err(SshError::NoSudo {
            address: self.address.clone(),
            user: self.user.clone(),
            why: tried.complaint(),
        })
    }

    async fn begin(&self, command: &str) -> Result<Channel<Msg>, SshError> {
        let failed = |error: russh::Error| broken(&self.address, &error);
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        channel
            .exec(false, as_root(&self.user, command))
            .await
            .map_err(failed)?;
        Ok(channel)
    }
}

/// Feeds a command and collects what it says, until it ends; `None` if that is never told.
async fn exchange(
    hears: &mut ChannelReadHalf,
    says: &ChannelWriteHalf<Msg>,
    stdin: &[u8],
) -> Result<Option<Output>, TooMuch> {
    let feed = async {
        for piece in stdin.chunks(PIECE) {
            says.data(piece).await?;
        }
        says.eof().await
    };
    let collect = async {
        let (mut status, mut stdout, mut stderr) = (None, Vec::new(), Vec::new());
        while let Some(message) = hears.wait().await {
            match message {
                ChannelMsg::Data { data } => stdout.extend_from_slice(&data),
                ChannelMsg::ExtendedData { data, .. } => stderr.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::ExitSignal { .. } => status = Some(SIGNALLED),
                _ => {}
            }
            if stdout.len() + stderr.len() > MAX_OUTPUT {
                return Err(TooMuch);
            }
        }
        Ok(status.map(|status| Output {
            status,
            stdout,
            stderr,
        }))
    };
    let mut feed = pin!(feed);
    let mut collect = pin!(collect);
    // A command need not read its input to the end: how it ended says more than what came of feeding it.
    tokio::select! {
        output = &mut collect => output,
        _ = &mut feed => collect.await,
    }
}

struct TooMuch;
