//! Calls the installer, again and again: enrols once, then keeps a link.

use std::rc::Rc;
use std::time::{Duration, Instant};

use sovereign_core::agent::AgentEventKind;
use sovereign_remote::dial::{self, DialError};
use url::Url;

use super::backoff::Backoff;
use super::desk::Desk;
use super::identity::{Call, Identity, Refusal};
use super::session;
use crate::converge::scrub;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;

/// A link that lasted this long was a good one: the next call comes at once.
const GOOD: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(15);

pub(super) async fn dial<T>(desk: &Rc<Desk>, host: &Host, url: &Url, ca: &str, ticket_file: &str) -> T {
    let mut backoff = Backoff::new(FIRST, MOST);
    let mut trouble = Trouble::default();
    let mut identity: Option<Identity> = None;
    loop {
        let began = Instant::now();
        match once(desk, host, url, (ca, ticket_file), &mut identity).await {
            Ok(()) => {
                trouble = Trouble::default();
                if began.elapsed() > GOOD {
                    backoff.reset();
                }
            }
            Err(refusal) => trouble.note(desk, &refusal),
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

async fn once(
    desk: &Desk,
    host: &Host,
    url: &Url,
    (ca, ticket_file): (&str, &str),
    known: &mut Option<Identity>,
) -> Result<(), Refusal> {
    let identity = match known {
        Some(identity) => identity,
        None => known.insert(Identity::load(&host.root, ticket_file)?),
    };
    let Some(ca_pem) = host.root.read(ca).or_fault("reading", ca)? else {
        let remedy = "rebuild the host: its user data carries the certificate";
        return Err(Fault::new(format!("the installer's CA certificate is not at `{ca}`"), remedy).into());
    };
    let call = Call {
        url,
        ca_pem: &ca_pem,
        node: desk.node(),
    };
    if identity.credentials().is_none() {
        identity.enrol(&host.root, &call).await?;
        // The ticket is used up, but it is nobody's business either.
        scrub(host)?;
    }
    let Some(credentials) = identity.credentials() else {
        return Ok(());
    };
    match dial::connect(url, &ca_pem, &credentials).await {
        Ok(stream) => {
            let end = session::speak(desk, stream).await;
            tracing::info!(%end, "the link over HTTPS ended");
            Ok(())
        }
        Err(error) => {
            if matches!(error, DialError::NotAccepted { .. }) {
                identity.forget_certificate();
            }
            Err(error.into())
        }
    }
}

/// The trouble that was told last. It is told again only when it becomes another one.
#[derive(Debug, Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn note(&mut self, desk: &Desk, refusal: &Refusal) {
        let cause = refusal.to_string();
        if self.0.as_ref() == Some(&cause) {
            return;
        }
        let remedy = match refusal {
            Refusal::Dial(error) => error.remedy(),
            Refusal::Host(fault) => &fault.remedy,
        };
        tracing::warn!(%cause, %remedy, "no link");
        // An installer that is away is no news for its journal once it is back.
        let away = matches!(
            refusal,
            Refusal::Dial(DialError::Unreachable { .. } | DialError::TimedOut { .. })
        );
        if !away {
            desk.tell(AgentEventKind::Failed {
                task: "link".to_owned(),
                cause: cause.clone(),
                remedy: remedy.to_owned(),
            });
        }
        self.0 = Some(cause);
    }
}
