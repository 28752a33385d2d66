//! Whatever a server answers, a probe ends within its bounds and does not call it healthy.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, rdata};
use sovereign_dns::probe::{DelegationReport, Expectation, Limits, Pace, ProbeConfig, Prober};

use crate::bounds::bounded;
use crate::rogue::{self, Rogue, Script};
use crate::world::{Block, codes, named};

pub(crate) fn bounds() -> Limits {
    Limits {
        questions: 120,
        time: Duration::from_secs(8),
        datagram: Duration::from_millis(100),
        stream: Duration::from_millis(400),
        ..Limits::default()
    }
}

pub(crate) fn config(root: IpAddr, port: u16) -> ProbeConfig {
    ProbeConfig {
        port,
        limits: bounds(),
        pace: Pace {
            burst: 1,
            gap: Duration::ZERO,
        },
        ..ProbeConfig::private(vec![root], None)
    }
}

/// What becomes of a probe whose root follows a script.
async fn against(script: Script) -> (DelegationReport, u32) {
    let block = Block::take();
    let root = block.at(0, 1);
    let rogue = Rogue::start(root, block.port, script).await;
    let report = bounded(config(root, block.port), &named("a.b.c.victim.test")).await;
    assert!(!report.is_healthy(), "{:#?}", report.findings);
    // A question is at most two datagrams, and a stream.
    assert!(rogue.asked() <= 3 * report.cost.questions);
    (report, rogue.asked())
}

pub(crate) fn bytes(message: &Message) -> Option<Vec<u8>> {
    message.to_vec().ok()
}

#[tokio::test]
async fn silence() {
    let (report, _) = against(|_, _| None).await;
    assert!(codes(&report).contains(&"walk.stuck"), "{:?}", codes(&report));
}

#[tokio::test]
async fn wrong_numbers_and_wrong_questions_are_no_answers() {
    let wrong_number: Script = |question, _| {
        let mut answer = rogue::answer(question);
        answer.metadata.id ^= 0x5555;
        bytes(&answer)
    };
    let wrong_question: Script = |question, _| {
        let mut answer = rogue::answer(question);
        answer.queries[0].set_name(rogue::name("other.test."));
        bytes(&answer)
    };
    let its_own_question: Script = |question, _| bytes(question);
    for script in [wrong_number, wrong_question, its_own_question] {
        let (report, _) = against(script).await;
        let stuck = report
            .findings
            .iter()
            .find(|finding| finding.code == "walk.stuck")
            .unwrap();
        assert!(stuck.places[0].contains("no question of ours"), "{stuck:?}");
    }
}

#[tokio::test]
async fn every_refusal_is_told() {
    let scripts: [(Script, &str); 3] = [
        (
            |question, _| bytes(&rogue::code(question, ResponseCode::Refused)),
            "REFUSED",
        ),
        (
            |question, _| bytes(&rogue::code(question, ResponseCode::ServFail)),
            "SERVFAIL",
        ),
        (
            |question, _| bytes(&rogue::code(question, ResponseCode::NotImp)),
            "NOTIMP",
        ),
    ];
    for (script, word) in scripts {
        let (report, _) = against(script).await;
        let stuck = report
            .findings
            .iter()
            .find(|finding| finding.code == "walk.stuck")
            .unwrap();
        assert!(stuck.places[0].ends_with(word), "{stuck:?}");
    }
}

#[tokio::test]
async fn referrals_up_to_itself_or_aside_lead_nowhere() {
    fn refer(question: &Message, zone: &str, address: IpAddr) -> Option<Vec<u8>> {
        let mut answer = rogue::answer(question);
        let server = rogue::name("ns.test.");
        answer.add_authority(rogue::ns(&rogue::name(zone), &server));
        answer.add_additional(rogue::address(&server, address));
        bytes(&answer)
    }
    let scripts: [Script; 4] = [
        |question, at| refer(question, ".", at),
        |question, at| refer(question, "aside.example.", at),
        |question, at| refer(question, "x.a.b.c.victim.test.", at),
        // Down to `test`, and then the same again by the servers of `test`.
        |question, at| refer(question, "test.", at),
    ];
    for script in scripts {
        let (report, _) = against(script).await;
        assert!(codes(&report).contains(&"walk.stuck"), "{:?}", codes(&report));
        assert!(report.cost.questions < 40, "{}", report.cost.questions);
    }
}

/// Every name is delegated to servers in yet other zones, without addresses.
pub(crate) fn maze(question: &Message) -> Option<Vec<u8>> {
    let asked = question.queries[0].name().to_lowercase();
    let mut answer = rogue::answer(question);
    let depth = asked.to_ascii().bytes().map(usize::from).sum::<usize>();
    for number in 0..13 {
        let server = rogue::name(&format!("ns{number}.z{depth}n{number}."));
        answer.add_authority(rogue::ns(&asked, &server));
    }
    bytes(&answer)
}

