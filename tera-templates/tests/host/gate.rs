//! The gate on the bytes that travel.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;
use secrecy::ExposeSecret as _;
use sovereign_core::host::HostRole;
use sovereign_templates::{Budget, CloudInit, Encoding, Reach, UserData};

use crate::{ROLES, host, plain, reaches};

fn worker() -> CloudInit {
    host(HostRole::Worker, reaches()[0].1.clone())
}

/// A worker whose user data have exactly that many bytes.
fn of_size(bytes: usize) -> UserData {
    let mut input = worker();
    let short = bytes - plain(&input).len();
    input.organization.push_str(&"x".repeat(short));
    UserData::render(&input, Encoding::Plain).unwrap()
}

/// A key that no compression makes shorter.
fn large_key(bytes: usize) -> String {
    let noise: Vec<u8> = rand::rng().random_iter().take(bytes / 4 * 3).collect();
    format!("ssh-rsa {} large", STANDARD.encode(noise))
}

#[test]
fn the_last_byte_counts() {
    let budget = Budget {
        encoding: Encoding::Plain,
        ..Budget::hetzner()
    };
    for fits in [budget.bytes - 1, budget.bytes] {
        let meter = budget.check(&of_size(fits)).unwrap();
        assert_eq!((meter.bytes, meter.role), (fits, HostRole::Worker));
    }
    let refused = budget.check(&of_size(budget.bytes + 1)).unwrap_err();
    assert_eq!(refused.meter.bytes, 24_577);
    assert_eq!(refused.biggest[0].name, "/etc/sovereign/host.json");
}

#[test]
fn the_last_byte_counts_when_compressed() {
    for budget in [Budget::hetzner(), Budget::aws()] {
        let user_data = UserData::render(&worker(), budget.encoding).unwrap();
        let bytes = budget.check(&user_data).unwrap().bytes;
        let with = |bytes| Budget { bytes, ..budget };
        assert!(with(bytes + 1).check(&user_data).is_ok());
        assert!(with(bytes).check(&user_data).is_ok());
        assert!(with(bytes - 1).check(&user_data).is_err());
    }
}

#[test]
fn forty_kilobytes_are_refused_and_the_reader_learns_why() {
    let mut input = worker();
    input.authorized_keys.push(large_key(40_000));
    for budget in [Budget::hetzner(), Budget::aws()] {
        let user_data = UserData::render(&input, budget.encoding).unwrap();
        let refused = budget.check(&user_data).unwrap_err();
        assert_eq!(refused.biggest[0].name, "ssh_authorized_keys");
        assert!(refused.biggest[0].bytes > 39_000, "{refused}");
        let words = refused.to_string();
        for word in [
            "worker",
            &budget.bytes.to_string(),
            "`ssh_authorized_keys`",
            "fewer SSH keys",
        ] {
            assert!(words.contains(word), "{words}");
        }
    }
}

#[test]
fn what_compresses_well_is_not_blamed() {
    let mut input = worker();
    input.organization = "x".repeat(100_000);
    input.authorized_keys.push(large_key(2_000));
    let parts = UserData::render(&input, Encoding::GzipBase64).unwrap().parts();
    assert_eq!(parts[0].name, "ssh_authorized_keys");
}

#[test]
fn parts_of_a_plain_text_are_all_of_it() {
    for (_, reach) in reaches() {
        let user_data = UserData::render(&host(ROLES[0], reach), Encoding::Plain).unwrap();
        let sum: usize = user_data.parts().iter().map(|part| part.bytes).sum();
        assert_eq!(sum, user_data.size());
    }
}

#[test]
fn the_wire_form_is_gzip_in_one_line_of_base64_and_always_the_same() {
    let once = UserData::render(&worker(), Encoding::GzipBase64).unwrap();
    let again = UserData::render(&worker(), Encoding::GzipBase64).unwrap();
    assert_eq!(once.expose(), again.expose());
    let zipped = STANDARD.decode(once.expose()).unwrap();
    assert_eq!(zipped.len(), once.decoded_size());
    assert_eq!(zipped[4..8], [0; 4], "the header has a time");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&zipped[..])
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, plain(&worker()));
}

#[test]
fn a_host_needs_a_small_part_of_every_budget() {
    for (name, reach) in reaches() {
        for role in ROLES {
            for budget in [Budget::hetzner(), Budget::aws()] {
                let user_data = UserData::render(&host(role, reach.clone()), budget.encoding).unwrap();
                let meter = budget.check(&user_data).unwrap();
                println!("{name}: {meter}");
                assert!(meter.bytes < budget.bytes / 4, "{meter}");
            }
        }
    }
}

#[test]
fn nothing_secret_is_printed() {
    let input = worker();
    let Reach::Https { ticket, .. } = &input.reach else {
        panic!("a worker that calls");
    };
    let user_data = UserData::render(&input, Encoding::Plain).unwrap();
    assert!(user_data.expose().contains(ticket.expose_secret()));
    assert!(!format!("{input:?} {user_data:?}").contains(ticket.expose_secret()));
}
