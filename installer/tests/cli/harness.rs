//! Runs the real binary.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A place of its own for the installer's state and the test's files.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("the file is written");
        path
    }

    /// A run of the program in this place.
    pub(crate) fn sovereign<I, T>(&self, args: I) -> Run
    where
        I: IntoIterator<Item = T>,
        T: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sovereign"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .env("SOVEREIGN_STATE_DIR", self.state())
            // Servers of these stories are records: nobody on them answers, and nobody runs the agent.
            .env("SOVEREIGN_UNTIL", "cloud")
            .env("SOVEREIGN_AGENT", "/bin/true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Run { command, stdin: None }
    }
}

/// A run of the program that has not begun.
#[must_use]
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    stdin: Option<String>,
}

impl Run {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self.command.stdin(Stdio::piped());
        self
    }

    pub(crate) fn spawn(mut self) -> Child {
        let mut child = self.command.spawn().expect("the program starts");
        if let Some(text) = self.stdin {
            let mut stdin = child.stdin.take().expect("stdin is piped");
            stdin.write_all(text.as_bytes()).expect("stdin is read");
        }
        child
    }

    /// Waits for the end. A lab in this process goes on answering meanwhile.
    pub(crate) fn ends(self) -> Ended {
        let output = tokio::task::block_in_place(|| self.spawn().wait_with_output());
        Ended::of(&output.expect("the program ends"))
    }

    pub(crate) fn success(self) -> Ended {
        self.exits(0)
    }

    pub(crate) fn exits(self, code: i32) -> Ended {
        self.ends().exited(code)
    }
}

/// A run of the program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
        }
    }

    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// Standard output as one JSON document a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}
