//! A registrar that answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::contract::{Refusal, RegistrarVendor};
use super::fault::RegistrarEffect;
use super::parent_zone::ParentZone;
use super::registry::{Mischief, RegisteredDomain, Registry, World};
use super::request::{Reply, Request};

/// Names of the secrets that a vendor's account has.
const SECRETS: [&str; 5] = ["token", "key", "secret", "application", "consumer"];

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    registry: Registry,
    parent: Option<Arc<dyn ParentZone>>,
    scheduled: Notify,
    /// Held while the parent is told: who was answered after a change finds it published, and changes arrive in their order.
    publishing: tokio::sync::Mutex<()>,
}

/// A registrar on loopback. It ends with this value.
#[derive(Debug)]
pub struct RegistrarSim {
    shared: Arc<Shared>,
    stop: CancellationToken,
    served: JoinHandle<()>,
    worked: JoinHandle<()>,
}

impl RegistrarSim {
    /// Starts a registrar with an empty account; the parent zone, if there is one, follows its changes before they are answered.
    pub async fn start(vendor: RegistrarVendor, parent: Option<Arc<dyn ParentZone>>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let registry = Registry::new(vendor);
        for name in SECRETS {
            // Recognisable wherever it should not be.
            let secret = format!("canary-{name}-{:?}-{}", vendor, address.port()).to_lowercase();
            registry.lock().secrets.insert(name, secret);
        }
        let shared = Arc::new(Shared {
            address,
            registry,
            parent,
            scheduled: Notify::new(),
            publishing: tokio::sync::Mutex::default(),
        });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        Ok(Self {
            served: tokio::spawn(async move {
                // Its errors are those of single connections, whose clients see them.
                let _ = serving.await;
            }),
            worked: tokio::spawn(work(shared.clone(), stop.clone())),
            shared,
            stop,
        })
    }

    /// Whose contract it follows.
    pub fn vendor(&self) -> RegistrarVendor {
        self.shared.registry.lock().vendor
    }

    /// Scheme, host and port.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// A secret of the account: `token`, `key`, `secret`, `application` or `consumer`. None appears in any other place.
    pub fn secret(&self, name: &str) -> String {
        self.shared.registry.lock().secret(name).to_owned()
    }

    /// All of them.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.registry.lock().secrets.values().cloned().collect()
    }

    /// Revokes the account's secrets: nobody knows the new ones.
    pub fn revoke(&self) {
        for secret in self.shared.registry.lock().secrets.values_mut() {
            secret.push_str("-revoked");
        }
    }

    /// Puts a domain into the account, or changes it as its owner would in the web interface. Returns when it is published.
    pub async fn put(&self, domain: &str, entry: RegisteredDomain) {
        self.shared.registry.put(domain, entry);
        self.shared.registry.lock().announce(domain);
        publish(&self.shared).await;
    }

    /// The account.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }
}

impl Drop for RegistrarSim {
    fn drop(&mut self) {
        self.stop.cancel();
        self.served.abort();
        self.worked.abort();
    }
}

/// Does what is due, also while nobody asks.
async fn work(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let due = shared.registry.lock().next_due();
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = timer => {}
            () = shared.scheduled.notified() => continue,
            () = stop.cancelled() => return,
        }
        shared.registry.lock().advance();
        publish(&shared).await;
    }
}

async fn publish(shared: &Shared) {
    let _turn = shared.publishing.lock().await;
    let changed = shared.registry.lock().take_changed();
    if let Some(parent) = &shared.parent {
        for published in changed {
            parent.changed(&published).await;
        }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        method: method.as_str().to_owned(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        url: format!("http://{}{uri}", shared.address),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        peer: peer.ip(),
    };
    let (reply, effects) = judge(&mut shared.registry.lock(), &request);
    publish(&shared).await;
    shared.scheduled.notify_one();
    for effect in &effects {
        if let RegistrarEffect::Slow(ms) = effect {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let dropped = effects
        .iter()
        .any(|it| matches!(it, RegistrarEffect::DropRequest | RegistrarEffect::DropResponse));
    if dropped { cut() } else { reply.into_response() }
}

/// The answer, and what else strikes the request.
fn judge(world: &mut World, request: &Request) -> (Reply, Vec<RegistrarEffect>) {
    world.advance();
    let contract = world.vendor.contract();
    let writes = contract.writes(request);
    world.seen.push(request.recorded(writes));
    let effects = world.faults.strike(writes);
    for effect in &effects {
        let reply = match effect {
            RegistrarEffect::DropRequest => Reply::empty(500),
            RegistrarEffect::Error(status) => contract.refusal(Refusal::Failure(*status)),
            RegistrarEffect::RateLimited(seconds) => contract.refusal(Refusal::RateLimited(*seconds)),
            RegistrarEffect::Garbage => Reply::garbage(),
            _ => continue,
        };
        return (reply, effects);
    }
    let allowed = world
        .allowed_from
        .as_ref()
        .is_none_or(|list| list.contains(&request.peer));
    if !allowed {
        return (contract.refusal(Refusal::NotAllowed(request.peer)), effects);
    }
    world.mischief = Mischief {
        not_applied: effects.contains(&RegistrarEffect::NotApplied),
        partial: effects.contains(&RegistrarEffect::Partial),
        task_fails: effects.contains(&RegistrarEffect::TaskFails),
    };
    let reply = contract.answer(world, request);
    world.mischief = Mischief::default();
    let afterwards = effects.iter().find_map(|effect| match effect {
        RegistrarEffect::ErrorAfterwards(status) => Some(*status),
        _ => None,
    });
    let reply = match afterwards {
        Some(status) => contract.refusal(Refusal::Failure(status)),
        None => reply,
    };
    (reply, effects)
}

/// An answer whose connection breaks before the client has any of it.
fn cut() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(io::Error::other("cut")) });
    let response = Response::builder()
        .header("Content-Length", "1000")
        .body(Body::from_stream(broken));
    response.unwrap_or_default()
}
