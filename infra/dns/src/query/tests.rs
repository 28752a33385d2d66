use std::net::Ipv4Addr;

use hickory_proto::op::OpCode;
use hickory_proto::rr::{RData, rdata};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

fn question() -> Question {
    Question::new(&"a.example".parse().unwrap(), RecordType::A).unwrap()
}

fn answer(question: &[u8], truncated: bool) -> Message {
    let question = Message::from_vec(question).unwrap();
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.truncation = truncated;
    answer.add_queries(question.queries.clone());
    if !truncated {
        let data = RData::A(rdata::A(Ipv4Addr::new(192, 0, 2, 1)));
        answer.add_answer(Record::from_rdata(question.queries[0].name().clone(), 60, data));
    }
    answer
}

/// A UDP and a TCP socket on one port.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

async fn serve_tcp(tcp: &TcpListener) {
    let (mut stream, _) = tcp.accept().await.unwrap();
    let length = stream.read_u16().await.unwrap();
    let mut wire = vec![0; length.into()];
    stream.read_exact(&mut wire).await.unwrap();
    let wire = answer(&wire, false).to_vec().unwrap();
    stream
        .write_u16(u16::try_from(wire.len()).unwrap())
        .await
        .unwrap();
    stream.write_all(&wire).await.unwrap();
}

#[test]
fn questions_are_asked_without_recursion_with_signatures_and_a_number_of_their_own() {
    let (one, other) = (question(), question());
    let edns = one.message.edns.as_ref().unwrap();
    assert!(!one.message.metadata.recursion_desired && edns.flags().dnssec_ok);
    assert_eq!(edns.max_payload(), 1_232);
    let third = question();
    let id = |question: &Question| question.message.metadata.id;
    assert!(id(&one) != id(&other) || id(&one) != id(&third));
}

#[tokio::test]
async fn forged_datagrams_are_passed_over() {
    let (udp, _tcp) = sockets().await;
    let server = udp.local_addr().unwrap();
    let serving = async {
        let mut wire = [0; 512];
        let (length, client) = udp.recv_from(&mut wire).await.unwrap();
        let good = answer(&wire[..length], false);
        let mut forged = good.clone();
        forged.metadata.id ^= 1;
        for wire in [
            b"garbage".to_vec(),
            forged.to_vec().unwrap(),
            good.to_vec().unwrap(),
        ] {
            udp.send_to(&wire, client).await.unwrap();
        }
    };
    let question = question();
    let (reply, ()) = tokio::join!(ask(server, &question), serving);
    assert_eq!(reply.unwrap().answers().len(), 1);
}

#[tokio::test]
async fn a_cut_off_answer_is_fetched_over_tcp() {
    let (udp, tcp) = sockets().await;
    let server = udp.local_addr().unwrap();
    let serving = async {
        let mut wire = [0; 512];
        let (length, client) = udp.recv_from(&mut wire).await.unwrap();
        let wire = answer(&wire[..length], true).to_vec().unwrap();
        udp.send_to(&wire, client).await.unwrap();
        serve_tcp(&tcp).await;
    };
    let question = question();
    let (reply, ()) = tokio::join!(ask(server, &question), serving);
    assert_eq!(reply.unwrap().answers().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_silence() {
    let (udp, tcp) = sockets().await;
    let server = udp.local_addr().unwrap();
    drop((udp, tcp));
    let outcome = ask(server, &question()).await;
    assert!(
        matches!(outcome, Err(AskError::Unreachable { .. })),
        "{outcome:?}"
    );
}

proptest! {
    #[test]
    fn no_bytes_are_a_surprise(wire in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(question().read(&wire).is_err());
    }
}
