//! What one host is told at its first boot.

use std::sync::LazyLock;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sovereign_core::host::HostRole;
use sovereign_core::name::SovereignName;
use thiserror::Error;

use crate::comments;
use crate::strict::{Engine, TemplateError};

/// Brings the agent to a host that calls the installer.
const FETCH_AGENT: &str = include_str!("../cloud-init/fetch_agent.py");

static ENGINE: LazyLock<Result<Engine, String>> = LazyLock::new(|| {
    Engine::new([
        ("host.yaml.tera", include_str!("../cloud-init/host.yaml.tera")),
        ("https.yaml.tera", include_str!("../cloud-init/https.yaml.tera")),
        ("ssh.yaml.tera", include_str!("../cloud-init/ssh.yaml.tera")),
        (
            "first-control-plane.yaml.tera",
            include_str!("../cloud-init/first-control-plane.yaml.tera"),
        ),
        (
            "control-plane.yaml.tera",
            include_str!("../cloud-init/control-plane.yaml.tera"),
        ),
        ("worker.yaml.tera", include_str!("../cloud-init/worker.yaml.tera")),
    ])
    .map_err(|error| error.to_string())
});

/// What one host is told at its first boot.
#[derive(Debug, Clone)]
pub struct CloudInit {
    /// Host name, one label; also the server's name in the plan.
    pub hostname: String,
    /// The Sovereign it belongs to.
    pub sovereign: SovereignName,
    /// Display name of the organization.
    pub organization: String,
    /// The Sovereign's fully qualified name, where it has one. The host's own is its host name in front of it.
    pub fqdn: Option<String>,
    /// What the host does.
    pub role: HostRole,
    /// Who may log in as root: public keys in OpenSSH form.
    pub authorized_keys: Vec<String>,
    /// How the agent comes to the host.
    pub reach: Reach,
}

/// How the agent comes to a host. [`filler`](crate::filler) has stand-ins for a plan.
#[derive(Debug, Clone)]
pub enum Reach {
    /// The host calls the installer, fetches the agent and enrols with a ticket.
    Https {
        /// Where the installer listens, as the host sees it: scheme, host and port.
        url: String,
        /// Certificate of the Sovereign's authority, in PEM; the host trusts no other.
        ca_pem: String,
        /// The single-use ticket.
        ticket: SecretString,
        /// SHA-256 of the agent, 64 hex digits.
        agent_sha256: String,
    },
    /// The installer calls the host.
    Ssh {
        /// The host key until first contact: Ed25519, OpenSSH's private form.
        host_key_private: SecretString,
        /// Its public half, in OpenSSH form.
        host_key_public: String,
        /// The installer's key for this Sovereign, in OpenSSH form.
        login_key_public: String,
    },
}

/// Why there are no user data. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// A value that becomes a line of a file on the host would end that line.
    #[error("host `{host}`: `{field}` has a control character; correct it, it has to be one line of text")]
    NotOneLine {
        /// The host, its own control characters escaped.
        host: String,
        /// Field of [`CloudInit`].
        field: &'static str,
    },
    /// The text could not be compressed.
    #[error("user data could not be compressed: {0}; report it, the program is at fault")]
    Compress(String),
    /// Template and input do not fit.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl CloudInit {
    /// The text that cloud-init reads on the host.
    pub(crate) fn render(&self) -> Result<String, RenderError> {
        self.check_lines()?;
        let template = match self.role {
            HostRole::FirstControlPlane => "first-control-plane.yaml.tera",
            HostRole::ControlPlane => "control-plane.yaml.tera",
            HostRole::Worker => "worker.yaml.tera",
        };
        let engine = ENGINE
            .as_ref()
            .map_err(|error| TemplateError::Engine(template.to_owned(), error.clone()))?;
        let text = engine.render(template, &self.variables())?;
        Ok(comments::strip(&text))
    }

    /// Names end up as lines of `/etc/hosts`, keys as lines of `authorized_keys`.
    fn check_lines(&self) -> Result<(), RenderError> {
        let names = [("hostname", &self.hostname)].into_iter();
        let names = names.chain(self.fqdn.iter().map(|fqdn| ("fqdn", fqdn)));
        let keys = self.authorized_keys.iter().map(|key| ("authorized_keys", key));
        match names
            .chain(keys)
            .find(|(_, line)| line.contains(char::is_control))
        {
            None => Ok(()),
            Some((field, _)) => Err(RenderError::NotOneLine {
                host: self.hostname.escape_debug().to_string(),
                field,
            }),
        }
    }

    fn variables(&self) -> Variables<'_> {
        let mut authorized_keys: Vec<&str> = self.authorized_keys.iter().map(String::as_str).collect();
        let mut facts = Facts {
            node: &self.hostname,
            role: self.role,
            sovereign: self.sovereign.as_str(),
            organization: &self.organization,
            url: None,
            agent: None,
        };
        let (mut https, mut ssh) = (None, None);
        match &self.reach {
            Reach::Https {
                url,
                ca_pem,
                ticket,
                agent_sha256,
            } => {
                facts.url = Some(url);
                facts.agent = Some(agent_sha256);
                https = Some(Https {
                    ca_pem,
                    ticket: ticket.expose_secret(),
                    fetch_agent: comments::strip(FETCH_AGENT),
                });
            }
            Reach::Ssh {
                host_key_private,
                host_key_public,
                login_key_public,
            } => {
                authorized_keys.insert(0, login_key_public);
                ssh = Some(Ssh {
                    host_key_private: host_key_private.expose_secret(),
                    host_key_public,
                });
            }
        }
        Variables {
            hostname: &self.hostname,
            fqdn: self.fqdn.as_ref().map(|fqdn| format!("{}.{fqdn}", self.hostname)),
            authorized_keys,
            // Strings and a plain enum: it can always be written.
            facts: serde_json::to_string(&facts).unwrap_or_default(),
            https,
            ssh,
        }
    }
}

/// What the templates name. Holds secrets in the open: never printed, gone when the text is there.
#[derive(Serialize)]
struct Variables<'a> {
    hostname: &'a str,
    fqdn: Option<String>,
    authorized_keys: Vec<&'a str>,
    facts: String,
    https: Option<Https<'a>>,
    ssh: Option<Ssh<'a>>,
}

#[derive(Serialize)]
struct Https<'a> {
    ca_pem: &'a str,
    ticket: &'a str,
    fetch_agent: String,
}

#[derive(Serialize)]
struct Ssh<'a> {
    host_key_private: &'a str,
    host_key_public: &'a str,
}

/// `/etc/sovereign/host.json`: whose host this is, for a person on the console and for `fetch_agent.py`.
#[derive(Serialize)]
struct Facts<'a> {
    node: &'a str,
    role: HostRole,
    sovereign: &'a str,
    organization: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
}
