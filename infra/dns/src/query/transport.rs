//! Datagrams and streams of DNS messages (RFC 1035 section 4.2, RFC 7766).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{AskError, Question, Reply};

/// How long one datagram is waited for.
const UDP_WITHIN: Duration = Duration::from_millis(1_500);
/// How often a datagram is sent.
const UDP_TRIES: u32 = 2;
/// Longest datagram that is read, in bytes; servers that send more than they were asked for are asked over TCP.
const DATAGRAM: usize = 4_096;
/// How long a stream may take from its first packet to the end of the answer.
const TCP_WITHIN: Duration = Duration::from_secs(4);

/// Each try has a socket, and so a port, of its own: an attacker off the path has to guess both.
pub(super) async fn udp(server: SocketAddr, question: &Question) -> Result<Reply, AskError> {
    let mut last = AskError::Silent("timed out".to_owned());
    for _ in 0..UDP_TRIES {
        match timeout(UDP_WITHIN, datagram(server, question)).await {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(error)) => last = AskError::Silent(error.to_string()),
            Err(_) => {}
        }
    }
    Err(last)
}

async fn datagram(server: SocketAddr, question: &Question) -> io::Result<Reply> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    // Connected: datagrams from other senders never arrive.
    socket.connect(server).await?;
    socket.send(&question.wire).await?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if let Ok(reply) = question.read(&buffer[..length]) {
            return Ok(reply);
        }
    }
}

pub(super) async fn tcp(server: SocketAddr, question: &Question) -> Result<Reply, AskError> {
    let silent = |error: io::Error| AskError::Silent(error.to_string());
    match timeout(TCP_WITHIN, stream(server, question)).await {
        Ok(wire) => question.read(&wire.map_err(silent)?),
        Err(_) => Err(AskError::Silent("timed out".to_owned())),
    }
}

async fn stream(server: SocketAddr, question: &Question) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.wire.len()).map_err(io::Error::other)?;
    // One write: some servers read the length and the question as one packet.
    let framed = [&length.to_be_bytes()[..], &question.wire].concat();
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut wire = vec![0; length.into()];
    stream.read_exact(&mut wire).await?;
    Ok(wire)
}
