//! `sovereign lab up`, in the foreground and in the background.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sovereign_lab::{
    CustomerDomain, DnsConfig, HostKind, HostsConfig, Lab, LabClient, LabConfig, RegistrarVendor,
};

use super::record::{NameServers, Record, log_path};
use crate::cli::{Global, Hosts, LabUp};
use crate::errors::CliError;
use crate::output;
use crate::signals::Signals;
use crate::state_dir::StateDir;

/// How long a lab in the background may take to answer.
const START_WITHIN: Duration = Duration::from_mins(1);
/// The same where hosts are real: their root file system may have to be made first.
const START_HOSTS_WITHIN: Duration = Duration::from_mins(10);
/// Time between two looks at whether it answers.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Runs the lab until a signal or `lab down` stops it.
pub(super) async fn foreground(global: &Global, state: &StateDir, args: &LabUp) -> Result<(), CliError> {
    refuse_a_second(state).await?;
    let signals = Signals::listen()?;
    let lab = Lab::start(config(args)).await?;
    let record = Record {
        pid: std::process::id(),
        address: lab.address(),
        url: lab.url(),
        token: lab.token().to_owned(),
        second_token: lab.second_token().to_owned(),
        state: args.state.as_ref().and_then(|dir| dir.canonicalize().ok()),
        ground: lab.ground().cloned(),
        dns: NameServers::of(&lab),
    };
    record.save(state)?;
    announce(global, &record, "Ctrl-C stops it")?;
    let outcome = lab.run(signals.cancel().clone()).await;
    Record::withdraw(state)?;
    Ok(outcome?)
}

/// Starts this program again in the background and waits until it answers.
pub(super) async fn detached(global: &Global, state: &StateDir, args: &LabUp) -> Result<(), CliError> {
    refuse_a_second(state).await?;
    let mut child = spawn(state, args)?;
    let began = Instant::now();
    let patience = if args.api_only {
        START_WITHIN
    } else {
        output::notice(
            "the first lab with hosts on a machine makes their root file system, which takes a minute",
        );
        START_HOSTS_WITHIN
    };
    loop {
        if let Some(record) = answering(state, child.id()).await {
            return announce(global, &record, "`sovereign lab down` stops it");
        }
        let ended = child.try_wait().is_ok_and(|status| status.is_some());
        if ended || began.elapsed() > patience {
            let log = std::fs::read_to_string(log_path(state)?).unwrap_or_default();
            return Err(CliError::LabDidNotStart {
                log: log.trim().trim_start_matches("error: ").to_owned(),
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn answering(state: &StateDir, pid: u32) -> Option<Record> {
    let record = Record::load(state).ok().filter(|record| record.pid == pid)?;
    LabClient::new(record.address).status().await.ok()?;
    Some(record)
}

fn spawn(state: &StateDir, args: &LabUp) -> Result<Child, CliError> {
    let path = log_path(state)?;
    let failed = |source| CliError::Write {
        path: path.clone(),
        source,
    };
    let log = std::fs::File::create(&path).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command
        .arg("--state-dir")
        .arg(state.path())
        .args(["lab", "up", "--listen"])
        .arg(args.listen.to_string());
    if args.api_only {
        command.arg("--api-only");
    } else {
        let kind = match args.hosts {
            Hosts::Container => "container",
            Hosts::Vm => "vm",
        };
        command.args(["--hosts", kind, "--cache"]).arg(&args.cache);
        for share in &args.share {
            let pair = format!("{}:{}", share.folder.display(), share.at.display());
            command.args(["--share", &pair]);
        }
    }
    if args.dns {
        command.arg("--dns");
    }
    for (vendor, customer) in &args.registrar {
        command.arg("--registrar").arg(registration(*vendor, customer));
    }
    if let Some(pool) = &args.pool {
        command.args(["--pool", pool]);
    }
    if let Some(seconds) = args.create_seconds {
        command.arg("--create-seconds").arg(seconds.to_string());
    }
    if let Some(dir) = &args.state {
        command.arg("--state").arg(dir);
    }
    if let Some(today) = args.today {
        command.arg("--today").arg(today.to_string());
    }
    if let Some(limit) = args.server_limit {
        command.arg("--server-limit").arg(limit.to_string());
    }
    if let Some(limit) = args.requests_per_hour {
        command.arg("--requests-per-hour").arg(limit.to_string());
    }
    // A group of its own: Ctrl-C on this terminal is not meant for it.
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(failed)
}

/// As it was given.
fn registration(vendor: RegistrarVendor, customer: &CustomerDomain) -> String {
    let signed = if customer.signed { "+signed" } else { "" };
    let mail = if customer.mail { "+mail" } else { "" };
    format!("{vendor}:{}{signed}{mail}", customer.name)
}

async fn refuse_a_second(state: &StateDir) -> Result<(), CliError> {
    let Ok(record) = Record::load(state) else {
        return Ok(());
    };
    match LabClient::new(record.address).status().await {
        Ok(_) => Err(CliError::LabRuns {
            address: record.address,
        }),
        Err(_) => Ok(()),
    }
}

fn config(args: &LabUp) -> LabConfig {
    let mut config = LabConfig {
        listen: args.listen,
        state: args.state.clone(),
        dns: args.dns.then(|| DnsConfig {
            registrars: args.registrar.clone(),
            pool: args.pool.clone(),
        }),
        create_seconds: args
            .create_seconds
            .unwrap_or(if args.api_only { 20.0 } else { 0.0 }),
        hosts: (!args.api_only).then(|| HostsConfig {
            cache: args.cache.clone(),
            shares: args.share.clone(),
            kind: match args.hosts {
                Hosts::Container => HostKind::Container,
                Hosts::Vm => HostKind::Vm,
            },
        }),
        ..LabConfig::default()
    };
    if let Some(today) = args.today {
        config.today = today;
    }
    if let Some(servers) = args.server_limit {
        config.limits.servers = servers;
    }
    if let Some(requests) = args.requests_per_hour {
        config.limits.requests_per_hour = requests;
    }
    config
}

fn announce(global: &Global, record: &Record, how_to_stop: &str) -> Result<(), CliError> {
    if global.json {
        return output::json_line(record);
    }
    output::notice(&format!("the lab answers at {}; {how_to_stop}", record.url));
    output::notice("point clients at it with: eval \"$(sovereign lab env)\"");
    Ok(())
}
