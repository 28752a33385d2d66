//! Datagrams and streams of DNS messages (RFC 1035 section 4.2, RFC 7766).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{AskError, Patience, Question, Reply};

/// Longest datagram that is read, in bytes; servers that send more than they were asked for are asked over TCP.
const DATAGRAM: usize = 4_096;

/// Asks over UDP. Each try has a socket, and so a port, of its own: an attacker off the path has to guess both.
pub(crate) async fn udp(
    server: SocketAddr,
    question: &Question,
    patience: Patience,
) -> Result<Reply, AskError> {
    let mut ignored = 0;
    let mut last = None;
    for _ in 0..patience.tries {
        match timeout(patience.udp, datagram(server, question, &mut ignored)).await {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(error)) => last = Some(unreachable(&error)),
            Err(_) => {}
        }
    }
    Err(last.unwrap_or(AskError::TimedOut(ignored)))
}

async fn datagram(server: SocketAddr, question: &Question, ignored: &mut u32) -> io::Result<Reply> {
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
        match question.read(&buffer[..length]) {
            Ok(reply) => return Ok(reply),
            Err(_) => *ignored = ignored.saturating_add(1),
        }
    }
}

/// Asks over TCP, with a connection of its own.
pub(crate) async fn tcp(
    server: SocketAddr,
    question: &Question,
    patience: Patience,
) -> Result<Reply, AskError> {
    match timeout(patience.tcp, stream(server, question)).await {
        Ok(wire) => question.read(&wire.map_err(|error| unreachable(&error))?),
        Err(_) => Err(AskError::TimedOut(0)),
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

fn unreachable(error: &io::Error) -> AskError {
    use io::ErrorKind as K;
    AskError::Unreachable {
        no_route: matches!(
            error.kind(),
            K::NetworkUnreachable | K::AddrNotAvailable | K::Unsupported
        ),
        why: error.to_string(),
    }
}
