//! Runs the real binary.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use sovereign_images::artifact::{Files, Origin, flux};
use sovereign_images::signature::{SigningKey, sign};
use sovereign_images::{Layout, archive};
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

    /// A kit for hosts to serve: one artifact, `kit:1.0.0`, with so many bytes that do not compress.
    pub(crate) fn kit(&self, bytes: usize) -> PathBuf {
        let layout = Layout::create(self.path().join("kit")).expect("a layout");
        let files = Files::from([
            ("kustomization.yaml".to_owned(), b"resources: []\n".to_vec()),
            ("noise".to_owned(), noise(bytes)),
        ]);
        let artifact = flux(&files, &Origin::default()).expect("an artifact");
        let (repository, tag) = ("kit".parse().expect("a name"), "1.0.0".parse().expect("a tag"));
        artifact.put(&layout, &repository, &tag).expect("it is put");
        let path = self.path().join("kit.tar");
        let file = std::fs::File::create(&path).expect("the file is made");
        archive::pack(&layout, file).expect("it is packed");
        path
    }

    /// A kit of nothing, `sovereign kit` as it is packed, and the key that it is signed by.
    pub(crate) fn signed_kit(&self) -> (PathBuf, PathBuf) {
        let layout = Layout::create(self.path().join("signed-kit")).expect("a layout");
        let manifest = serde_json::json!({
            "name": "nothing", "version": "1.0.0", "k3s": "v1.35.7+k3s1",
            "variables": {}, "secrets": [], "seeds": [], "components": [],
        });
        let files = Files::from([("kit.json".to_owned(), manifest.to_string().into_bytes())]);
        let artifact = flux(&files, &Origin::default()).expect("an artifact");
        let repository = "sovereign/kit".parse().expect("a name");
        artifact
            .put(&layout, &repository, &"1.0.0".parse().expect("a tag"))
            .expect("it is put");
        let key = SigningKey::generate();
        sign(&layout, &repository, artifact.digest(), "kit", &key).expect("it is signed");
        let path = self.path().join("signed-kit.tar");
        let file = std::fs::File::create(&path).expect("the file is made");
        archive::pack(&layout, file).expect("it is packed");
        (
            path,
            self.file("cosign.pub", &key.public().to_pem().expect("PEM")),
        )
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

/// Bytes that do not compress, always the same.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
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

    /// The run is to die at a point, or at the test's word. Its claim ends soon after; one that goes on keeps its own on a busy machine, too.
    pub(crate) fn with_a_short_claim(self) -> Self {
        self.env("SOVEREIGN_LEASE_SECONDS", "4")
    }

    /// The run dies at `point`, unless it never comes there.
    pub(crate) fn dies_at(self, point: &str) -> Self {
        self.with_a_short_claim().env("SOVEREIGN_CRASH_AT", point)
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
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

/// The last lines of a long text. A run that fails says why at its end.
fn end(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
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
            "stdout ends with:\n{}\nstderr ends with:\n{}",
            end(&self.stdout),
            end(&self.stderr)
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
