//! The one path every call to a registrar takes: paced, bounded, and without the credential in anything that is passed on.

use std::fmt;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use sovereign_core::crash;
use sovereign_core::registrar::RegistrarKind;
use tokio::sync::Semaphore;
use url::{Host, Url};

use super::call::{Answer, Call, Endpoint};
use super::error::{Cause, RegistrarError};
use super::ns_set::NsSet;
use super::pacer::{Pacer, Rate};

/// Longest answer that is read, in bytes. A domain's record takes a few KiB.
const MAX_ANSWER: usize = 1 << 20;
/// Most characters of a registrar's words that are passed on.
const WORDS: usize = 300;
/// Longest time for one request. Changes at a registry may take their time.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Shortest text that is taken out of what is passed on: shorter ones are no secrets, and would make holes in plain words.
const SHORTEST_SECRET: usize = 4;

/// A client for one account.
pub(super) struct Http {
    client: reqwest::Client,
    kind: RegistrarKind,
    base: String,
    pacer: Pacer,
    /// Requests of one account go one after the other: some registrars refuse a second one.
    turn: Semaphore,
    secrets: Vec<SecretString>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("kind", &self.kind)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// `own`: the registrar's own address, and `rate` the limit that it has there.
    pub(super) fn new(
        kind: RegistrarKind,
        endpoint: &Endpoint,
        own: &str,
        rate: Rate,
        secrets: Vec<SecretString>,
    ) -> Result<Self, RegistrarError> {
        let refuse = |message: String| RegistrarError {
            cause: Cause::Unexpected,
            action: format!("connect to {kind}"),
            message,
            remedy: "use the registrar's own https address".to_owned(),
            unsettled: false,
        };
        let (endpoint, rate) = match endpoint {
            Endpoint::Own => (own, rate),
            Endpoint::Other { url, paced: true } => (url.as_str(), rate),
            Endpoint::Other { url, paced: false } => (url.as_str(), Rate::UNLIMITED),
        };
        let url =
            Url::parse(endpoint).map_err(|error| refuse(format!("`{endpoint}` is not a URL: {error}")))?;
        if !is_private(&url) {
            return Err(refuse(format!(
                "`{endpoint}` would send the credential in the clear"
            )));
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| refuse(format!("no HTTP client can be set up: {}", innermost(&error))))?;
        Ok(Self {
            client,
            kind,
            base: url.as_str().trim_end_matches('/').to_owned(),
            pacer: Pacer::new(rate),
            turn: Semaphore::new(1),
            secrets,
        })
    }

    pub(super) fn kind(&self) -> RegistrarKind {
        self.kind
    }

