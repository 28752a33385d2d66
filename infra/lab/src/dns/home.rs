//! What a PowerDNS needs on disk: configuration and database.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::folder::Folder;

/// Tables of the database, as the backend's package brings them.
const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
/// How to get what is missing.
pub(super) const INSTALL: &str = "apt-get install -y pdns-server pdns-backend-sqlite3 sqlite3";

/// A name server's folder, and its database.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) folder: Folder,
    database: PathBuf,
    settings: String,
}

impl Home {
    /// Opens a folder that is kept, or makes one that goes with this value. The settings go behind those of every server.
    pub(super) async fn open(kept: Option<PathBuf>, settings: &[&str]) -> io::Result<Self> {
        let folder = Folder::open(kept)?;
        let home = Self {
            database: folder.path().join("zones.sqlite3"),
            folder,
            settings: settings.join("\n"),
        };
        if !home.database.exists() {
            home.make_database().await?;
        }
        Ok(home)
    }

    /// Makes a folder for another server on the same database. It goes with this value; the database stays.
    pub(super) fn beside(other: &Self, settings: &[&str]) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(None)?,
            database: other.database.clone(),
            settings: settings.join("\n"),
        })
    }

    /// Writes the configuration, readable by its owner only: it holds the key.
    pub(super) fn configure(
        &self,
        key: &str,
        addresses: &[IpAddr],
        dns_port: u16,
        (address, api_port): (IpAddr, u16),
    ) -> io::Result<()> {
        let path = self.folder.path().join("pdns.conf");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let addresses = addresses.join(",");
        let (dir, database) = (self.folder.path().display(), self.database.display());
        let settings = &self.settings;
        // Nothing is to leave the machine: no poll for security notices, nobody lets the API in but this machine and the lab. Zones
        // are transferred by key alone, and within seconds.
        write!(
            file,
            "launch=gsqlite3\n\
             gsqlite3-database={database}\n\
             gsqlite3-dnssec=yes\n\
             gsqlite3-pragma-synchronous=0\n\
             local-address={addresses}\n\
             local-port={dns_port}\n\
             query-local-address={addresses}\n\
             primary=yes\n\
             secondary=yes\n\
             send-signed-notify=no\n\
             xfr-cycle-interval=1\n\
             allow-axfr-ips=\n\
             api=yes\n\
             api-key={key}\n\
             webserver=yes\n\
             webserver-address={address}\n\
             webserver-port={api_port}\n\
             webserver-allow-from=127.0.0.0/8,::1,198.18.0.0/15,{address}\n\
             socket-dir={dir}\n\
             security-poll-suffix=\n\
             receiver-threads=1\n\
             distributor-threads=1\n\
             disable-syslog=yes\n\
             daemon=no\n\
             guardian=no\n\
             {settings}\n"
        )
    }

    async fn make_database(&self) -> io::Result<()> {
        let schema = File::open(SCHEMA).map_err(|error| missing(&format!("{SCHEMA}: {error}")))?;
        // A database that is there is complete.
        let fresh = self.folder.path().join("fresh.sqlite3");
        let _ = fs::remove_file(&fresh);
        let made = Command::new("sqlite3")
            .args(["-batch", "-bail", "-cmd", "PRAGMA synchronous = OFF"])
            .arg(&fresh)
            .stdin(Stdio::from(schema))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| missing(&format!("sqlite3: {error}")))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(io::Error::other(format!(
                "the name server's database cannot be made: {said}"
            )));
        }
        fs::rename(fresh, &self.database)
    }
}

/// A tool is not there.
fn missing(what: &str) -> io::Error {
    not_there(what, INSTALL)
}

/// A tool is not there; how to get it.
pub(super) fn not_there(what: &str, install: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("the lab's name server needs what is not there ({what}): install with `{install}`"),
    )
}

/// 32 random bytes in hex.
pub(super) fn random_key() -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut key = String::with_capacity(64);
    for byte in bytes {
        write!(key, "{byte:02x}").map_err(io::Error::other)?;
    }
    Ok(key)
}
