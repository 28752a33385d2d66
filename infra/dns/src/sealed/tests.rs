//! Signatures of servers that are well, late, early and behind.

use proptest::prelude::*;

use super::*;

const NOW: u32 = 1_800_000_000;
const DAY: u32 = 86_400;

/// A server whose signatures were made some days ago and last for some more.
fn server(last: u8, is_secondary: bool, key: u16, made: i64, lasts: i64) -> Sealed {
    let moment = |days: i64| u32::try_from(i64::from(NOW) + days * i64::from(DAY)).unwrap();
    let seal = |(_, kind): &(RecordType, &'static str)| Seal {
        kind,
        key,
        inception: moment(-made),
        expiration: moment(lasts),
    };
    Sealed {
        server: SocketAddr::from(([192, 0, 2, last], 53)),
        is_secondary,
        seals: KINDS.iter().map(seal).collect(),
    }
}

/// The problem of each server that has one, by the last number of its address.
fn problems(all: &[Sealed]) -> Vec<(String, SealProblem, String)> {
    let findings = judge(all, NOW);
    let line = |finding: SealFinding| {
        let words = format!("{}; {}", finding.message, finding.remedy);
        (finding.server.ip().to_string(), finding.problem, words)
    };
    findings.into_iter().map(line).collect()
}

fn assert_one(all: &[Sealed], problem: SealProblem, words: &str) {
    let found = problems(all);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].0.as_str(), found[0].1),
        ("192.0.2.2", problem),
        "{found:?}"
    );
    assert!(found[0].2.contains(words), "{words}: {found:?}");
}

#[test]
fn each_problem_has_its_cause_and_what_to_do() {
    let well = server(1, false, 7, 7, 14);
    assert_eq!(problems(&[well.clone(), server(2, true, 7, 7, 14)]), []);
    for (other, problem, words) in [
        (
            server(2, true, 7, 22, -1),
            SealProblem::Expired,
            "has not fetched",
        ),
        (
            server(2, false, 7, 22, -1),
            SealProblem::Expired,
            "clock is behind",
        ),
        (server(2, true, 7, 19, 2), SealProblem::Expires, "has not fetched"),
        (server(2, false, 7, -1, 20), SealProblem::Future, "clock is ahead"),
        (
            server(2, true, 7, -1, 20),
            SealProblem::Future,
            "clock of the primary",
        ),
        (
            server(2, true, 7, 14, 7),
            SealProblem::Older,
            "7 d before the primary's",
        ),
        (server(2, true, 8, 7, 14), SealProblem::OtherKeys, "with key 8"),
    ] {
        assert_one(&[well.clone(), other], problem, words);
    }
}

#[test]
fn a_clock_that_every_server_contradicts_is_ours() {
    for (made, lasts, problem) in [(22, -1, SealProblem::Expired), (-1, 20, SealProblem::Future)] {
        let all = [server(1, false, 7, made, lasts), server(2, true, 7, made, lasts)];
        let found = problems(&all);
        assert_eq!(found.len(), 2);
        for (_, found, words) in found {
            assert_eq!(found, problem);
            assert!(words.contains("clock of this machine"), "{words}");
        }
    }
}

#[test]
fn one_signature_of_two_that_holds_is_enough() {
    let mut both = server(1, false, 7, 7, 14);
    both.seals.extend(server(1, false, 8, 30, -5).seals);
    assert_eq!(problems(&[both]), []);
}

proptest! {
    #[test]
    fn whatever_the_times_it_is_told_exactly_if_none_holds(
        inception: u32, expiration: u32, now: u32, is_secondary: bool,
    ) {
        let mut one = server(1, is_secondary, 7, 0, 0);
        for seal in &mut one.seals {
            (seal.inception, seal.expiration) = (inception, expiration);
        }
        let holds = one.seals[0].holds(now);
        let broken = judge(&[one], now)
            .iter()
            .any(|finding| matches!(finding.problem, SealProblem::Expired | SealProblem::Future));
        prop_assert_eq!(broken, !holds);
    }
}
