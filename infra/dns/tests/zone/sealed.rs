//! Signatures of a real server, as it makes them and as a copy of another time would have them.

use std::net::SocketAddr;

use sovereign_dns::check::ZoneProblem;
use sovereign_dns::publish;
use sovereign_dns::sealed::{Seal, SealProblem, judge_now, seals};
use sovereign_dns::transfer::{Secondary, Supply, check_secondaries};
use tokio::net::UdpSocket;

use crate::bench::{Bench, zone};

const DAY: u32 = 86_400;

/// Times of a signature as they are sent (RFC 4034 section 3.1).
fn times(expiration: u32, inception: u32) -> Vec<u8> {
    [expiration.to_be_bytes(), inception.to_be_bytes()].concat()
}

/// A server that answers what another one does, with other times of its signatures. It ends with the test.
async fn copy(of: SocketAddr, from: Vec<u8>, to: Vec<u8>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut question = [0; 4_096];
        while let Ok((length, asker)) = socket.recv_from(&mut question).await {
            let upstream = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            upstream.send_to(&question[..length], of).await.unwrap();
            let mut answer = [0; 4_096];
            let (length, _) = upstream.recv_from(&mut answer).await.unwrap();
            let answer = &mut answer[..length];
            for at in 0..length.saturating_sub(from.len()) {
                if answer[at..].starts_with(&from) {
                    answer[at..at + to.len()].copy_from_slice(&to);
                }
            }
            socket.send_to(answer, asker).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn signatures_are_in_time_where_they_are_made_and_what_a_copy_has_is_told_with_its_cause() {
    let bench = Bench::start().await;
    let request = zone("acme");
    let published = publish(&bench.hosts, &request).await.unwrap();
    let all = seals(&bench.hosts, &[], &request.name).await.unwrap();
    let kinds: Vec<&str> = all[0].seals.iter().map(|seal| seal.kind).collect();
    assert_eq!((all.len(), kinds), (1, vec!["SOA", "DNSKEY", "NS"]));
    assert_eq!(judge_now(&all), []);

    let Seal {
        inception,
        expiration,
        ..
    } = all[0].seals[0];
    let ago = |weeks: u32| times(expiration - weeks * 7 * DAY, inception - weeks * 7 * DAY);
    for (sent, problem) in [
        (times(expiration, inception), None),
        (ago(1), Some(SealProblem::Older)),
        (ago(4), Some(SealProblem::Expired)),
        (
            times(expiration + 60 * DAY, inception + 60 * DAY),
            Some(SealProblem::Future),
        ),
    ] {
        let address = copy(bench.server.dns_addr, times(expiration, inception), sent).await;
        let supply = Supply {
            secondaries: vec![Secondary { address, host: None }],
            catalog: None,
        };
        let all = seals(&bench.hosts, &supply.secondaries, &request.name)
            .await
            .unwrap();
        let found = judge_now(&all);
        // Where a week ago is already near the end of a signature, that is told instead.
        let found_problem = found
            .iter()
            .find(|one| one.server == address)
            .map(|one| one.problem);
        let near_the_end = problem == Some(SealProblem::Older) && found_problem == Some(SealProblem::Expires);
        assert!(found_problem == problem || near_the_end, "{problem:?}: {found:?}");
        assert!(found.iter().all(|one| one.server == address), "{found:?}");
        let answers = check_secondaries(&*bench.hosts[0], &request, &published, &supply)
            .await
            .unwrap();
        let untimely = |one: &&sovereign_dns::ZoneFinding| matches!(one.problem, ZoneProblem::Untimely(_));
        let broken = matches!(problem, Some(SealProblem::Expired | SealProblem::Future));
        assert_eq!(answers.iter().any(|one| untimely(&one)), broken, "{answers:?}");
    }
}
