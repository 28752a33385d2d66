//! A server that answers whatever it is told to, over UDP and TCP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, rdata};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

/// What it answers to a question: bytes over UDP and over TCP; none is silence.
pub(crate) type Script = fn(&Message, IpAddr) -> Option<Vec<u8>>;

/// A server at one address. It ends with the test's runtime.
pub(crate) struct Rogue {
    asked: Arc<AtomicU32>,
}

impl Rogue {
    pub(crate) async fn start(address: IpAddr, port: u16, script: Script) -> Self {
        let at = SocketAddr::new(address, port);
        let udp = UdpSocket::bind(at).await.unwrap();
        let tcp = TcpListener::bind(at).await.unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let (by_udp, by_tcp) = (asked.clone(), asked.clone());
        tokio::spawn(async move {
            let mut wire = [0; 2_048];
            while let Ok((length, client)) = udp.recv_from(&mut wire).await {
                by_udp.fetch_add(1, Ordering::Relaxed);
                let question = Message::from_vec(&wire[..length]).unwrap();
                if let Some(mut answer) = script(&question, address) {
                    if answer.len() > 4_096 {
                        // Cut off: the client comes over TCP.
                        answer = wire[..length].to_vec();
                        answer[2] |= 0x82;
                    }
                    let _ = udp.send_to(&answer, client).await;
                }
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                by_tcp.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let length = stream.read_u16().await.ok()?;
                    let mut wire = vec![0; length.into()];
                    stream.read_exact(&mut wire).await.ok()?;
                    let question = Message::from_vec(&wire).ok()?;
                    if let Some(answer) = script(&question, address) {
                        stream.write_u16(u16::try_from(answer.len()).ok()?).await.ok()?;
                        stream.write_all(&answer).await.ok()?;
                    } else {
                        // Silent, not gone.
                        std::future::pending::<()>().await;
                    }
                    Some(())
                });
            }
        });
        Self { asked }
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

pub(crate) fn answer(question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.add_queries(question.queries.clone());
    if let Some(edns) = &question.edns {
        answer.set_edns(edns.clone());
    }
    answer
}

pub(crate) fn code(question: &Message, code: ResponseCode) -> Message {
    let mut answer = answer(question);
    answer.metadata.response_code = code;
    answer
}

pub(crate) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub(crate) fn ns(zone: &Name, server: &Name) -> Record {
    Record::from_rdata(zone.clone(), 3_600, RData::NS(rdata::NS(server.clone())))
}

pub(crate) fn address(host: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(rdata::A(address)),
        IpAddr::V6(address) => RData::AAAA(rdata::AAAA(address)),
    };
    Record::from_rdata(host.clone(), 3_600, data)
}
