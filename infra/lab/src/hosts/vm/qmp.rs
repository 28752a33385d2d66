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
    answers: mpsc::UnboundedReceiver<Value>,
    /// Number of the last command. An answer bears its command's, as callers may give up before it comes.
    last: u64,
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
        let (answer, answers) = mpsc::unbounded_channel();
        let (tell, reason) = watch::channel(None);
        tokio::spawn(async move { listen(reader, &answer, &tell).await });
        Self {
            channel: Mutex::new(Channel {
                writer,
                answers,
                last: 0,
            }),
            reason,
        }
    }

    /// Has a command executed and returns its answer.
    pub(super) async fn execute(&self, command: &str, arguments: Value) -> Result<Value, HostError> {
        let mut channel = self.channel.lock().await;
        let failed = |source| HostError::system(format!("tell QEMU to `{command}`"))(source);
        channel.last += 1;
        let id = channel.last;
        let line = format!(
            "{}\n",
            json!({"execute": command, "arguments": arguments, "id": id})
        );
        channel.writer.write_all(line.as_bytes()).await.map_err(failed)?;
        let gone = || failed(io::Error::other("it has ended"));
        let answer = loop {
            let answer = channel.answers.recv().await.ok_or_else(gone)?;
            if answer["id"] == id {
                break answer;
            }
        };
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

async fn listen(
    reader: OwnedReadHalf,
    answer: &mpsc::UnboundedSender<Value>,
    tell: &watch::Sender<Option<String>>,
) {
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if message["event"] == "SHUTDOWN" {
            tell.send_replace(message["data"]["reason"].as_str().map(str::to_owned));
        } else if message.get("return").is_some() || message.get("error").is_some() {
            // Nobody listens any more where the machine was let go.
            let _ = answer.send(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_nobody_waited_for_is_not_the_next_ones() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let qmp = Qmp::new(ours);
        let (reader, mut writer) = theirs.into_split();
        let mut lines = BufReader::new(reader).lines();
        let first = tokio::time::timeout(std::time::Duration::ZERO, qmp.execute("first", json!({}))).await;
        assert!(first.is_err());
        let machine = async {
            for word in ["one", "two"] {
                let line = lines.next_line().await.expect("a line").expect("a line");
                let id = serde_json::from_str::<Value>(&line).expect("JSON")["id"].clone();
                let answer = format!(
                    "{}\n{}\n",
                    json!({"event": "RESUME"}),
                    json!({"return": word, "id": id})
                );
                writer.write_all(answer.as_bytes()).await.expect("written");
            }
            let end = json!({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}});
            writer
                .write_all(format!("{end}\n").as_bytes())
                .await
                .expect("written");
        };
        let (second, ()) = tokio::join!(qmp.execute("second", json!({})), machine);
        assert_eq!(second.expect("an answer"), "two");
        assert_eq!(qmp.shutdown_reason().await.as_deref(), Some("guest-reset"));
        drop((lines, writer));
        assert!(qmp.execute("third", json!({})).await.is_err());
        assert_eq!(qmp.shutdown_reason().await.as_deref(), Some("guest-reset"));
    }
}
