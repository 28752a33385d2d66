//! Short-lived programs: run, wait, and say what they said when they fail.

use std::ffi::OsStr;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::HostError;

/// Most characters of a program's complaint that are passed on.
const TAIL: usize = 2_000;

/// Runs a program to its end and returns what it printed.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String, HostError> {
    feed(program, arguments, "").await
}

/// The same, with a text on its standard input.
pub(crate) async fn feed<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
    input: &str,
) -> Result<String, HostError> {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let said = described(&command);
    let failed = |source| HostError::system(format!("run `{said}`"))(source);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early says so itself.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let complaint = text(&output.stderr);
    let complaint = complaint.trim();
    let start = complaint
        .char_indices()
        .rev()
        .nth(TAIL)
        .map_or(0, |(index, _)| index);
    Err(HostError::Command {
        command: said,
        said: format!("{} ({})", &complaint[start..], output.status),
    })
}

fn described(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
