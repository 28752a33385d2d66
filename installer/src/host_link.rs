//! How this installer and its hosts find each other: chosen by flags, written into the plan, and made ready before it runs.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sovereign_bootstrap::link::{LinkPlan, Transport, Until};
use sovereign_bootstrap::nodes::Nodes;
use sovereign_core::spec::{Provider, SovereignSpec};
use sovereign_remote::Hub;
use sovereign_remote::dialer::AgentBinary;
use url::Url;

use crate::agent_binary;
use crate::cli::{self, HostArgs};
use crate::cluster_files::ClusterFiles;
use crate::errors::CliError;
use crate::listener::Listening;
use crate::wiring::App;

/// How long a host may take to answer where nobody said otherwise.
const PATIENCE: Duration = Duration::from_mins(10);

/// What a plan needs to know about the way to its hosts. Machines that are there are always called.
pub(crate) fn plan(args: &HostArgs, spec: &SovereignSpec, agent: &AgentBinary) -> Result<LinkPlan, CliError> {
    let transport = match (&args.advertise, &spec.provider) {
        (Some(url), Provider::Hetzner { .. }) => Transport::Https {
            url: format!("{}/{}", advertised(url)?, spec.name),
        },
        _ => Transport::Ssh,
    };
    Ok(LinkPlan {
        transport,
        agent: agent.sha256().to_owned(),
    })
}

/// How far a plan goes.
pub(crate) fn until(args: &HostArgs, files: Option<&ClusterFiles>) -> Result<Until, CliError> {
    let Some(files) = files else {
        return Ok(match args.until {
            Some(cli::Until::Cloud) => Until::Cloud,
            Some(cli::Until::Names) => Until::Names,
            _ => Until::Hosts,
        });
    };
    Ok(match files.goal() {
        cli::Until::HandOff => Until::HandOff(files.artifacts(), files.kit()?.clone()),
        cli::Until::Kit => Until::Kit(files.artifacts(), files.kit()?.clone()),
        _ => Until::Cluster(files.artifacts()),
    })
}

/// Scheme, host and port, and nothing behind.
fn advertised(url: &url::Url) -> Result<String, CliError> {
    let host = url.host_str().filter(|_| url.scheme() == "https");
    let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    match (host, url.port_or_known_default()) {
        (Some(host), Some(port)) if bare => Ok(format!("https://{host}:{port}")),
        _ => Err(CliError::Advertise { url: url.to_string() }),
    }
}

/// What steps need to talk to hosts, and whoever listens for them meanwhile.
#[derive(Debug)]
pub(crate) struct HostLink {
    /// The hosts as steps see them.
    pub(crate) nodes: Arc<Nodes>,
    /// Ends with this.
    _listening: Option<Listening>,
}

impl HostLink {
    /// Makes ready what a plan's transport needs: hosts that call find somebody who listens.
    pub(crate) async fn open(
        app: &App,
        args: &HostArgs,
        transport: &Transport,
        agent: AgentBinary,
        files: Option<&ClusterFiles>,
    ) -> Result<Self, CliError> {
        let hub = Hub::new(app.node_book());
        for file in files.iter().flat_map(|files| files.each()) {
            hub.depot().offer(&file.artifact, &file.path);
        }
        let Transport::Https { url } = transport else {
            let nodes = app.nodes(Arc::new(hub), Some(agent), None, args.host_patience);
            return Ok(Self {
                nodes: Arc::new(nodes),
                _listening: None,
            });
        };
        let authority = app.authority().await?;
        let certificate = authority.certificate_pem().to_owned();
        let hub = Arc::new(hub.with_authority(authority));
        let address = listen_address(args, url)?;
        let listening = Listening::start(address, url, hub.clone(), agent.clone()).await?;
        let nodes = app.nodes(hub, Some(agent), Some(certificate), args.host_patience);
        Ok(Self {
            nodes: Arc::new(nodes),
            _listening: Some(listening),
        })
    }

    /// For plans that call hosts at most: to take their leave, or not at all.
    pub(crate) fn calling(app: &App, agent: Option<&Path>) -> Result<Self, CliError> {
        let agent = match agent_binary::load(agent) {
            Err(CliError::NoAgent { .. }) => None,
            agent => Some(agent?),
        };
        let hub = Arc::new(Hub::new(app.node_book()));
        Ok(Self {
            nodes: Arc::new(app.nodes(hub, agent, None, PATIENCE)),
            _listening: None,
        })
    }
}

/// Every address at the port of the advertised one, unless another was chosen.
fn listen_address(args: &HostArgs, url: &str) -> Result<SocketAddr, CliError> {
    if let Some(address) = args.listen {
        return Ok(address);
    }
    let port = Url::parse(url).ok().and_then(|url| url.port_or_known_default());
    let port = port.ok_or_else(|| CliError::Advertise { url: url.to_owned() })?;
    Ok(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)))
}
