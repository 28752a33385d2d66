//! Hosts and strangers call a real listener over TLS on loopback.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sovereign_core::agent::{FromAgent, ToAgent};
use sovereign_remote::dial::{self, Credentials, DialError};
use sovereign_remote::testing::{MemoryBook, TestAgent, event, hello};
use sovereign_remote::{Authority, LinkState, NodeBook as _, NodeId, Ticket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::*;

struct Bench {
    listening: Listening,
    hub: Arc<Hub>,
    book: Arc<MemoryBook>,
    ca: String,
    node: NodeId,
}

impl Bench {
    async fn start() -> Self {
        Self::with(Patience::default()).await
    }

    async fn with(patience: Patience) -> Self {
        let (ca, key) = Authority::generate().unwrap();
        let book = Arc::new(MemoryBook::default());
        let hub = Hub::new(book.clone()).with_authority(Authority::load(&ca, &key).unwrap());
        let hub = Arc::new(hub);
        let node: NodeId = "acme/cp-1".parse().unwrap();
        hub.link(&node);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let agent = AgentBinary::new(vec![7; 3_000_000]);
        let listening =
            Listening::with_patience(address, "https://127.0.0.1:1", hub.clone(), agent, patience)
                .await
                .unwrap();
        Self {
            listening,
            hub,
            book,
            ca,
            node,
        }
    }

    fn url(&self, sovereign: &str) -> Url {
        format!("https://{}/{sovereign}", self.listening.address)
            .parse()
            .unwrap()
    }

    async fn ticket(&self) -> SecretString {
        let ticket = Ticket::new();
        let until = Timestamp::now() + SignedDuration::from_mins(1);
        self.book
            .issue_ticket(&self.node, &ticket.digest(), until)
            .await
            .unwrap();
        SecretString::from(ticket.expose())
    }

    async fn enrol(&self, ticket: &SecretString, key: &SecretString) -> Result<Credentials, DialError> {
        dial::enrol(&self.url("acme"), &self.ca, "cp-1", ticket, key).await
    }

    async fn link_error(&self, sovereign: &str, credentials: &Credentials) -> DialError {
        match dial::connect(&self.url(sovereign), &self.ca, credentials).await {
            Ok(_) => panic!("a link was given"),
            Err(error) => error,
        }
    }

    /// A connection of somebody who trusts that authority.
    async fn connect(&self, ca: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
            .unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.listening.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Status of the answer to a request as it stands.
    async fn status(&self, request: &[u8]) -> String {
        let mut stream = self.connect(&self.ca).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer[9..].to_vec()).unwrap()
    }
}

#[tokio::test]
async fn a_host_enrols_opens_its_link_and_comes_back() {
    let bench = Bench::start().await;
    let (ticket, key) = (bench.ticket().await, dial::new_key().unwrap());
    let credentials = bench.enrol(&ticket, &key).await.unwrap();
    let link = bench.hub.link(&bench.node);
    assert!(matches!(&*link.state().borrow(), LinkState::Enrolled { .. }));
    let mut events = link.events(0);
    for last in 1..=2 {
        let stream = dial::connect(&bench.url("acme"), &bench.ca, &credentials)
            .await
            .unwrap();
        let mut agent = TestAgent::open(stream, hello("cp-1", "host", "boot", last)).await;
        assert_eq!(agent.follow().await, 0);
        link.send(ToAgent::MakeHostKeys).await.unwrap();
        assert_eq!(agent.order().await, Some(ToAgent::MakeHostKeys));
        for seq in 1..=last {
            agent.say(FromAgent::Event(event(seq))).await;
        }
        assert_eq!(events.next().await.unwrap().seq, last);
    }
    drop(bench.listening);
    let mut state = link.state();
    state
        .wait_for(|state| matches!(state, LinkState::Silent { .. }))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_stolen_ticket_is_refused_in_words_and_a_lost_answer_is_given_again() {
    let bench = Bench::start().await;
    let (ticket, key) = (bench.ticket().await, dial::new_key().unwrap());
    bench.enrol(&ticket, &key).await.unwrap();
    bench.enrol(&ticket, &key).await.unwrap();
    let error = bench.enrol(&ticket, &dial::new_key().unwrap()).await.unwrap_err();
    let DialError::Refused { why, remedy } = &error else {
        panic!("{error}");
    };
    assert!(why.ends_with("its ticket was used by another key") && remedy.contains("rebuild the host"));
    let told = bench.hub.link(&bench.node).refused().borrow().clone().unwrap();
    assert_eq!(&told.why, why);
}

#[tokio::test]
async fn certificates_of_others_open_no_link() {
    let bench = Bench::start().await;
    let key = dial::new_key().unwrap();
    let ours = bench.enrol(&bench.ticket().await, &key).await.unwrap();
    let elsewhere = bench.link_error("other", &ours).await;
    assert!(
        elsewhere
            .to_string()
            .contains("`acme/cp-1` is no node of `other`"),
        "{elsewhere}"
    );

    let another = Bench::start().await;
    let theirs = another.enrol(&another.ticket().await, &key).await.unwrap();
    let error = bench.link_error("acme", &theirs).await;
    assert!(matches!(error, DialError::NotAccepted { .. }), "{error:?}");

    let rebuilt = dial::new_key().unwrap();
    bench.enrol(&bench.ticket().await, &rebuilt).await.unwrap();
    let error = bench.link_error("acme", &ours).await;
    assert!(matches!(error, DialError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_host_trusts_its_own_installer_only() {
    let (bench, another) = (Bench::start().await, Bench::start().await);
    let ticket = bench.ticket().await;
    let key = dial::new_key().unwrap();
    let error = dial::enrol(&bench.url("acme"), &another.ca, "cp-1", &ticket, &key)
        .await
        .unwrap_err();
    assert!(matches!(error, DialError::WrongCertificate { .. }), "{error:?}");
    assert!(
        bench.enrol(&ticket, &key).await.is_ok(),
        "the ticket was not shown to anybody"
    );
}

#[tokio::test]
async fn strangers_get_nothing() {
    let bench = Bench::start().await;
    let upgrade =
        "GET /acme/v1/link HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: sovereign-link/1\r\n\r\n";
    assert_eq!(bench.status(upgrade.as_bytes()).await, "403");
    let plain = "GET /acme/v1/link HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(bench.status(plain.as_bytes()).await, "426");
    let other = format!(
        "GET /acme/v1/agent/{} HTTP/1.1\r\nhost: x\r\n\r\n",
        "0".repeat(64)
    );
    assert_eq!(bench.status(other.as_bytes()).await, "404");
    let post = |body: &str| {
        format!(
            "POST /acme/v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(bench.status(post("{}").as_bytes()).await, "400");
    let escape = r#"{"node":"../x","ticket":"t","csr":"c"}"#;
    assert_eq!(bench.status(post(escape).as_bytes()).await, "400");
    assert_eq!(bench.status(post(&"x".repeat(100_000)).as_bytes()).await, "413");
    let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(bench.status(head.as_bytes()).await, "431");
}

/// Hosts fetch the agent with what every image has: Python. Its strictest checks are those of later images.
#[tokio::test]
async fn the_agent_is_fetched_by_python_that_trusts_the_ca_alone() {
    const FETCH: &str = "\
import hashlib, ssl, sys, urllib.request
trust = ssl.create_default_context(cadata=sys.stdin.read())
trust.verify_flags |= ssl.VERIFY_X509_STRICT
with urllib.request.urlopen(sys.argv[1], context=trust) as answer:
    print(hashlib.sha256(answer.read()).hexdigest())
";
    let bench = Bench::start().await;
    let sha256 = AgentBinary::new(vec![7; 3_000_000]).sha256().to_owned();
    let url = format!("{}/v1/agent/{sha256}", bench.url("acme"));
    let mut python = tokio::process::Command::new("python3")
        .args(["-c", FETCH, &url])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("`python3` is missing: apt-get install python3");
    python
        .stdin
        .take()
        .unwrap()
        .write_all(bench.ca.as_bytes())
        .await
        .unwrap();
    let said = python.wait_with_output().await.unwrap().stdout;
    assert_eq!(String::from_utf8(said).unwrap().trim(), sha256);
}

fn hurried() -> Patience {
    Patience {
        handshake: Duration::from_secs(1),
        head: Duration::from_secs(1),
        life: Duration::from_secs(4),
    }
}

/// Reads until the listener hangs up.
async fn hung_up(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the listener holds on");
}

#[tokio::test]
async fn who_is_slow_on_purpose_is_hung_up_on() {
    let bench = Bench::with(hurried()).await;
    // No handshake.
    let mut mute = TcpStream::connect(bench.listening.address).await.unwrap();
    hung_up(&mut mute).await;
    // A head that never ends, byte by byte.
    let mut drip = bench.connect(&bench.ca).await.unwrap();
    for _ in 0..100 {
        if drip.write_all(b"G").await.is_err() || drip.flush().await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    hung_up(&mut drip).await;
    // A body that never comes.
    let mut empty = bench.connect(&bench.ca).await.unwrap();
    let head = b"POST /acme/v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
    empty.write_all(head).await.unwrap();
    hung_up(&mut empty).await;
    // An answer that nobody takes in: the agent is larger than what fits on the way.
    let mut full = bench.connect(&bench.ca).await.unwrap();
    let sha256 = AgentBinary::new(vec![7; 3_000_000]).sha256().to_owned();
    let head = format!("GET /acme/v1/agent/{sha256} HTTP/1.1\r\nHost: x\r\n\r\n");
    full.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(hurried().life + Duration::from_secs(1)).await;
    hung_up(&mut full).await;
    // Others are served all the same.
    assert_eq!(
        bench
            .status(b"GET /acme/v1/agent/0 HTTP/1.1\r\nHost: x\r\n\r\n")
            .await,
        "404"
    );
}

#[tokio::test]
async fn a_call_by_somebody_who_trusts_another_installer_is_told_to_the_operator() {
    let bench = Bench::start().await;
    let (other, _) = Authority::generate().unwrap();
    assert!(bench.connect(&other).await.is_err());
    let mut state = bench.hub.link(&bench.node).state();
    let told = state.wait_for(|state| state.words().contains("another installer's user data"));
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert!(told.is_ok(), "nothing is told");
}
