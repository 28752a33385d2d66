//! What a registry says of a registration: its locks, its holds and its end (RDAP: RFC 9082, RFC 9083; servers by RFC 9224).

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::DomainName;

/// IANA's list of RDAP servers by top level.
const BOOTSTRAP: &str = "https://data.iana.org/rdap/dns.json";
/// Longest answer that is read, in bytes; the list of servers takes some 200 KiB.
const MAX_ANSWER: usize = 4 << 20;
/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where registrations are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rdap {
    /// At the server that IANA lists for the top level.
    #[default]
    Iana,
    /// At this server: its base URL, with a slash at the end.
    Server(String),
    /// Nowhere: there is no such server in a DNS of one's own.
    Nowhere,
}

/// What a registry says of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Its statuses as EPP writes them (RFC 5731, RFC 8056), in lower case without spaces: `clientupdateprohibited`.
    pub statuses: BTreeSet<String>,
    /// When it ends, where that is told.
    pub expires: Option<Timestamp>,
}

/// What came of looking for a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Registered {
    /// This.
    Found(Registration),
    /// The registry knows no such registration.
    NotFound,
    /// Nothing: it could not be looked up, which does not mean that all is well.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Rdap {
    /// Looks a name up.
    pub async fn look_up(&self, domain: &DomainName) -> Registered {
        let unknown = |why: String| Registered::Unknown { why };
        if *self == Self::Nowhere {
            return unknown("there is no registry in a DNS of one's own".to_owned());
        }
        match self.ask(domain).await {
            Ok(registered) => registered,
            Err(why) => unknown(why),
        }
    }

    async fn ask(&self, domain: &DomainName) -> Result<Registered, String> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::limited(3))
            .build()
            .map_err(|error| error.to_string())?;
        let base = match self {
            Self::Server(base) => base.clone(),
            Self::Iana | Self::Nowhere => {
                let list = get(&http, BOOTSTRAP).await?.ok_or("IANA's list is not there")?;
                let list: Bootstrap = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
                let base = list
                    .server(domain)
                    .ok_or("IANA lists no server for its top level")?;
                base.to_owned()
            }
        };
        let base = base.trim_end_matches('/');
        let Some(answer) = get(&http, &format!("{base}/domain/{domain}")).await? else {
            return Ok(Registered::NotFound);
        };
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        Ok(Registered::Found(answer.into()))
    }
}

/// The body; none if there is no such thing.
async fn get(http: &reqwest::Client, url: &str) -> Result<Option<Vec<u8>>, String> {
    let told = |error: reqwest::Error| format!("{url}: {}", error.without_url());
    let request = http
        .get(url)
        .header("Accept", "application/rdap+json, application/json");
    let mut answer = request.send().await.map_err(told)?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !answer.status().is_success() {
        return Err(format!("{url} answers {}", answer.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(format!("{url} answers with more than {MAX_ANSWER} bytes"));
        }
    }
    Ok(Some(body))
}

/// IANA's list (RFC 9224 section 4).
#[derive(Debug, Deserialize)]
struct Bootstrap {
    services: Vec<(Vec<String>, Vec<String>)>,
}

impl Bootstrap {
    /// Base of the server for the longest ending of the name that is listed.
    fn server(&self, domain: &DomainName) -> Option<&str> {
        let fits = |entry: &str| {
            let entry: DomainName = entry.parse().ok()?;
            domain.is_within(&entry).then(|| entry.labels().count())
        };
        let services = self.services.iter().filter_map(|(entries, urls)| {
            let length = entries.iter().filter_map(|entry| fits(entry)).max()?;
            let url = urls
                .iter()
                .find(|url| url.starts_with("https:"))
                .or(urls.first())?;
            Some((length, url.as_str()))
        });
        services.max_by_key(|(length, _)| *length).map(|(_, url)| url)
    }
}

/// An answer about a domain (RFC 9083 section 5.3), as far as it matters.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    status: Vec<String>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    event_action: String,
    #[serde(default)]
    event_date: String,
}

impl From<Answer> for Registration {
    fn from(answer: Answer) -> Self {
        let plain = |status: String| status.to_ascii_lowercase().replace(' ', "");
        let expires = answer
            .events
            .iter()
            .filter(|event| event.event_action == "expiration");
        Self {
            statuses: answer.status.into_iter().map(plain).collect(),
            expires: expires.filter_map(|event| event.event_date.parse().ok()).max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ending_that_is_listed_counts() {
        let list: Bootstrap = serde_json::from_str(
            r#"{"version": "1.0", "services": [
                [["uk", "example"], ["http://a.test/", "https://b.test/rdap/"]],
                [["co.uk"], ["https://c.test/"]]
            ]}"#,
        )
        .unwrap();
        let server = |name: &str| list.server(&name.parse().unwrap());
        assert_eq!(server("acme.example"), Some("https://b.test/rdap/"));
        assert_eq!(server("acme.co.uk"), Some("https://c.test/"));
        assert_eq!(server("acme.me.uk"), Some("https://b.test/rdap/"));
        assert_eq!(server("acme.notuk"), None);
    }

    #[test]
    fn statuses_and_the_end_are_read_and_the_rest_passed_over() {
        let answer: Answer = serde_json::from_str(
            r#"{"objectClassName": "domain", "ldhName": "ACME.EXAMPLE", "secureDNS": {"delegationSigned": false},
                "status": ["client update prohibited", "serverTransferProhibited"],
                "events": [{"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"},
                           {"eventAction": "expiration", "eventDate": "2031-02-03T04:05:06Z"}]}"#,
        )
        .unwrap();
        let read = Registration::from(answer);
        assert!(read.statuses.contains("clientupdateprohibited"));
        assert!(read.statuses.contains("servertransferprohibited"));
        assert_eq!(read.expires, "2031-02-03T04:05:06Z".parse().ok());
        let bare: Answer = serde_json::from_str("{}").unwrap();
        assert_eq!(Registration::from(bare).expires, None);
    }

    /// A server that answers everything with one answer.
    async fn answering(answer: &'static str) -> Rdap {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let read = stream.read(&mut request).await.unwrap();
                let line = String::from_utf8_lossy(&request[..read]);
                assert!(line.starts_with("GET /rdap/domain/acme.example HTTP"), "{line}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Rdap::Server(format!("http://{address}/rdap/"))
    }

    #[tokio::test]
    async fn only_an_answer_is_knowledge() {
        let domain: DomainName = "acme.example".parse().unwrap();
        let found = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\nConnection: close\r\n\r\n{\"status\": [\"client hold\"]}";
        let Registered::Found(found) = answering(found).await.look_up(&domain).await else {
            panic!("it was there")
        };
        assert!(found.statuses.contains("clienthold"));
        let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(answering(none).await.look_up(&domain).await, Registered::NotFound);
        let garbage = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        for away in [
            answering(garbage).await,
            answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await,
            Rdap::Server("http://127.0.0.1:1/".to_owned()),
            Rdap::Nowhere,
        ] {
            let registered = away.look_up(&domain).await;
            assert!(matches!(registered, Registered::Unknown { .. }), "{registered:?}");
        }
    }
}