    /// The whole address of a path; signatures cover it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a call once, whatever is answered.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, RegistrarError> {
        // It is never closed, so the turn always comes.
        let _turn = self.turn.acquire().await;
        self.pacer.wait().await;
        let mut request = self.client.request(call.method.clone(), self.url(&call.path));
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some((kind, body)) = &call.body {
            request = request
                .header(reqwest::header::CONTENT_TYPE, *kind)
                .body(body.clone());
        }
        crash::point("api-before");
        let answer = request.send().await;
        crash::point("api-after");
        let answer = answer.map_err(|error| self.broken(call, &error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        tracing::debug!(action = call.action, %status, registrar = %self.kind, "answered");
        let body = bounded(answer).await.map_err(|error| self.broken(call, &error))?;
        let body = body.ok_or_else(|| self.unreadable(call, "it is far too long"))?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// The request got no answer.
    fn broken(&self, call: &Call, error: &reqwest::Error) -> RegistrarError {
        let never_sent = error.is_connect() || error.is_builder();
        let what = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "cannot connect"
        } else {
            "the connection broke"
        };
        RegistrarError {
            cause: Cause::Unreachable,
            action: call.action.clone(),
            message: self.words(&format!("{what}: {}", innermost(error))),
            remedy: format!(
                "see whether {} can be reached from here; it is tried again",
                self.base
            ),
            unsettled: call.writes && !never_sent,
        }
    }

    /// The name servers that an answer names.
    pub(super) fn ns<T: AsRef<str>>(
        &self,
        call: &Call,
        names: impl IntoIterator<Item = T>,
    ) -> Result<NsSet, RegistrarError> {
        NsSet::read(names).map_err(|error| self.unreadable(call, &error.to_string()))
    }

    /// An answer that cannot be read. A change may have happened all the same.
    pub(super) fn unreadable(&self, call: &Call, why: &str) -> RegistrarError {
        RegistrarError {
            cause: Cause::Unexpected,
            action: call.action.clone(),
            message: format!("the answer cannot be read: {why}"),
            remedy: format!(
                "check that {} is the API of {}; please report it if it is",
                self.base, self.kind
            ),
            unsettled: call.writes,
        }
    }

    /// Reads a JSON answer.
    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        call: &Call,
        answer: &Answer,
    ) -> Result<T, RegistrarError> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            // serde's own words may quote the answer.
            let why = format!(
                "not the expected JSON in line {}, column {}",
                error.line(),
                error.column()
            );
            self.unreadable(call, &why)
        })
    }

    /// An error by what its HTTP status means nearly everywhere; adapters single out what their registrar means otherwise.
    pub(super) fn refused(&self, call: &Call, answer: &Answer, words: &str) -> RegistrarError {
        let cause = match answer.status.as_u16() {
            401 | 403 => Cause::Unauthorized,
            404 => Cause::NotFound,
            409 | 423 => Cause::Locked,
            429 => Cause::RateLimited(answer.retry_after()),
            400 | 422 => Cause::Rejected,
            500..=599 => Cause::Unreachable,
            _ => Cause::Unexpected,
        };
        let error = self.error(call, cause, words);
        let words = if words.is_empty() {
            answer.status.to_string()
        } else {
            format!("{} ({})", self.words(words), answer.status.as_u16())
        };
        RegistrarError {
            message: words,
            unsettled: call.writes && answer.status.is_server_error(),
            ..error
        }
    }

    /// An error of a known cause, in the registrar's words.
    pub(super) fn error(&self, call: &Call, cause: Cause, words: &str) -> RegistrarError {
        let remedy = self.remedy(&cause);
        RegistrarError {
            cause,
            action: call.action.clone(),
            message: self.words(words),
            remedy,
            unsettled: false,
        }
    }

    fn remedy(&self, cause: &Cause) -> String {
        let kind = self.kind;
        let help = super::credential_help(kind);
        match cause {
            Cause::Unauthorized => format!(
                "check the credential and what it may do: {}; it is made at {}",
                help.least_privilege, help.where_to_get
            ),
            Cause::NotAllowedFrom(Some(ip)) => format!("let {ip} in: {}", help.allow_list),
            Cause::NotAllowedFrom(None) => format!("let this machine's address in: {}", help.allow_list),
            Cause::NotFound => format!(
                "check that the domain is spelt right, is registered itself and not only a name below it, and is in the account at {kind}"
            ),
            Cause::Locked => {
                format!(
                    "see the domain's state at {kind} and lift what keeps it from being changed, then go on"
                )
            }
            Cause::Busy => format!("{kind} does one change at a time; it is tried again"),
            Cause::RateLimited(_) => "others use up the account's limit, too; it is tried again".to_owned(),
            Cause::Changed(_) => "see who changed it; plan again from what it is now".to_owned(),
            Cause::Rejected => format!("correct what {kind} names in the spec's `domain` or `dns`"),
            Cause::Unsupported => format!("do it by hand in the web interface of {kind}"),
            Cause::Unreachable => format!("{kind} could not do it now; it is tried again"),
            Cause::Unexpected => "please report this: the answer is not as documented".to_owned(),
        }
    }

    /// A registrar's words: one line of bounded length, without the credential, whatever it echoes.
    fn words(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST_SECRET {
                text = text.replace(secret, "***");
                text = text.replace(&*urlencoding::encode(secret), "***");
            }
        }
        let line: Vec<&str> = text.split_whitespace().collect();
        line.join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(WORDS)
            .collect()
    }
}

/// A header that never shows up in a log.
pub(super) fn secret_header(kind: RegistrarKind, text: &str) -> Result<HeaderValue, RegistrarError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| unsendable(kind))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The credential cannot be sent.
pub(super) fn unsendable(kind: RegistrarKind) -> RegistrarError {
    RegistrarError {
        cause: Cause::Unauthorized,
        action: format!("connect to {kind}"),
        message: "the credential has characters that no HTTP header can hold".to_owned(),
        remedy: "check where the spec says it is found: it may have a line break in it".to_owned(),
        unsettled: false,
    }
}

/// HTTPS, or this very machine.
fn is_private(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// The source at the end of the chain says what happened; those around it repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let Some(mut last) = std::error::Error::source(error) else {
        return "no more is known".to_owned();
    };
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

/// The whole body, or none if it is longer than [`MAX_ANSWER`].
async fn bounded(mut answer: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(endpoint: &str) -> Result<Http, RegistrarError> {
        let secrets = vec!["hunter 2".into()];
        Http::new(
            RegistrarKind::Gandi,
            &Endpoint::Own,
            endpoint,
            Rate::UNLIMITED,
            secrets,
        )
    }

    #[test]
    fn the_credential_never_travels_in_the_clear() {
        for good in ["https://api.example", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(http(good).is_ok(), "{good}");
        }
        for bad in [
            "http://192.0.2.1",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "x",
        ] {
            assert!(http(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_one_short_line_without_the_credential() {
        let http = http("https://api.example").unwrap();
        assert_eq!(http.words("bad\nhunter 2 or hunter%202 "), "bad *** or ***");
        assert_eq!(http.words(&"x".repeat(10_000)).len(), WORDS);
    }
}
