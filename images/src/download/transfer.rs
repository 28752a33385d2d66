//! The way of a file: asked for until it is whole, from where it is.

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response, header, redirect};

use super::answer::{self, Answer};
use super::note::Validator;
use super::shelf::Slot;
use super::{Address, DownloadError, OnWord, Options, Word, address};
use crate::client::call;

/// Redirects that are followed.
const REDIRECTS: usize = 10;
/// Shortest time between two words about bytes.
const BETWEEN: Duration = Duration::from_millis(250);

/// How a transfer ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it is there.
    Whole {
        /// It came by more than one answer.
        resumed: bool,
    },
    /// The version that is there is still the one.
    Unchanged,
}

/// Why a try ended.
enum Break {
    /// Another try may help, after that time or the usual one.
    Again(DownloadError, Option<Duration>),
    /// It would not.
    Final(DownloadError),
}

impl From<DownloadError> for Break {
    fn from(error: DownloadError) -> Self {
        Self::Final(error)
    }
}

/// The way of a file.
pub(super) struct Transfer<'a> {
    http: Client,
    address: &'a Address,
    on: OnWord<'a>,
    told: Instant,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(
        address: &'a Address,
        options: &Options,
        on: OnWord<'a>,
    ) -> Result<Self, DownloadError> {
        let mut http = Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect)
            .read_timeout(options.silence)
            // An address may hold a signature, which is nobody else's business.
            .referer(false)
            .redirect(redirect::Policy::custom(|attempt| {
                if attempt.previous().len() <= REDIRECTS && address::may_lead_to(attempt.url()) {
                    attempt.follow()
                } else {
                    attempt.stop()
                }
            }));
        if address.is_plain() {
            // This very machine, not what a proxy takes for it.
            http = http.no_proxy();
        }
        if let Some(pem) = &options.ca_pem {
            let bundle = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            http = http.tls_certs_merge(bundle.map_err(DownloadError::client)?);
        }
        Ok(Self {
            http: http.build().map_err(DownloadError::client)?,
            address,
            on,
            told: Instant::now(),
        })
    }

    /// Fetches until all is there; tries that get further than any before are not counted.
    pub(super) async fn run(
        &mut self,
        slot: &mut Slot,
        kept: Option<&Validator>,
    ) -> Result<End, DownloadError> {
        let (mut tries, mut furthest) = (0, slot.done());
        loop {
            let (error, wait) = match self.once(slot, kept).await {
                Ok(end) => return Ok(end),
                Err(Break::Final(error)) => return Err(error),
                Err(Break::Again(error, wait)) => (error, wait),
            };
            slot.make_sure().await?;
            tries = if slot.done() > furthest { 1 } else { tries + 1 };
            furthest = furthest.max(slot.done());
            if tries >= call::TRIES {
                return Err(error);
            }
            let wait = wait.unwrap_or_else(|| call::pause(tries));
            (self.on)(Word::Again { cause: &error, wait });
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&mut self, slot: &mut Slot, kept: Option<&Validator>) -> Result<End, Break> {
        let done = slot.done();
        let sent = self.request(slot, kept).send().await;
        let response = sent.map_err(|error| self.broken(&error))?;
        match Answer::of(&response, self.address, slot.part(), done) {
            Answer::Unchanged => return Ok(End::Unchanged),
            Answer::Never(error) => return Err(Break::Final(error)),
            Answer::Later(error, wait) => return Err(Break::Again(error, wait)),
            Answer::Stale(error) => {
                slot.discard().await?;
                return Err(Break::Again(error, None));
            }
            Answer::Begin => {
                slot.begin(Validator::of(&response), answer::total(&response, 0))
                    .await?;
            }
            Answer::Rest => {}
        }
        let resumed = slot.done() > 0;
        let total = answer::total(&response, slot.done()).or(slot.part().total);
        self.body(slot, response, total).await?;
        Ok(End::Whole { resumed })
    }

    /// Asks for what is not there yet.
    fn request(&self, slot: &Slot, kept: Option<&Validator>) -> RequestBuilder {
        let request = self
            .http
            .get(self.address.url().clone())
            .header(header::ACCEPT_ENCODING, "identity");
        match (slot.done(), slot.part().validator.strong()) {
            (0, _) | (_, None) => match kept.and_then(Validator::condition) {
                Some((name, value)) => request.header(name, value),
                None => request,
            },
            (done, Some(validator)) => request
                .header(header::RANGE, format!("bytes={done}-"))
                .header(header::IF_RANGE, validator),
        }
    }

    async fn body(
        &mut self,
        slot: &mut Slot,
        mut response: Response,
        total: Option<u64>,
    ) -> Result<(), Break> {
        loop {
            let chunk = response.chunk().await.map_err(|error| self.broken(&error))?;
            let Some(chunk) = chunk else { break };
            if slot.done() == 0 && answer::is_page(&chunk) {
                let url = self.address.to_string();
                return Err(Break::Final(DownloadError::Page { url }));
            }
            slot.add(&chunk).await?;
            if self.told.elapsed() >= BETWEEN {
                self.told = Instant::now();
                let done = slot.done();
                (self.on)(Word::At { done, total });
            }
        }
        let done = slot.done();
        (self.on)(Word::At { done, total });
        if total.is_some_and(|total| done < total) {
            let why = "the connection ends before the file does";
            return Err(Break::Again(self.unreachable(why.to_owned()), None));
        }
        Ok(())
    }

    fn broken(&self, error: &reqwest::Error) -> Break {
        Break::Again(self.unreachable(call::why(error)), None)
    }

    fn unreachable(&self, why: String) -> DownloadError {
        DownloadError::Unreachable {
            url: self.address.to_string(),
            why,
        }
    }
}