#[tokio::test]
async fn name_servers_that_lead_to_ever_more_name_servers_end() {
    let (report, _) = against(|question, _| maze(question)).await;
    assert!(
        codes(&report).iter().any(|code| code.starts_with("walk.")),
        "{:?}",
        codes(&report)
    );
}

#[tokio::test]
async fn aliases_are_not_followed() {
    let (report, asked) = against(|question, _| {
        let mut answer = rogue::answer(question);
        answer.metadata.authoritative = true;
        let mut at = question.queries[0].name().clone();
        for number in 0..60 {
            let next = rogue::name(&format!("alias{number}.test."));
            answer.add_answer(Record::from_rdata(
                at,
                60,
                RData::CNAME(rdata::CNAME(next.clone())),
            ));
            at = next;
        }
        bytes(&answer)
    })
    .await;
    assert!(asked < 60, "{asked}: {:?}", codes(&report));
}

#[tokio::test]
async fn a_thousand_name_servers_are_not_all_asked() {
    let (report, _) = against(|question, at| {
        let mut answer = rogue::answer(question);
        let zone = rogue::name("test.");
        for number in 0..250 {
            let server = rogue::name(&format!("ns{number}.test."));
            answer.add_authority(rogue::ns(&zone, &server));
            answer.add_additional(rogue::address(&server, at));
        }
        bytes(&answer)
    })
    .await;
    assert!(
        report.evidence.hosts.len() <= 32,
        "{}",
        report.evidence.hosts.len()
    );
}

/// A header with the question's number, and then whatever follows.
pub(crate) fn raw(question: &Message, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut wire = question.metadata.id.to_be_bytes().to_vec();
    wire.extend([0x84, 0x00]);
    wire.extend(counts.into_iter().flat_map(u16::to_be_bytes));
    wire.extend(rest);
    wire
}

pub(crate) fn asked(question: &Message) -> Vec<u8> {
    let mut only = Message::query();
    only.add_query(question.queries[0].clone());
    only.to_vec().unwrap()[12..].to_vec()
}

#[tokio::test]
async fn pointers_that_go_round_and_bombs_are_garbage() {
    // A name that points to itself.
    let round: Script = |question, _| {
        let mut rest = asked(question);
        let here = u16::try_from(12 + rest.len()).unwrap();
        rest.extend((0xc000 | here).to_be_bytes());
        rest.extend([0, 2, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 0x0c]);
        Some(raw(question, [1, 1, 0, 0], &rest))
    };
    // More records than there are bytes.
    let counts: Script = |question, _| Some(raw(question, [1, 0xffff, 0xffff, 0xffff], &asked(question)));
    // 64 KiB of names that each point through thousands of pointers.
    let bomb: Script = |question, _| {
        let mut rest = asked(question);
        rest.extend([0, 0, 16, 0, 1, 0, 0, 0, 60]);
        let text = u16::try_from(rest.len() + 12 + 2).unwrap();
        rest.extend(16_000_u16.to_be_bytes());
        let mut before = 12_u16;
        for number in 0..8_000_u16 {
            rest.extend((0xc000 | before).to_be_bytes());
            before = (text + 2 * number).min(0x3fff);
        }
        while rest.len() < 65_000 {
            rest.extend((0xc000 | before).to_be_bytes());
            rest.extend([0, 2, 0, 1, 0, 0, 0, 60, 0, 2]);
            rest.extend((0xc000 | before).to_be_bytes());
        }
        Some(raw(question, [1, 500, 0, 0], &rest))
    };
    for script in [round, counts, bomb] {
        let (report, _) = against(script).await;
        assert!(codes(&report).contains(&"walk.stuck"), "{:?}", codes(&report));
    }
}

#[tokio::test]
async fn sixty_four_kibibytes_over_tcp_are_read_and_no_more() {
    let (report, _) = against(|question, _| {
        let mut answer = rogue::answer(question);
        answer.metadata.authoritative = true;
        let owner = question.queries[0].name().clone();
        for number in 0..240_u32 {
            let text = format!("{number:0>250}");
            answer.add_answer(Record::from_rdata(
                owner.clone(),
                60,
                RData::TXT(rdata::TXT::new(vec![text])),
            ));
        }
        bytes(&answer)
    })
    .await;
    assert!(report.cost.questions < 60, "{}", report.cost.questions);
}

#[tokio::test]
async fn addresses_of_the_own_network_are_not_asked_for_a_stranger() {
    let prober = Prober::new(ProbeConfig {
        port: 1,
        limits: Limits {
            questions: 4,
            ..bounds()
        },
        ..ProbeConfig::default()
    });
    // Nothing answers here; what counts is that the public root alone is asked.
    let report = prober.probe(&named("victim.test"), &Expectation::default()).await;
    assert!(!report.is_healthy() && report.cost.questions <= 4);
}
