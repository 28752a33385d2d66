//! A resolver as the world has them: BIND, which validates from the root down and remembers what it heard.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::PrivateDns;
use super::watch::{Fate, ask};
use crate::dns::{Folder, Process, free_port};

/// Where it answers.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How to get it.
const INSTALL: &str = "apt-get install -y bind9";
/// Number of a record type (RFC 1035 section 3.2.2).
const SOA: u16 = 6;
/// How long it may take to answer.
const START_WITHIN: Duration = Duration::from_mins(1);
/// Time between two looks at whether it answers.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a resolver remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// As long as it was told to.
    Lasting,
    /// A second, whatever it was told: what it says is what stands now.
    Short,
}

/// A resolver. It ends with this value.
pub struct Resolver {
    /// Where it answers.
    pub address: SocketAddr,
    process: Process,
    folder: Folder,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Resolver {
    pub(super) async fn start(dns: &PrivateDns, memory: Memory) -> io::Result<Self> {
        let folder = Folder::open(None)?;
        // BIND takes no other loopback address than the interface's.
        let address = SocketAddr::new(LOOPBACK, free_port(LOOPBACK)?);
        let config = folder.path().join("named.conf");
        fs::write(folder.path().join("root.hints"), hints(dns))?;
        fs::write(&config, configuration(dns, address, memory, &folder))?;
        let program = ["named", "-g", "-n", "1", "-c"].map(str::to_owned);
        let program = [&program[..], &[config.display().to_string()]].concat();
        let resolver = Self {
            address,
            process: Process::start(&program, folder.log_file()?, INSTALL)?,
            folder,
        };
        resolver.answers().await?;
        Ok(resolver)
    }

    /// Asks it once for a name, and a record type by its number.
    pub async fn ask(&self, name: &str, kind: u16) -> Fate {
        ask(self.address, name, kind).await
    }

    /// Returns when it validates.
    async fn answers(&self) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < START_WITHIN && !self.process.has_ended() {
            if self.ask("example", SOA).await == (Fate::Answered { secure: true }) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(io::Error::other(format!(
            "the lab's resolver, named, does not answer (install it with `{INSTALL}`): {}",
            self.folder.log()
        )))
    }

    /// Ends it and waits until it has.
    pub async fn stop(self) {
        self.process.stop().await;
    }
}

fn hints(dns: &PrivateDns) -> String {
    format!(". 3600 IN NS a.root.\na.root. 3600 IN A {}\n", dns.root())
}

/// BIND's option `port` is where it asks others. However many ask for one name, it answers each of them.
fn configuration(dns: &PrivateDns, at: SocketAddr, memory: Memory, folder: &Folder) -> String {
    let (dir, port) = (folder.path().display(), dns.port());
    let (address, own) = (at.ip(), at.port());
    let anchors: String = dns.anchor().lines().map(static_ds).collect();
    let memory = match memory {
        Memory::Lasting => "",
        Memory::Short => "max-cache-ttl 1; max-ncache-ttl 1;",
    };
    format!(
        "options {{\n\
         directory \"{dir}\"; pid-file none; session-keyfile none; lock-file none;\n\
         port {port}; listen-on port {own} {{ {address}; }}; listen-on-v6 {{ none; }};\n\
         recursion yes; allow-query {{ 127.0.0.0/8; }}; allow-recursion {{ 127.0.0.0/8; }};\n\
         dnssec-validation yes; empty-zones-enable no; max-cache-size 16m; {memory}\n\
         clients-per-query 0; max-clients-per-query 0;\n\
         }};\n\
         controls {{ }};\n\
         trust-anchors {{ {anchors} }};\n\
         zone \".\" {{ type hint; file \"root.hints\"; }};\n"
    )
}

/// `. IN DS TAG ALGORITHM TYPE DIGEST` in BIND's words.
fn static_ds(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [.., tag, algorithm, kind, digest] => format!(". static-ds {tag} {algorithm} {kind} \"{digest}\";"),
        _ => String::new(),
    }
}
