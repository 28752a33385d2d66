//! QEMU's control protocol: a line of JSON each way, and events in between.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc, watch};

use super::HostError;

/// A connection to QEMU.
#[derive(Debug)]
pub(super) struct Qmp {
    /// Locked from a command to its answer.
    channel: Mutex<Channel>,
    /// Why the machine stopped; the sender goes with the connection.
    reason: watch::Receiver<Option<String>>,
}

#[derive(Debug)]
struct Channel {
    writer: OwnedWriteHalf,
    answers: mpsc::Receiver<Value>,
}

impl Qmp {
    /// Takes QEMU's call and gets past the greeting.
    pub(super) async fn accept(listener: &UnixListener) -> Result<Self, HostError> {
        let call = listener.accept().await;
        let (stream, _) = call.map_err(HostError::system("wait for QEMU"))?;
        let qmp = Self::new(stream);
        qmp.execute("qmp_capabilities", json!({})).await?;
        Ok(qmp)
    }

    fn new(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let (answer, answers) = mpsc::channel(1);
        let (tell, reason) = watch::channel(None);
        tokio::spawn(async move { listen(reader, &answer, &tell).await });
        Self {
            channel: Mutex::new(Channel { writer, answers }),
            reason,
        }
    }

    /// Has a command executed and returns its answer.
    pub(super) async fn execute(&self, command: &str, arguments: Value) -> Result<Value, HostError> {
        let mut channel = self.channel.lock().await;
        let failed = |source| HostError::system(format!("tell QEMU to `{command}`"))(source);
        let line = format!("{}\n", json!({"execute": command, "arguments": arguments}));
        channel.writer.write_all(line.as_bytes()).await.map_err(failed)?;
        let gone = || failed(io::Error::other("it has ended"));
        let answer = channel.answers.recv().await.ok_or_else(gone)?;
        if let Some(error) = answer.get("error") {
            return Err(HostError::Command {
                command: format!("QEMU's {command}"),
                said: error["desc"].as_str().unwrap_or_default().into(),
            });
        }
        Ok(answer["return"].clone())
    }

    /// Why the machine stopped, once it has; nothing where QEMU could not say.
    pub(super) async fn shutdown_reason(&self) -> Option<String> {
        let mut reason = self.reason.clone();
        // The connection ends with QEMU, which is when this ends at the latest.
        let _ = reason.wait_for(Option::is_some).await;
        reason.borrow().clone()
    }
}

async fn listen(reader: OwnedReadHalf, answer: &mpsc::Sender<Value>, tell: &watch::Sender<Option<String>>) {
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if message["event"] == "SHUTDOWN" {
            tell.send_replace(message["data"]["reason"].as_str().map(str::to_owned));
        } else if message.get("return").is_some() || message.get("error").is_some() {
            // Nobody waits for it where the caller was dropped.
            let _ = answer.try_send(message);
        }
    }
}
