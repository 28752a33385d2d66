//! A real `sshd` on a loopback port, in a directory of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_remote::ssh::{HostKeys, SshTarget, new_key_pair};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/sbin/sshd";

/// Longest wait of a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Sshd {
    child: Child,
    pub(crate) dir: TempDir,
    port: u16,
    /// Public host key, in OpenSSH form.
    pub(crate) host_key: String,
    /// Private key that may log in as root.
    pub(crate) login: SecretString,
}

impl Sshd {
    /// A server with a fresh host key that lets a fresh key in as root. `options` go into its configuration.
    pub(crate) fn start(options: &str) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "`{PROGRAM}` is missing: apt-get install openssh-server"
        );
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all("/run/sshd").unwrap();
        let (host_private, host_key) = new_key_pair("").unwrap();
        let (login, authorized) = new_key_pair("test").unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("host_key"), host_private.expose_secret()).unwrap();
        fs::set_permissions(at("host_key"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(at("authorized_keys"), format!("{authorized}\n")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let path = dir.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {path}/host_key\nPidFile none\n\
             AuthorizedKeysFile {path}/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n{options}\n"
        );
        fs::write(at("sshd_config"), config).unwrap();
        let mut sshd = Self {
            child: serve(dir.path()),
            dir,
            port,
            host_key: host_key.trim().to_owned(),
            login,
        };
        sshd.wait();
        sshd
    }

    pub(crate) fn target(&self) -> SshTarget {
        SshTarget {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: "root".to_owned(),
            host_keys: HostKeys::Pinned(vec![self.host_key.clone()]),
            key: self.login.clone(),
        }
    }

    /// Starts it again with another host key.
    pub(crate) fn change_host_key(&mut self) {
        let (private, public) = new_key_pair("").unwrap();
        fs::write(self.dir.path().join("host_key"), private.expose_secret()).unwrap();
        public.trim().clone_into(&mut self.host_key);
        self.stop();
        self.child = serve(self.dir.path());
        self.wait();
    }

    fn wait(&mut self) {
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "sshd did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("sshd does not listen");
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(dir: &Path) -> Child {
    Command::new(PROGRAM)
        .args(["-D", "-f"])
        .arg(dir.join("sshd_config"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
