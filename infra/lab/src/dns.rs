//! A real name server beside the lab: PowerDNS with a database of its own, or another one's, on loopback or an address of the lab.

mod folder;
mod home;
mod process;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use self::folder::Folder;
use self::home::Home;
pub(crate) use self::process::Process;

/// How long it may take to answer.
const START_WITHIN: Duration = Duration::from_mins(1);
/// Time between two looks at whether it answers.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How often other ports are tried, if somebody takes those that were free a moment ago.
const TRIES: u32 = 5;

/// Settings of a server that keeps nothing of its database: neither answers, nor which zones there are and how they are signed.
const UNCACHED: [&str; 6] = [
    "cache-ttl=0",
    "query-cache-ttl=0",
    "negquery-cache-ttl=0",
    "zone-cache-refresh-interval=0",
    "zone-metadata-cache-ttl=0",
    "dnssec-key-cache-ttl=0",
];

/// A PowerDNS that answers. It ends with this value, and with the process, however that ends.
pub struct PowerDns {
    /// Address of its API: scheme, host and port.
    pub url: String,
    /// Its API key, random. It opens nothing but this server.
    pub key: String,
    /// Where it answers queries, over UDP and TCP.
    pub dns_addr: SocketAddr,
    process: Process,
    /// On the heap: worlds of many servers are passed around.
    home: Box<Home>,
}

impl fmt::Debug for PowerDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerDns")
            .field("url", &self.url)
            .field("dns_addr", &self.dns_addr)
            .finish_non_exhaustive()
    }
}

impl PowerDns {
    /// Starts a server on free ports of an address; it answers when this returns. Its zones are kept in `dir` over restarts, and
    /// go with it without.
    pub async fn start(address: IpAddr, dir: Option<PathBuf>) -> io::Result<Self> {
        Self::start_on(&[address], None, dir).await
    }

    /// Starts a server that answers queries on several addresses, all on one port, so that name servers can be found at their
    /// addresses alone. Its API is on the first; without a port any free one is taken.
    pub async fn start_on(addresses: &[IpAddr], port: Option<u16>, dir: Option<PathBuf>) -> io::Result<Self> {
        Self::start_with(addresses, port, dir, &[]).await
    }

    /// The same, with settings beside those of every lab server, for example `enable-lua-records=yes`.
    pub async fn start_with(
        addresses: &[IpAddr],
        port: Option<u16>,
        dir: Option<PathBuf>,
        settings: &[&str],
    ) -> io::Result<Self> {
        let home = Home::open(dir, settings).await?;
        Self::start_in(Box::new(home), addresses, port).await
    }

    /// Starts a second server on this one's database, at the same address and another port. It looks at the database each time it is
    /// asked, so that what the first one is told is its answer at once. It has nothing to answer from when the first one is gone.
    pub async fn replica(&self) -> io::Result<Self> {
        let home = Home::beside(&self.home, &UNCACHED)?;
        Self::start_in(Box::new(home), &[self.dns_addr.ip()], None).await
    }

    async fn start_in(home: Box<Home>, addresses: &[IpAddr], port: Option<u16>) -> io::Result<Self> {
        let key = home::random_key()?;
        let first = addresses.first().copied();
        let address = first.ok_or_else(|| io::Error::other("a name server needs an address"))?;
        for _ in 1..TRIES {
            let dns_port = port.map_or_else(|| free_port(address), Ok)?;
            let ports = (dns_port, free_port(address)?);
            if let Some(running) = Self::attempt(&home, &key, addresses, address, ports).await? {
                let (process, url, dns_addr) = running;
                return Ok(Self {
                    url,
                    key,
                    dns_addr,
                    process,
                    home,
                });
            }
        }
        Err(io::Error::other(format!(
            "pdns_server does not start: {}",
            home.folder.log()
        )))
    }

    /// The folder of its configuration, its zones and its log; it goes with the server unless it is kept.
    pub fn dir(&self) -> &Path {
        self.home.folder.path()
    }

    /// Ends the server and waits until it has.
    pub async fn stop(self) {
        self.process.stop().await;
        self.home.folder.remove();
    }

