//! What the API's answers and the transport's failures mean.

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::wire::ErrorAnswer;
use crate::error::{DnsError, ErrorClass};

/// Most characters of a server's words that are passed on.
const WORDS: usize = 300;

/// What an ambiguous failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Reads a state or sets one: may be sent again.
    Repeatable,
    /// Makes something: never sent again on a guess.
    Create,
}

impl Intent {
    fn ambiguous(self) -> ErrorClass {
        match self {
            Self::Repeatable => ErrorClass::Retry,
            Self::Create => ErrorClass::Unsettled,
        }
    }
}

/// The request got no answer.
pub(super) fn from_transport(intent: Intent, action: &str, error: &reqwest::Error) -> DnsError {
    let never_sent = error.is_connect() || error.is_builder();
    let class = if never_sent {
        ErrorClass::Retry
    } else {
        intent.ambiguous()
    };
    let mut message = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "cannot connect".to_owned()
    } else {
        "the connection broke".to_owned()
    };
    // The innermost source says what happened; those around it repeat the address.
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        source = inner.source();
        if source.is_none() {
            message = format!("{message}: {inner}");
        }
    }
    DnsError {
        class,
        action: action.to_owned(),
        message,
        remedy: "see whether the API's address is right and can be reached from here; it is tried again"
            .to_owned(),
    }
}

/// The answer is an error.
pub(super) fn from_status(intent: Intent, action: &str, status: StatusCode, words: &str) -> DnsError {
    let (class, remedy) = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (
            ErrorClass::Stop,
            "check the API key, and that the server's `webserver-allow-from` lets this machine in",
        ),
        StatusCode::NOT_FOUND => (
            ErrorClass::NotFound,
            "check that the address is that of a PowerDNS API; a zone may have been removed meanwhile",
        ),
        StatusCode::CONFLICT => (
            ErrorClass::Taken,
            "remove the zone of that name from the server, or choose another domain",
        ),
        StatusCode::TOO_MANY_REQUESTS => (ErrorClass::Retry, "the server is busy; it is tried again"),
        status if status.is_server_error() => (intent.ambiguous(), "see the server's log; it is tried again"),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => (
            ErrorClass::Stop,
            "correct what the server names in the spec's `domain` or `dns`, or the server's configuration",
        ),
        _ => (
            ErrorClass::Stop,
            "check that the address is that of a PowerDNS API",
        ),
    };
    let message = if words.is_empty() {
        status.to_string()
    } else {
        format!("{words} ({})", status.as_u16())
    };
    DnsError {
        class,
        action: action.to_owned(),
        message,
        remedy: remedy.to_owned(),
    }
}

/// The answer is a success that cannot be read. A create has happened all the same.
pub(super) fn unreadable(intent: Intent, action: &str, why: &str) -> DnsError {
    let class = match intent {
        Intent::Repeatable => ErrorClass::Stop,
        Intent::Create => ErrorClass::Unsettled,
    };
    DnsError {
        class,
        action: action.to_owned(),
        message: format!("the answer cannot be read: {why}"),
        remedy: "check that the address is that of a PowerDNS API".to_owned(),
    }
}

/// The server's words: one line of bounded length, without the key, whatever it echoes.
pub(super) fn words(body: &[u8], key: &SecretString) -> String {
    let text = String::from_utf8_lossy(body);
    let text =
        serde_json::from_slice::<ErrorAnswer>(body).map_or_else(|_| text.into_owned(), |answer| answer.error);
    let text = text.replace(key.expose_secret(), "***");
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_happened_is_unsettled_only_for_creates() {
        let class = |intent, status| from_status(intent, "do", status, "").class;
        for status in [
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::BAD_GATEWAY,
            StatusCode::GATEWAY_TIMEOUT,
        ] {
            assert_eq!(class(Intent::Create, status), ErrorClass::Unsettled);
            assert_eq!(class(Intent::Repeatable, status), ErrorClass::Retry);
        }
        for (status, wanted) in [
            (StatusCode::UNAUTHORIZED, ErrorClass::Stop),
            (StatusCode::NOT_FOUND, ErrorClass::NotFound),
            (StatusCode::CONFLICT, ErrorClass::Taken),
            (StatusCode::UNPROCESSABLE_ENTITY, ErrorClass::Stop),
            (StatusCode::FOUND, ErrorClass::Stop),
        ] {
            assert_eq!(class(Intent::Create, status), wanted);
        }
    }

    #[test]
    fn words_are_one_short_line_without_the_key() {
        let key = SecretString::from("hunter2");
        assert_eq!(words(br#"{"error":"bad hunter2"}"#, &key), "bad ***");
        assert_eq!(words(b"Not Found\r\n", &key), "Not Found");
        assert_eq!(words(&[b'x'; 10_000], &key).len(), WORDS);
    }
}
