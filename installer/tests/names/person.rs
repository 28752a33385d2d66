//! Somebody who reads what a run says and enters by hand what it asks for.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use sovereign_lab::OwnersChange;
use tokio::sync::mpsc;

use crate::bench::{Bench, DOMAIN};
use crate::harness::Run;

/// Longest time between two lines of a run.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a run asks a person for begins so.
const ASKED: &str = "by hand: ";

/// Runs a command to its end, doing by hand what it asks for; everything that it said.
pub(crate) async fn attend(bench: &Bench, run: Run) -> String {
    let mut child = run.stdout(Stdio::piped()).spawn();
    let mut lines = lines(&mut child);
    let (mut said, mut done) = (String::new(), Vec::new());
    while let Some(line) = next(&mut lines, &said).await {
        said.push_str(&line);
        said.push('\n');
        let asked = line.split_once(ASKED).map(|(_, asked)| wanted(asked));
        if let Some(wanted) = asked.filter(|wanted| !done.contains(wanted)) {
            bench
                .lab
                .client()
                .change_domain(DOMAIN, &wanted)
                .await
                .expect("the registrar's desk is open");
            done.push(wanted);
        }
    }
    let status = tokio::task::block_in_place(|| child.wait()).expect("it ends");
    assert!(status.success(), "{said}");
    assert!(!done.is_empty(), "nothing was asked for by hand:\n{said}");
    said
}

/// The next line, if there is one.
async fn next(lines: &mut mpsc::UnboundedReceiver<String>, said: &str) -> Option<String> {
    let line = tokio::time::timeout(PATIENCE, lines.recv()).await;
    line.unwrap_or_else(|_| panic!("nothing more is said:\n{said}"))
}

fn lines(child: &mut Child) -> mpsc::UnboundedReceiver<String> {
    let stdout = child.stdout.take().expect("it is piped");
    let (told, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Name servers and DS records in what was asked for.
fn wanted(asked: &str) -> OwnersChange {
    // What was seen last comes behind the end of the text.
    let asked = asked.split('"').next().unwrap_or_default();
    let words: Vec<&str> = asked
        .split(' ')
        .map(|word| word.trim_end_matches([',', '.']))
        .collect();
    let is_host = |word: &&&str| word.starts_with("ns") && word.ends_with(".example");
    let hosts: Vec<String> = words
        .iter()
        .filter(is_host)
        .map(|host| (*host).to_owned())
        .collect();
    let ds = words.windows(6).filter_map(|words| match words {
        ["IN", "DS", tag, algorithm, kind, digest] => Some(format!("{tag} {algorithm} {kind} {digest}")),
        _ => None,
    });
    OwnersChange {
        ns: Some(hosts),
        ds: asked.contains("DS record").then(|| ds.collect()),
        locked: None,
    }
}
