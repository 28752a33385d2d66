//! The folder of a name server: configuration, database and log.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::process::Command;

/// Start of the name of every folder that goes with its server; the number of its process follows.
const PREFIX: &str = "sovereign-lab-dns-";
/// Tables of the database, as the backend's package brings them.
const SCHEMA: &str = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
/// How to get what is missing.
const INSTALL: &str = "apt-get install -y pdns-server pdns-backend-sqlite3 sqlite3";
/// Most characters of the log that are passed on.
const TAIL: usize = 1_000;

/// A name server's folder.
#[derive(Debug)]
pub(super) struct Home {
    dir: PathBuf,
    keep: bool,
}

impl Home {
    /// Opens a folder that is kept, or makes one that goes with this value. Those that killed labs left behind are removed.
    pub(super) async fn open(kept: Option<PathBuf>) -> io::Result<Self> {
        let home = match kept {
            Some(dir) => Self { dir, keep: true },
            None => Self::temporary()?,
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&home.dir)?;
        if !home.database().exists() {
            home.make_database().await?;
        }
        Ok(home)
    }

    fn temporary() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = std::env::temp_dir();
        remove_left_behind(&parent);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // Fails if somebody else was faster: the folder must be ours.
        DirBuilder::new().mode(0o700).create(&dir)?;
        Ok(Self { dir, keep: false })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn log_file(&self) -> io::Result<File> {
        File::create(self.dir.join("log"))
    }

    /// The end of the log, in one line.
    pub(super) fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let words: Vec<&str> = log.split_whitespace().collect();
        let line = words.join(" ");
        let start = line.char_indices().rev().nth(TAIL).map_or(0, |(index, _)| index);
        line[start..].to_owned()
    }

    /// Writes the configuration, readable by its owner only: it holds the key.
    pub(super) fn configure(
        &self,
        key: &str,
        address: IpAddr,
        dns_port: u16,
        api_port: u16,
    ) -> io::Result<()> {
        let path = self.dir.join("pdns.conf");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let database = self.database();
        let (dir, database) = (self.dir.display(), database.display());
        // Nothing is to leave the machine: no poll for security notices, nobody lets the API in but this machine and the lab.
        write!(
            file,
            "launch=gsqlite3\n\
             gsqlite3-database={database}\n\
             gsqlite3-dnssec=yes\n\
             gsqlite3-pragma-synchronous=0\n\
             local-address={address}\n\
             local-port={dns_port}\n\
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
             guardian=no\n"
        )
    }

    /// Removes the folder unless it is to be kept.
    pub(super) fn remove(&self) {
        if !self.keep {
            // What is left is removed by the next lab.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }

    fn database(&self) -> PathBuf {
        self.dir.join("zones.sqlite3")
    }

    async fn make_database(&self) -> io::Result<()> {
        let schema = File::open(SCHEMA).map_err(|error| missing(&format!("{SCHEMA}: {error}")))?;
        // A database that is there is complete.
        let fresh = self.dir.join("fresh.sqlite3");
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
        fs::rename(fresh, self.database())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A tool is not there.
pub(super) fn missing(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("the lab's name server needs what is not there ({what}): install with `{INSTALL}`"),
    )
}

/// Removes the folders of labs that were killed: their processes, and with them their servers, are gone.
fn remove_left_behind(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .and_then(|number| number.parse::<u32>().ok());
        if process.is_some_and(is_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a process is no more, or only waits to be buried: then it has no command line.
fn is_gone(number: u32) -> bool {
    fs::read(format!("/proc/{number}/cmdline")).map_or(true, |line| line.is_empty())
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
