//! Any mixture of answers, and any bytes: a probe ends within its bounds.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, Record, rdata};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bounds::bounded;
use crate::hostile::{asked, bytes, config, raw};
use crate::rogue::{self, Rogue, Script};
use crate::world::{Block, named};

fn any_record() -> impl Strategy<Value = Record> {
    let names = prop::sample::select(vec![
        ".",
        "test.",
        "victim.test.",
        "c.victim.test.",
        "b.c.victim.test.",
        "a.b.c.victim.test.",
        "ns.test.",
        "ns.victim.test.",
        "aside.example.",
    ]);
    let data = prop_oneof![
        names.clone().prop_map(|to| RData::NS(rdata::NS(rogue::name(to)))),
        names
            .clone()
            .prop_map(|to| RData::CNAME(rdata::CNAME(rogue::name(to)))),
        Just(RData::A(rdata::A([127, 0, 0, 1].into()))),
        any::<u32>().prop_map(|serial| {
            let (primary, contact) = (Name::root(), Name::root());
            RData::SOA(rdata::SOA::new(primary, contact, serial, 1, 1, 1, u32::MAX))
        }),
    ];
    (names, any::<u32>(), data)
        .prop_map(|(owner, ttl, data)| Record::from_rdata(rogue::name(owner), ttl, data))
}

#[derive(Debug, Clone)]
struct Answer {
    code: u8,
    authoritative: bool,
    sections: [Vec<Record>; 3],
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let records = || prop::collection::vec(any_record(), 0..5);
    (
        prop::sample::select(vec![0_u8, 0, 0, 2, 3, 5]),
        any::<bool>(),
        records(),
        records(),
        records(),
    )
        .prop_map(
            |(code, authoritative, answers, authorities, additionals)| Answer {
                code,
                authoritative,
                sections: [answers, authorities, additionals],
            },
        )
}

/// Any mixture of well-formed answers: the probe ends, within its bounds.
#[test]
fn no_mixture_of_answers_is_a_surprise() {
    use std::sync::{LazyLock, Mutex};
    static ANSWERS: LazyLock<Mutex<Vec<Answer>>> = LazyLock::new(Mutex::default);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let block = Block::take();
    let root = block.at(0, 1);
    runtime.block_on(async {
        let script: Script = |question, _| {
            let mut answers = ANSWERS.lock().unwrap();
            // Round and round, so that the same question is answered differently each time.
            answers.rotate_left(1);
            let said = answers.last()?.clone();
            drop(answers);
            let mut answer = rogue::code(question, ResponseCode::from(0, said.code));
            answer.metadata.authoritative = said.authoritative;
            let [first, second, third] = said.sections;
            answer
                .add_answers(first)
                .add_authorities(second)
                .add_additionals(third);
            bytes(&answer)
        };
        Rogue::start(root, block.port, script).await
    });
    runner
        .run(&prop::collection::vec(any_answer(), 1..6), |answers| {
            ANSWERS.lock().unwrap().clone_from(&answers);
            let mut config = config(root, block.port);
            config.limits.questions = 60;
            let report = runtime.block_on(bounded(config, &named("a.b.c.victim.test")));
            prop_assert!(serde_json::to_string(&report).is_ok());
            Ok(())
        })
        .unwrap();
}

/// Any bytes behind a header that fits.
#[test]
fn no_bytes_are_a_surprise() {
    use std::sync::{LazyLock, Mutex};
    static BYTES: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let block = Block::take();
    let root = block.at(0, 1);
    runtime.block_on(async {
        let script: Script = |question, _| {
            let rest = BYTES.lock().unwrap().clone();
            let mut wire = asked(question);
            wire.extend(rest);
            Some(raw(question, [1, 2, 2, 2], &wire))
        };
        Rogue::start(root, block.port, script).await
    });
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&prop::collection::vec(any::<u8>(), 0..900), |bytes| {
            *BYTES.lock().unwrap() = bytes;
            let mut config = config(root, block.port);
            config.limits.questions = 12;
            config.limits.datagram = Duration::from_millis(10);
            config.limits.stream = Duration::from_millis(20);
            let report = runtime.block_on(bounded(config, &named("victim.test")));
            prop_assert!(!report.is_healthy());
            Ok(())
        })
        .unwrap();
}
