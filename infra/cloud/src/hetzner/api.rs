//! The one path every call takes: paced, classed, retried where the answer proves that nothing happened.

use std::fmt;
use std::time::Duration;

use rand::RngExt as _;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sovereign_core::crash;
use tokio::time::{Instant, sleep};
use url::Url;

use super::errors::{self, Intent};
use super::pacer::{Pacer, Urgency};
use super::wire::{ErrorAnswer, Page};
use crate::error::{CloudError, ErrorClass};

/// How long one call is tried again before its error is handed up.
const PATIENCE: Duration = Duration::from_secs(45);
/// Most items a page holds.
const PER_PAGE: &str = "50";

/// One request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) intent: Intent,
    pub(super) urgency: Urgency,
    /// For the reader of an error: ``create server `x` ``.
    pub(super) action: String,
}

/// Without the body: a server's user data is in it.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("action", &self.action)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a str, action: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path,
            query: Vec::new(),
            body: None,
            intent: Intent::Repeatable,
            urgency: Urgency::Work,
            action: action.into(),
        }
    }

    pub(super) fn post(path: &'a str, body: Value, action: impl Into<String>) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            intent: Intent::Create,
            ..Self::get(path, action)
        }
    }

    pub(super) fn delete(path: &'a str, action: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            intent: Intent::Delete,
            ..Self::get(path, action)
        }
    }

    /// The write sets a state rather than adding to it, so it may be sent again.
    pub(super) fn repeatable(mut self) -> Self {
        self.intent = Intent::Repeatable;
        self
    }
}

/// An answer with its body still as text.
struct Answer {
    status: StatusCode,
    body: String,
    correlation_id: Option<String>,
}

/// A client for one project.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    token: SecretString,
    pacer: Pacer,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .field("pacer", &self.pacer)
            .finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(base: &Url, token: SecretString, reserve: u32) -> Result<Self, CloudError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| errors::from_transport(Intent::Repeatable, "set up the HTTP client", &error))?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            base,
            token,
            pacer: Pacer::new(reserve),
        })
    }

    /// Sends a call until it succeeds, fails for good, or patience ends.
    pub(super) async fn send<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CloudError> {
        let deadline = Instant::now() + PATIENCE;
        let mut delay = Duration::from_secs(1);
        loop {
            let error = match self.attempt(call).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause = error.after.unwrap_or_else(|| jittered(delay));
            if error.class != ErrorClass::Retry || Instant::now() + pause > deadline {
                return Err(error);
            }
            tracing::debug!(action = call.action, code = error.code, ?pause, "trying again");
            sleep(pause).await;
            delay = (delay * 2).min(Duration::from_secs(10));
        }
    }

    /// Every item of a listing, page by page.
    pub(super) async fn pages<P: Page>(
        &self,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<Vec<P::Item>, CloudError> {
        let mut items = Vec::new();
        let mut next = Some(1);
        while let Some(page) = next {
            let mut call = Call::get(
                path,
                format!("list {}", path.trim_start_matches('/').replace('_', " ")),
            );
            call.query = query.to_vec();
            call.query.push(("per_page", PER_PAGE.to_owned()));
            call.query.push(("page", page.to_string()));
            let (batch, following) = self.send::<P>(&call).await?.split();
            items.extend(batch);
            next = following;
        }
        Ok(items)
    }

    async fn attempt<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, CloudError> {
        let answer = self.exchange(call).await?;
        if answer.status.is_success() {
            return decode(call, &answer);
        }
        let body = serde_json::from_str::<ErrorAnswer>(&answer.body)
            .ok()
            .map(|answer| answer.error);
        let error = errors::from_answer(
            call.intent,
            &call.action,
            answer.status,
            body,
            answer.correlation_id,
        );
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            self.pacer.drained();
            return Err(error.with_after(jittered(Duration::from_secs(1))));
        }
        Err(error)
    }

    async fn exchange(&self, call: &Call<'_>) -> Result<Answer, CloudError> {
        let permit = self.pacer.acquire(call.urgency).await;
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .bearer_auth(self.token.expose_secret())
            .query(&call.query);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let transport = |error| errors::from_transport(call.intent, &call.action, &error);
        crash::point("api-before");
        let response = request.send().await;
        crash::point("api-after");
        let response = response.map_err(transport)?;
        permit.learn(response.headers());
        let status = response.status();
        let correlation_id = response
            .headers()
            .get("x-correlation-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let body = response.text().await.map_err(transport)?;
        drop(permit);
        Ok(Answer {
            status,
            body,
            correlation_id,
        })
    }
}

/// Reads a success. A create that cannot be read has happened all the same.
fn decode<T: DeserializeOwned>(call: &Call<'_>, answer: &Answer) -> Result<T, CloudError> {
    let text = if answer.body.is_empty() {
        "null"
    } else {
        &answer.body
    };
    serde_json::from_str(text).map_err(|error| {
        let class = if call.intent == Intent::Create {
            ErrorClass::Unsettled
        } else {
            ErrorClass::Stop
        };
        let message = format!("the answer cannot be read: {error}");
        let mut error = errors::plain(
            class,
            &call.action,
            "unreadable_answer",
            &message,
            "please report this",
        );
        error.correlation_id.clone_from(&answer.correlation_id);
        error
    })
}

fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(rand::rng().random_range(0.75..1.25))
}
