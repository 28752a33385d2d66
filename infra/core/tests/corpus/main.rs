//! Every wrong document of `wrong/` against the whole text its author gets; every example of the project is right.
//!
//! `UPDATE_EXPECT=1 cargo test -p sovereign-core --test corpus` writes the texts anew; read them before you commit them.

#![allow(clippy::expect_used, reason = "a test stops at its first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sovereign_core::spec;

fn documents(dir: &str) -> Vec<(PathBuf, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let entries = fs::read_dir(dir).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(&path).expect("UTF-8"));
    paths.into_iter().map(read).collect()
}

/// The document as editors see it; `None` where it is no YAML at all.
fn as_json(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

#[test]
fn every_wrong_document_gets_its_whole_text() {
    let documents = documents("tests/corpus/wrong");
    assert!(documents.len() >= 60, "{} documents", documents.len());
    let mut differ = Vec::new();
    for (path, text) in documents {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let Err(problems) = spec::parse(&text) else {
            differ.push(format!("{name} is accepted"));
            continue;
        };
        let says = format!("{}\n", problems.render(&text, name).trim_end());
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &says).expect("the text is written");
        }
        if fs::read_to_string(&expected).unwrap_or_default() != says {
            differ.push(format!("{name} says:\n{says}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn every_example_is_right_for_the_parser_and_for_editors() {
    let schema = jsonschema::validator_for(&spec::schema()).expect("the schema is one");
    let examples = documents("../../examples");
    assert!(examples.len() >= 5, "{} examples", examples.len());
    for (path, text) in examples {
        let parsed = spec::parse(&text);
        assert!(parsed.is_ok(), "{}: {parsed:?}", path.display());
        let document = as_json(&text).expect("YAML");
        let problems: Vec<String> = schema
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{}: {problems:?}", path.display());
    }
}

/// The schema is looser than the parser and never stricter: what it refuses, the parser refuses too.
#[test]
fn the_schema_sees_the_plain_mistakes() {
    let schema = jsonschema::validator_for(&spec::schema()).expect("the schema is one");
    let wrong = documents("tests/corpus/wrong");
    let seen = wrong
        .iter()
        .filter(|(_, text)| as_json(text).is_some_and(|document| !schema.is_valid(&document)));
    assert!(seen.count() >= 30, "an editor shows at least the plain ones");
}
