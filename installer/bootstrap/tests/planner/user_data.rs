//! User data that does not fit is refused by the plan, on the very bytes that the cloud would count.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sovereign_core::finding::{Finding, Severity};

use crate::{EMPTY, HA, plan, read};

/// Bytes that Hetzner takes.
const BUDGET: usize = 24 * 1024;
/// A key of RSA-2048 in user data, which is compressed and then encoded.
const KEY: usize = 420;

/// Keys of nobody; what they hold does not compress.
fn keys(count: usize) -> String {
    let mut keys = String::new();
    for _ in 0..count {
        let mut modulus: [u8; 256] = rand::random();
        modulus[0] |= 0x80;
        modulus[255] |= 1;
        let modulus = [&[0][..], &modulus].concat();
        let mut blob = Vec::new();
        for part in [&b"ssh-rsa"[..], &[1, 0, 1], &modulus] {
            blob.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
            blob.extend(part);
        }
        let _ = write!(keys, "\n    - ssh-rsa {}", STANDARD.encode(blob));
    }
    keys
}

#[test]
fn keys_are_taken_as_long_as_they_fit_and_one_more_is_refused_by_name() {
    let all = keys(80);
    let all: Vec<&str> = all.lines().skip(1).collect();
    let with = |count: usize| {
        let keys = format!("sshKeys:\n{}", all[..count].join("\n"));
        read(&HA.replacen("sshKeys:", &keys, 1))
    };
    let fits = |count: &usize| plan(&with(*count), &EMPTY).is_ok();
    let most = (1..all.len()).take_while(fits).last().expect("some fit");
    let meters = plan(&with(most), &EMPTY).expect("a plan").view.user_data;
    let fullest = meters.iter().map(|meter| meter.bytes).max().expect("a meter");
    assert!(
        (BUDGET - 2 * KEY..=BUDGET).contains(&fullest),
        "{most} keys, {fullest} bytes"
    );
    let findings = plan(&with(most + 1), &EMPTY).expect_err("it does not fit");
    let refused = |finding: &&Finding| finding.severity == Severity::Error;
    for finding in findings.iter().filter(refused) {
        assert_eq!(finding.code, "preflight.user_data");
        assert!(
            finding.message.contains("ssh_authorized_keys"),
            "{}",
            finding.message
        );
    }
}
