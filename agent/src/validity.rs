//! Certificates that are not valid at the time that a clock shows.

/// What Go's `crypto/x509` and rustls say of one.
const WORDS: [&str; 3] = [
    "certificate has expired or is not yet valid",
    "certificate not valid yet",
    "certificate expired",
];
const REMEDY: &str = "compare `date` on the nodes with a clock that is right: set one that is off with `timedatectl set-ntp true`, and see that it reaches its time servers; if all are right, the certificate ran out: `systemctl stop k3s`, `k3s certificate rotate` and `systemctl start k3s` on each server make new ones; the agent goes on by itself";

/// What to do, if these words are about a certificate of another time.
pub(crate) fn remedy(words: &str) -> Option<&'static str> {
    WORDS.iter().any(|known| words.contains(known)).then_some(REMEDY)
}
