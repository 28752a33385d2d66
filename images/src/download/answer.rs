//! What a server's answer to a request for a file means.

use std::time::Duration;

use reqwest::{Response, StatusCode, Url, header};

use super::note::{Part, Validator};
use super::{Address, DownloadError, address};
use crate::client::call;

/// How pages for people begin.
const PAGES: [&[u8]; 2] = [b"<!doctype html", b"<html"];

/// What an answer means.
#[derive(Debug)]
pub(super) enum Answer {
    /// The file from its begin.
    Begin,
    /// The rest of the part that is there.
    Rest,
    /// The file that is there is still the one.
    Unchanged,
    /// What is there is of no use: begin anew.
    Stale(DownloadError),
    /// Another try may help.
    Later(DownloadError, Option<Duration>),
    /// It would not.
    Never(DownloadError),
}

impl Answer {
    /// The meaning of an answer to a request for what comes after the first `done` bytes.
    pub(super) fn of(response: &Response, address: &Address, part: &Part, done: u64) -> Self {
        let (url, status) = (address.to_string(), response.status());
        let bad = |why: &str| DownloadError::bad_answer(address, why);
        match status {
            StatusCode::OK if is_page_by_name(response) => Self::Never(DownloadError::Page { url }),
            StatusCode::OK => Self::Begin,
            StatusCode::PARTIAL_CONTENT if done == 0 => {
                Self::Never(bad("a part of the file, and nobody asked for one"))
            }
            StatusCode::PARTIAL_CONTENT if is_rest(response, part, done) => Self::Rest,
            StatusCode::PARTIAL_CONTENT => Self::Stale(bad("another part than the one that was asked for")),
            StatusCode::RANGE_NOT_SATISFIABLE if done > 0 => {
                Self::Stale(bad("the file is shorter than what has come of it"))
            }
            StatusCode::NOT_MODIFIED => Self::Unchanged,
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::Never(DownloadError::NotFound {
                url,
                status: status.as_u16(),
            }),
            _ if status.is_redirection() => Self::Never(DownloadError::Redirected {
                url,
                to: target(response),
            }),
            _ => {
                let status_code = status.as_u16();
                let refused = DownloadError::Refused {
                    url,
                    status: status_code,
                };
                if call::is_passing(status) {
                    Self::Later(refused, call::wait_of(response))
                } else {
                    Self::Never(refused)
                }
            }
        }
    }
}

/// Bytes in all that an answer with the whole file or the rest of it speaks of.
pub(super) fn total(response: &Response, done: u64) -> Option<u64> {
    let length = response.content_length()?;
    Some(match response.status() {
        StatusCode::PARTIAL_CONTENT => done + length,
        _ => length,
    })
}

/// Whether bytes are the begin of a page for people.
pub(super) fn is_page(first: &[u8]) -> bool {
    let text = first.trim_ascii_start();
    let begins = |page: &&[u8]| {
        text.get(..page.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(page))
    };
    PAGES.iter().any(begins)
}

fn is_page_by_name(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|page| kind.eq_ignore_ascii_case(page))
}

/// The same version, from where the part ends.
fn is_rest(response: &Response, part: &Part, done: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let begins = range.starts_with(&format!("bytes {done}-"));
    let total = range
        .rsplit_once('/')
        .and_then(|(_, total)| total.parse::<u64>().ok());
    let same_total = total.is_none() || part.total.is_none() || total == part.total;
    begins && same_total && part.validator.fits(&Validator::of(response))
}

/// Where a redirect leads, without what must not be shown.
fn target(response: &Response) -> String {
    let to = response.headers().get(header::LOCATION);
    let to = to.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let to: Result<Url, _> = response.url().join(to);
    to.map_or_else(|_| "nowhere".to_owned(), |url| address::shown(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_by_their_first_bytes() {
        assert!(is_page(b"\n <!DOCTYPE HTML><title>login"));
        assert!(is_page(b"<html lang=en>"));
        assert!(!is_page(b"\x7fELF"));
        assert!(!is_page(b"<ht"));
        assert!(!is_page(b""));
    }
}
