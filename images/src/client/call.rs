//! One request, patiently: sent again while it may help, with a proof of who asks when the registry wants one.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode, header};

use crate::reference::Reference;

use super::{Client, PullError};

/// Tries of one request.
pub(crate) const TRIES: u32 = 5;
/// Wait after the first try; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait that a registry may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Most of an error's words that are shown, in characters.
const WORDS: usize = 300;
/// Docker Hub's registry has another name than its references.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// The wait after a try, a little different each time so that not all come back at once.
pub(crate) fn pause(tries: u32) -> Duration {
    FIRST_WAIT * 2_u32.pow(tries.saturating_sub(1)) + Duration::from_millis(u64::from(rand::random::<u8>()))
}

impl Client {
    /// The address of something in a reference's repository, such as `manifests/1.2.3`.
    fn address(&self, reference: &Reference, rest: &str) -> String {
        let host = reference.host();
        let scheme = if self.options.plain_http.contains(host) {
            "http"
        } else {
            "https"
        };
        let host = if host == HUB.0 { HUB.1 } else { host };
        format!("{scheme}://{host}/v2/{}/{rest}", reference.repository())
    }

    /// Asks for something in a reference's repository. What is answered is a success.
    pub(super) async fn get(
        &self,
        reference: &Reference,
        rest: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response, PullError> {
        let address = self.address(reference, rest);
        let make = || self.introduce(reference, with(self.http.get(&address)));
        let mut response = self.patiently(reference.host(), make).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = response.headers().get(header::WWW_AUTHENTICATE);
            let challenge = challenge
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            self.prove(reference, &challenge).await?;
            response = self.patiently(reference.host(), make).await?;
        }
        judged(reference, rest, response).await
    }

    /// Sends a request until there is an answer that another try would not better.
    pub(super) async fn patiently(
        &self,
        host: &str,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Response, PullError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let wait = match make().send().await {
                Ok(response) if tries == TRIES || !is_passing(response.status()) => return Ok(response),
                Ok(response) => wait_of(&response).unwrap_or_else(|| pause(tries)),
                Err(error) if tries == TRIES || error.is_builder() => return Err(unreachable(host, &error)),
                Err(_) => pause(tries),
            };
            tokio::time::sleep(wait).await;
        }
    }
}

/// Another try may get another answer.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
}

/// How long the server wants to be left alone.
pub(crate) fn wait_of(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// The whole chain of causes, without addresses: a redirect's may hold a signature.
pub(crate) fn why(error: &reqwest::Error) -> String {
    let first = std::error::Error::source(error);
    let causes = std::iter::successors(first, |error| error.source());
    let mut why = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if why.is_empty() {
        why.push_str(if error.is_timeout() {
            "it took too long"
        } else {
            "the connection broke"
        });
    }
    why
}

pub(super) fn unreachable(host: &str, error: &reqwest::Error) -> PullError {
    PullError::Unreachable {
        host: host.to_owned(),
        why: why(error),
    }
}

async fn judged(reference: &Reference, rest: &str, response: Response) -> Result<Response, PullError> {
    let host = reference.host().to_owned();
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::NOT_FOUND {
        return Err(PullError::NotFound {
            host,
            what: format!("{}/{rest}", reference.repository()),
        });
    }
    let words = response.text().await.unwrap_or_default();
    let why = words.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PullError::Unauthorized { host, why },
        status => PullError::Refused {
            host,
            status: status.as_u16(),
            why,
        },
    })
}
