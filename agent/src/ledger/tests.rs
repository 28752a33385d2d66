use proptest::prelude::*;

use super::*;

fn kind(n: u8) -> AgentEventKind {
    match n % 3 {
        0 => AgentEventKind::Started {
            version: "0.1.0".into(),
            boot_id: format!("boot {n} ÿ\n"),
        },
        1 => AgentEventKind::Converged {
            digest: "ab".repeat(usize::from(n % 32)),
            changed: u32::from(n),
        },
        _ => AgentEventKind::HostKeys {
            public: vec![format!("ssh-ed25519 {n}")],
        },
    }
}

fn filled(path: &Path, kinds: &[u8]) -> Vec<AgentEvent> {
    let mut ledger = Ledger::open(path).unwrap();
    kinds
        .iter()
        .map(|&n| ledger.append(Timestamp::UNIX_EPOCH, kind(n)).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a power cut leaves of the line in flight, all that was told stays, and numbers go on one by one.
    #[test]
    fn a_torn_tail_loses_only_what_nobody_heard(
        kinds in prop::collection::vec(any::<u8>(), 0..10),
        cut in any::<prop::sample::Index>(),
        garbage in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let told = filled(&path, &kinds);
        let whole = std::fs::read(&path).unwrap();
        Ledger::open(&path).unwrap().append(Timestamp::UNIX_EPOCH, kind(7)).unwrap();
        let line = std::fs::read(&path).unwrap()[whole.len()..].to_vec();
        let mut torn = whole;
        torn.extend(&line[..cut.index(line.len())]);
        torn.extend(&garbage);
        std::fs::write(&path, &torn).unwrap();

        let mut ledger = Ledger::open(&path).unwrap();
        prop_assert_eq!(ledger.after(0), &told[..]);
        let next = ledger.append(Timestamp::UNIX_EPOCH, kind(1)).unwrap();
        prop_assert_eq!(next.seq, told.len() as u64 + 1);
        let again = Ledger::open(&path).unwrap();
        prop_assert_eq!(again.after(0), ledger.after(0));
    }

    /// A ledger that is cut down stays small, goes on counting without a gap, and keeps what nobody has noted.
    #[test]
    fn cutting_down_keeps_numbers_and_what_is_not_noted(
        kinds in prop::collection::vec(any::<u8>(), 1..50),
        unnoted in 0_u64..5,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut ledger = Ledger::open_with(&path, 4_000).unwrap();
        for (n, &byte) in (1..).zip(&kinds) {
            let event = ledger.append(Timestamp::UNIX_EPOCH, kind(byte)).unwrap();
            prop_assert_eq!(event.seq, n);
            ledger.noted(n.saturating_sub(unnoted));
            prop_assert!(std::fs::metadata(&path).unwrap().len() <= 12_000);
        }
        let last = kinds.len() as u64;
        let again = Ledger::open(&path).unwrap();
        prop_assert_eq!(again.after(0), ledger.after(0));
        let numbers: Vec<u64> = again.after(0).iter().map(|event| event.seq).collect();
        let first = numbers[0];
        prop_assert_eq!(&numbers, &(first..=last).collect::<Vec<_>>());
        prop_assert!(first <= last.saturating_sub(unnoted) + 1);
    }
}

#[test]
fn what_comes_after_a_bad_spot_of_the_disk_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let told = filled(&path, &[0, 1, 2, 0]);
    let text = std::fs::read_to_string(&path).unwrap();
    let bad: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(n, line)| if n == 1 { "\0\0" } else { line })
        .collect();
    std::fs::write(&path, bad.join("\n") + "\n").unwrap();
    let mut ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.after(0), &told[2..]);
    assert_eq!(ledger.append(Timestamp::UNIX_EPOCH, kind(0)).unwrap().seq, 5);
    assert_eq!(read_only(&path).unwrap().len(), 3);
}
