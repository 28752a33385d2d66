//! Processes that belong to the lab: they die with it, in a control group of their own, so that whoever comes after a
//! killed lab finds what is left of them.
//!
//! Each has a thread of the lab that starts it and waits for it. The thread enters the network namespace and a mount
//! namespace of its own first, and the process inherits both: its mounts go when it goes. The kernel kills the process
//! when that thread ends (`PR_SET_PDEATHSIG`), which is when the lab does. A process namespace carries that on to
//! everything the process started.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::{oneshot, watch};

use super::{HostError, control_group, namespace};

/// Moves itself into control groups, the arguments up to `--`, and becomes what follows.
const ENTER: &str =
    r#"while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@""#;
/// Becomes what follows, which dies when the thread that started it does.
const WITH_THE_LAB: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];
/// The same, and everything that it starts dies with it: a process namespace, whose first process waits for it.
const FAMILY: [&str; 8] = [
    "unshare",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-c",
    r#""$@"; exit "$?""#,
];

type Preparation = Box<dyn FnOnce() -> Result<(), HostError> + Send>;

/// A process to start.
pub(crate) struct Order {
    /// Its control group below the lab's, for example `svl3/10005`; one that no other process has.
    pub(crate) group: String,
    /// What to run and with which arguments; the program is searched for.
    pub(crate) command: Vec<OsString>,
    /// The network namespace to run in; the root namespace without.
    pub(crate) namespace: Option<String>,
    /// Mounts what the process needs, in its mount namespace, before it starts.
    pub(crate) prepare: Option<Preparation>,
    /// Whether it starts others that have to die with it.
    pub(crate) family: bool,
    /// Variables of its environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Takes what it prints; appended to.
    pub(crate) output: PathBuf,
}

impl Order {
    /// Runs `command` in the root namespace.
    pub(crate) fn new<I, A>(group: impl Into<String>, output: impl Into<PathBuf>, command: I) -> Self
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString>,
    {
        Self {
            group: group.into(),
            command: command.into_iter().map(Into::into).collect(),
            namespace: None,
            prepare: None,
            family: false,
            variables: Vec::new(),
            output: output.into(),
        }
    }

    /// Runs in a named network namespace.
    pub(crate) fn within(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Mounts first.
    pub(crate) fn after(mut self, prepare: impl FnOnce() -> Result<(), HostError> + Send + 'static) -> Self {
        self.prepare = Some(Box::new(prepare));
        self
    }

    /// Everything it starts dies with it, however it ends.
    pub(crate) fn with_family(mut self) -> Self {
        self.family = true;
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn with_variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn start(self) -> Result<Child, HostError> {
        if let Some(name) = &self.namespace {
            namespace::enter(name)?;
        }
        if let Some(prepare) = self.prepare {
            own_mounts()?;
            prepare()?;
        }
        let output = File::options().create(true).append(true).open(&self.output);
        let failed = HostError::system(format!("open {}", self.output.display()));
        let output = output.map_err(failed)?;
        let groups = control_group::make(&self.group)?;
        let name = self.command.first().cloned().unwrap_or_default();
        let errors = output
            .try_clone()
            .map_err(HostError::system("share the output"))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", ENTER, "lab"])
            .args(groups)
            .arg("--")
            .args(WITH_THE_LAB);
        if self.family {
            command.args(FAMILY).arg("lab");
        }
        command
            .args(self.command)
            .envs(self.variables)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(HostError::system(format!("start {}", name.display())))
    }
}

/// Mounts made from now on by this thread and its children are seen by nobody else.
fn own_mounts() -> Result<(), HostError> {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(None::<&str>, "/", None::<&str>, private, None::<&str>))
        .map_err(|errno| HostError::system("make a mount namespace")(errno.into()))
}

/// A process that runs; it is killed when this is dropped.
pub(crate) struct Kept {
    pid: Pid,
    group: String,
    /// Locked while the process is reaped or signalled: its number may be another's afterwards.
    reaped: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} {})", self.group, self.pid)
    }
}

impl Kept {
    /// Starts a process and a thread that waits for it.
    pub(crate) async fn start(order: Order) -> Result<Self, HostError> {
        let (started, outcome) = oneshot::channel();
        let (announce, ended) = watch::channel(None);
        let reaped = Arc::new(Mutex::new(false));
        let group = order.group.clone();
        let lock = reaped.clone();
        let thread = std::thread::Builder::new().name(group.clone());
        let body = move || keep(order, &lock, started, &announce);
        thread.spawn(body).map_err(HostError::system("start a thread"))?;
        let pid = outcome
            .await
            .map_err(|_| HostError::system("start a process")(std::io::Error::other("its thread ended")))??;
        Ok(Self {
            pid,
            group,
            reaped,
            ended,
        })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        self.signal_descendant(0, signal);
    }

    /// Sends a signal to its only child, that one's only child, and so on, so many generations down.
    pub(crate) fn signal_descendant(&self, generations: usize, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if *reaped {
            return;
        }
        if let Some(pid) = self.descendant(generations) {
            // It may have ended a moment ago, which is as good.
            let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        }
    }

    /// Its only child, that one's only child, and so on, so many generations down.
    pub(crate) fn descendant(&self, generations: usize) -> Option<u32> {
        (0..generations).try_fold(self.pid(), |pid, _| {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
    }

    /// Waits for its end; what was left of its control group is gone then, too.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await;
        status
            .ok()
            .and_then(|status| *status)
            .unwrap_or_else(|| ExitStatus::from_raw(Signal::SIGKILL as i32))
    }

    /// Ends it at once and waits until it has.
    pub(crate) async fn kill(&self) {
        self.signal(Signal::SIGKILL);
        self.ended().await;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

fn keep(
    order: Order,
    reaped: &Mutex<bool>,
    started: oneshot::Sender<Result<Pid, HostError>>,
    announce: &watch::Sender<Option<ExitStatus>>,
) {
    let group = order.group.clone();
    let mut child = match order.start() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let pid = Pid::from_raw(child.id().cast_signed());
    let _ = started.send(Ok(pid));
    // Waits without reaping, so that the number stays the process's until nobody signals it.
    let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
    let mut reaped = reaped.lock().unwrap_or_else(PoisonError::into_inner);
    let status = child.wait().unwrap_or_default();
    *reaped = true;
    drop(reaped);
    control_group::remove(&group);
    announce.send_replace(Some(status));
}
