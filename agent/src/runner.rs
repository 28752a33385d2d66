//! Commands of the host.

use std::fmt;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncWriteExt as _;
use tokio::process;

use crate::fault::Fault;

/// Most commands end at once; the longest a healthy host may take.
const USUAL: Duration = Duration::from_mins(1);
/// Lines of a failed command that travel with its fault.
const LOG_LINES: usize = 20;
/// A service manager's path, wherever the agent was started from.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command line; never holds a secret, since every user of the host can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Name of the program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it reads on its standard input.
    pub stdin: Option<Vec<u8>>,
    /// Longest time it may take.
    pub limit: Duration,
}

impl Command {
    /// `program args..`, with nothing to read and a minute to end.
    pub fn new(program: &str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            stdin: None,
            limit: USUAL,
        }
    }

    /// The same with another limit.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// What it wrote.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Output {
    /// The command said that all is well.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }

    /// Last lines of what it complained about, or of what it wrote if it did not complain.
    pub fn last_lines(&self) -> Vec<String> {
        let text = if self.stderr.trim().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let from = lines.len().saturating_sub(LOG_LINES);
        lines[from..].iter().map(|&line| line.to_owned()).collect()
    }
}

/// Runs commands.
#[async_trait(?Send)]
pub trait Runner: fmt::Debug {
    /// Runs `command` to its end, whatever that is. Fails only if it cannot be started or does not end in time.
    async fn run(&self, command: &Command) -> Result<Output, Fault>;
}

/// Runs `command` and takes any status but 0 for a fault.
pub async fn must(runner: &dyn Runner, command: &Command, remedy: &str) -> Result<Output, Fault> {
    let output = runner.run(command).await?;
    if output.success() {
        return Ok(output);
    }
    let log = output.last_lines();
    let said = log
        .last()
        .map_or_else(|| "it said nothing".to_owned(), Clone::clone);
    Err(Fault::new(format!("`{command}` failed: {said}"), remedy).with_log(log))
}

/// The host's own commands.
#[derive(Debug, Clone, Copy)]
pub struct HostRunner;

#[async_trait(?Send)]
impl Runner for HostRunner {
    async fn run(&self, command: &Command) -> Result<Output, Fault> {
        let ended = tokio::time::timeout(command.limit, spawn(command)).await;
        match ended {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Err(Fault::new(
                format!("there is no `{}` on this host", command.program),
                format!("put the package with `{}` into the image", command.program),
            )),
            Ok(Err(error)) => Err(Fault::io("running", &command.to_string(), &error)),
            Err(_) => Err(Fault::new(
                format!("`{command}` did not end within {} s", command.limit.as_secs()),
                "see what it waits for: `systemctl list-jobs` and `journalctl -b` on the host",
            )),
        }
    }
}

async fn spawn(command: &Command) -> io::Result<Output> {
    let stdin = if command.stdin.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let mut child = process::Command::new(&command.program)
        .args(&command.args)
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        // The service manager's own variables are for the agent alone.
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .env_remove("WATCHDOG_PID")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let (Some(bytes), Some(mut pipe)) = (&command.stdin, child.stdin.take()) {
        pipe.write_all(bytes).await?;
    }
    let output = child.wait_with_output().await?;
    Ok(Output {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
