//! Stands between the client and a server, takes notes, and misbehaves once told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the relay does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mischief {
    /// Passes it on, and the answer back.
    None,
    /// Passes it on and breaks the connection before the answer.
    LoseAnswer,
    /// Breaks the connection at once.
    LoseRequest,
    /// Passes it on and answers something else: status and body.
    AnswerAfterwards(u16, &'static str),
    /// Answers by itself: status and body.
    Answer(u16, &'static str),
}

/// A relay in front of a server.
pub(crate) struct Relay {
    pub(crate) url: String,
    plan: Arc<Mutex<VecDeque<Mischief>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    /// `behind`: address of the server's API.
    pub(crate) async fn start(behind: &str) -> Self {
        let behind: SocketAddr = behind.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let plan: Arc<Mutex<VecDeque<Mischief>>> = Arc::default();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (next, notes) = (plan.clone(), seen.clone());
        // Ends with the test's runtime.
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mischief = || next.lock().unwrap().pop_front().unwrap_or(Mischief::None);
                let note = |line| notes.lock().unwrap().push(line);
                serve(client, behind, mischief, note).await;
            }
        });
        Self { url, plan, seen }
    }

    /// What happens to the next requests; those after them are passed on.
    pub(crate) fn plan(&self, mischief: impl IntoIterator<Item = Mischief>) {
        self.plan.lock().unwrap().extend(mischief);
    }

    /// Methods and paths since the last call.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn serve(
    mut client: TcpStream,
    behind: SocketAddr,
    mischief: impl FnOnce() -> Mischief,
    note: impl FnOnce(String),
) {
    let Some(request) = read_request(&mut client).await else {
        return;
    };
    let line = String::from_utf8_lossy(&request)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    let line = line
        .trim_end_matches(" HTTP/1.1")
        .replace("/api/v1/servers/localhost", "");
    note(line.trim_end().to_owned());
    let mischief = mischief();
    let mut answer = Vec::new();
    if !matches!(mischief, Mischief::LoseRequest | Mischief::Answer(..)) {
        let mut server = TcpStream::connect(behind).await.unwrap();
        server.write_all(&request).await.unwrap();
        // This server ends the connection after each answer.
        server.read_to_end(&mut answer).await.unwrap();
    }
    match mischief {
        Mischief::None => {}
        Mischief::LoseAnswer | Mischief::LoseRequest => return,
        Mischief::Answer(status, body) | Mischief::AnswerAfterwards(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} Words\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            answer = [head.as_bytes(), body.as_bytes()].concat();
        }
    }
    let _ = client.write_all(&answer).await;
}

/// Head and body of one request.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(request);
            }
        }
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}
