//! Tickets: what a host gets in its user data to enrol with, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// A ticket: 32 random bytes, 43 characters of base64url. What is kept of it is its [digest](Self::digest); looking a
/// ticket up by digest tells nothing about other tickets, however long it takes.
#[derive(Debug, Clone)]
pub struct Ticket(SecretString);

impl Ticket {
    /// A new one.
    pub fn new() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that a host brought.
    pub fn brought(text: SecretString) -> Self {
        Self(text)
    }

    /// SHA-256 of the text, 64 hex digits.
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.expose()))
    }

    /// The text, for the user data alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Default for Ticket {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_found_again_by_its_text_alone_and_shows_it_to_nobody() {
        let ticket = Ticket::new();
        assert_eq!(ticket.expose().len(), 43);
        let brought = Ticket::brought(SecretString::from(ticket.expose()));
        assert_eq!(brought.digest(), ticket.digest());
        assert_ne!(Ticket::new().digest(), ticket.digest());
        assert!(!format!("{ticket:?}").contains(ticket.expose()));
    }
}