    /// None if a port was taken: without one for DNS it ends, without one for its API it says so.
    async fn attempt(
        home: &Home,
        key: &str,
        addresses: &[IpAddr],
        address: IpAddr,
        (dns_port, api_port): (u16, u16),
    ) -> io::Result<Option<(Process, String, SocketAddr)>> {
        home.configure(key, addresses, dns_port, (address, api_port))?;
        let config = format!("--config-dir={}", home.folder.path().display());
        let program = ["pdns_server".to_owned(), config];
        let process = Process::start(&program, home.folder.log_file()?, home::INSTALL)?;
        let url = format!("http://{}", SocketAddr::new(address, api_port));
        let dns_addr = SocketAddr::new(address, dns_port);
        let began = Instant::now();
        while began.elapsed() < START_WITHIN {
            if process.has_ended() || home.folder.log().contains("HTTP socket failed") {
                return Ok(None);
            }
            if answers(&url, key, dns_addr).await {
                return Ok(Some((process, url, dns_addr)));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("pdns_server does not answer: {}", home.folder.log()),
        ))
    }
}

async fn answers(url: &str, key: &str, dns_addr: SocketAddr) -> bool {
    if tokio::net::TcpStream::connect(dns_addr).await.is_err() {
        return false;
    }
    let request = reqwest::Client::new()
        .get(format!("{url}/api/v1/servers/localhost"))
        .header("X-API-Key", key)
        .timeout(Duration::from_secs(2));
    request
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
}

/// A port that is free for UDP and TCP.
pub(crate) fn free_port(address: IpAddr) -> io::Result<u16> {
    loop {
        let tcp = TcpListener::bind((address, 0))?;
        let port = tcp.local_addr()?.port();
        if UdpSocket::bind((address, port)).is_ok() {
            return Ok(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn zones(server: &PowerDns) -> String {
        let request = reqwest::Client::new()
            .get(format!("{}/api/v1/servers/localhost/zones", server.url))
            .header("X-API-Key", &server.key);
        request.send().await.unwrap().text().await.unwrap()
    }

    async fn add_zone(server: &PowerDns) {
        let request = reqwest::Client::new()
            .post(format!("{}/api/v1/servers/localhost/zones", server.url))
            .header("X-API-Key", &server.key)
            .json(&serde_json::json!({"name": "kept.example.", "kind": "Native", "nameservers": []}));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    #[tokio::test]
    async fn two_servers_answer_and_leave_nothing() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let (one, two) = tokio::join!(PowerDns::start(address, None), PowerDns::start(address, None));
        let (one, two) = (one.unwrap(), two.unwrap());
        add_zone(&one).await;
        assert!(zones(&one).await.contains("kept.example."));
        assert_eq!(zones(&two).await, "[]", "each has zones of its own");
        assert!(!format!("{one:?}").contains(&one.key));
        let (dir, dns_addr) = (one.dir().to_owned(), one.dns_addr);
        one.stop().await;
        assert!(!dir.exists());
        assert!(tokio::net::TcpStream::connect(dns_addr).await.is_err());
        two.stop().await;
    }

    #[tokio::test]
    async fn a_replica_has_the_zones_of_the_first_and_leaves_its_database_alone() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let first = PowerDns::start(address, None).await.unwrap();
        let replica = first.replica().await.unwrap();
        add_zone(&first).await;
        assert!(zones(&replica).await.contains("kept.example."));
        replica.stop().await;
        assert!(zones(&first).await.contains("kept.example."));
        first.stop().await;
    }

    #[tokio::test]
    async fn zones_in_a_kept_folder_outlive_the_server() {
        let address = IpAddr::from([127, 0, 0, 1]);
        let dir = tempfile::tempdir().unwrap();
        let kept = || Some(dir.path().join("dns"));
        let first = PowerDns::start(address, kept()).await.unwrap();
        add_zone(&first).await;
        first.stop().await;
        let second = PowerDns::start(address, kept()).await.unwrap();
        assert!(zones(&second).await.contains("kept.example."));
        second.stop().await;
    }
}
