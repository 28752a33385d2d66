//! Keys of SSH: Ed25519 for our own.

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::SshError;

/// A host key as a host offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// In OpenSSH form, without a comment.
    pub public: String,
    /// `SHA256:` and 43 characters, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl HostKey {
    pub(super) fn of(key: &PublicKey) -> Result<Self, SshError> {
        let bare = PublicKey::new(key.key_data().clone(), "");
        Ok(Self {
            public: bare.to_openssh().map_err(unusable("the host key"))?,
            fingerprint: fingerprint(key),
        })
    }
}

/// A new Ed25519 key pair: the private half in OpenSSH form, and the public half as a line of `authorized_keys`.
pub fn new_key_pair(comment: &str) -> Result<(SecretString, String), SshError> {
    let failed = unusable("a new key");
    let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(&failed)?;
    key.set_comment(comment);
    let private = key.to_openssh(LineEnding::LF).map_err(&failed)?;
    let public = key.public_key().to_openssh().map_err(&failed)?;
    Ok((SecretString::from(private.as_str()), public))
}

/// The public half of a private key in OpenSSH form.
pub fn public_key(private: &str) -> Result<String, SshError> {
    let failed = unusable("the private key");
    let key = PrivateKey::from_openssh(private).map_err(&failed)?;
    key.public_key().to_openssh().map_err(&failed)
}

/// A private key to log in with.
pub(super) fn login_key(key: &SecretString) -> Result<PrivateKey, SshError> {
    let what = "the private key to log in with";
    let key = PrivateKey::from_openssh(key.expose_secret()).map_err(unusable(what))?;
    if key.is_encrypted() {
        return Err(unusable(what)("it has a passphrase"));
    }
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => Ok(key),
        other => Err(unusable(what)(format!("keys of kind {other} are not supported"))),
    }
}

/// The host keys that are trusted.
pub(super) fn pinned(keys: &[String]) -> Result<Vec<PublicKey>, SshError> {
    let keys = keys.iter().map(|key| PublicKey::from_openssh(key));
    keys.collect::<Result<_, _>>()
        .map_err(unusable("a pinned host key"))
}

pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn unusable<E: ToString>(what: &'static str) -> impl Fn(E) -> SshError {
    move |why| SshError::Key {
        what,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_logs_in_and_its_halves_belong_together() {
        let (private, public) = new_key_pair("installer of acme").unwrap();
        assert!(
            public.starts_with("ssh-ed25519 ") && public.ends_with(" installer of acme"),
            "{public}"
        );
        assert_eq!(public_key(private.expose_secret()).unwrap(), public);
        assert!(login_key(&private).is_ok());
        assert!(!format!("{private:?}").contains("OPENSSH"));
    }

    #[test]
    fn what_is_no_key_is_said_without_showing_it() {
        for text in [
            "",
            "canary",
            "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----\n",
        ] {
            let error = login_key(&SecretString::from(text)).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("the private key to log in with cannot be used: "),
                "{error}"
            );
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
