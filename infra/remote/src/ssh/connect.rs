//! Getting in: reach the host, know it by its key, log in, become root.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, AuthResult, Config, Handle};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, PublicKey};
use russh::{AlgorithmKind, Preferred};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::handler::{Judge, Verdict};
use super::keys::{self, HostKey, fingerprint};
use super::{Address, Output, SshError, SshHost, SshTarget};

/// How often a silent connection is asked for a sign of life; three in vain end it.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Logs in. The host must have one of the pinned keys, and the user must be root or may become root.
pub async fn connect(target: &SshTarget, within: Duration) -> Result<SshHost, SshError> {
    let address = target.address();
    let login = timeout(within, log_in(target, &address)).await;
    let (handle, host_key) = login.map_err(|_| late(&address, "let us in", within))??;
    let host = SshHost::new(handle, address, target.user.clone(), host_key);
    host.become_root().await?;
    Ok(host)
}

/// Logs in, runs one command as root, and says goodbye.
pub async fn ask(target: &SshTarget, within: Duration, command: &str) -> Result<Output, SshError> {
    let host = connect(target, within).await?;
    let output = host.run(command, None).await;
    host.close().await;
    output
}

/// The key that a host offers, to be shown to whoever is to trust it, or to be compared with `pinned`: of a host with several keys the one
/// of that kind, if it has one. Nobody logs in.
pub async fn host_key(
    host: &str,
    port: u16,
    pinned: Option<&str>,
    within: Duration,
) -> Result<HostKey, SshError> {
    let address = Address {
        host: host.to_owned(),
        port,
    };
    let trusted: Vec<String> = pinned.map(str::to_owned).into_iter().collect();
    let wanted = kinds(&keys::pinned(&trusted)?);
    let offered = async {
        match offered(&address, wanted).await {
            Err(SshError::HostKeyChanged { .. }) => offered(&address, Preferred::DEFAULT.key).await,
            known => known,
        }
    };
    timeout(within, offered)
        .await
        .map_err(|_| late(&address, "show its host key", within))?
}

async fn offered(address: &Address, kinds: Cow<'static, [Algorithm]>) -> Result<HostKey, SshError> {
    let stream = reach(address).await?;
    let judge = Judge {
        trusted: None,
        proven: Arc::default(),
    };
    match client::connect_stream(config(kinds), stream, judge).await {
        Err(Verdict::Offers(key)) => HostKey::of(&key),
        Err(verdict) => Err(failed(address, verdict, &[])),
        Ok(_) => Err(broken(address, "it let us in without a key")),
    }
}

async fn log_in(target: &SshTarget, address: &Address) -> Result<(Handle<Judge>, HostKey), SshError> {
    let key = keys::login_key(&target.key)?;
    let trusted = keys::pinned(target.host_keys.pinned())?;
    let kinds = kinds(&trusted);
    let expected: Vec<String> = trusted.iter().map(fingerprint).collect();
    let stream = reach(address).await?;
    let proven = Arc::default();
    let judge = Judge {
        trusted: Some(trusted),
        proven: Arc::clone(&proven),
    };
    let connected = client::connect_stream(config(kinds), stream, judge).await;
    let mut handle = connected.map_err(|verdict| failed(address, verdict, &expected))?;
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    let login = handle.authenticate_publickey(&target.user, key).await;
    match login.map_err(|error| broken(address, &error))? {
        AuthResult::Success => {}
        AuthResult::Failure {
            remaining_methods, ..
        } => {
            return Err(SshError::LoginRefused {
                address: address.clone(),
                user: target.user.clone(),
                remaining: remaining_methods
                    .iter()
                    .map(|method| <&str>::from(method).to_owned())
                    .collect(),
            });
        }
    }
    let host_key = proven
        .get()
        .ok_or_else(|| broken(address, "it let us in without a key"))?;
    Ok((handle, HostKey::of(host_key)?))
}

async fn reach(address: &Address) -> Result<TcpStream, SshError> {
    let unreachable = |error: std::io::Error| SshError::Unreachable {
        address: address.clone(),
        why: error.to_string(),
    };
    let stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

fn config(kinds: Cow<'static, [Algorithm]>) -> Arc<Config> {
    Arc::new(Config {
        preferred: Preferred {
            key: kinds,
            ..Preferred::DEFAULT
        },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 3,
        ..Config::default()
    })
}

/// A host with several keys has to show one of a kind that is pinned. Where none is, its key is wanted for the error.
fn kinds(trusted: &[PublicKey]) -> Cow<'static, [Algorithm]> {
    if trusted.is_empty() {
        return Preferred::DEFAULT.key;
    }
    let mut kinds = Vec::new();
    for kind in trusted.iter().map(PublicKey::algorithm) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.into()
}

fn failed(address: &Address, verdict: Verdict, expected: &[String]) -> SshError {
    let changed = |offered: String| SshError::HostKeyChanged {
        address: address.clone(),
        expected: expected.to_vec(),
        offered,
    };
    match verdict {
        Verdict::Offers(key) => changed(fingerprint(&key)),
        Verdict::OffersCertificate => changed("in a certificate".to_owned()),
        Verdict::Failed(russh::Error::NoCommonAlgo {
            kind: AlgorithmKind::Key,
            theirs,
            ..
        }) => changed(format!("only of kind {}", theirs.join(", "))),
        Verdict::Failed(error) => broken(address, &error),
    }
}

pub(super) fn broken(address: &Address, why: &(impl ToString + ?Sized)) -> SshError {
    SshError::Broken {
        address: address.clone(),
        why: why.to_string(),
    }
}

fn late(address: &Address, what: &'static str, within: Duration) -> SshError {
    SshError::TimedOut {
        address: address.clone(),
        what,
        within,
    }
}
