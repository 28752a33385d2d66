//! The Sovereign spec: what the owner wants, in one short versioned document without a secret in it.
//!
//! [`parse`] reads a document and reports every problem at once, each with its place and what to do.

mod access;
mod caa;
mod dns;
mod domain;
mod fields;
mod kubernetes;
mod machine_region;
mod model;
mod node;
mod problems;
mod reach;
mod reader;
mod region;
mod registrar;
mod rules;
mod schema;

use crate::finding::{Finding, Severity};

pub use kubernetes::K3S_VERSION;
pub use model::*;
pub use problems::SpecProblems;
pub use schema::schema;

/// A document that says what it should, with what is worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The spec.
    pub spec: SovereignSpec,
    /// Warnings and notes.
    pub warnings: Vec<Finding>,
}

/// Largest document, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Reads a spec. The error holds every problem of the document, not the first.
pub fn parse(document: &str) -> Result<Parsed, SpecProblems> {
    if document.len() > MAX_BYTES {
        let message = format!(
            "the document has {} bytes; a spec has at most {MAX_BYTES}",
            document.len()
        );
        let finding = Finding::new(
            Severity::Error,
            "spec.size",
            "",
            message,
            "is this the right file?",
        );
        return Err(SpecProblems {
            findings: vec![finding],
        });
    }
    let root = node::read(document).map_err(|finding| SpecProblems {
        findings: vec![finding],
    })?;
    let mut reader = reader::Reader::default();
    let spec = fields::spec(&mut reader, &root);
    if let Some(spec) = &spec {
        rules::check(&mut reader, &root, spec);
    }
    let mut findings = reader.findings;
    findings.sort_by_key(|finding| finding.position);
    match spec {
        Some(spec) if findings.iter().all(|finding| finding.severity < Severity::Error) => Ok(Parsed {
            spec,
            warnings: findings,
        }),
        _ => Err(SpecProblems { findings }),
    }
}
