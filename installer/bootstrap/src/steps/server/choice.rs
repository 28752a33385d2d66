//! Which server type and location a server may have, and which it got.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sovereign_cloud::resource::Resource;
use sovereign_core::spec::Candidate;

use crate::steps::made::Made;

/// One server type and location, with the image for its architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerChoice {
    /// Type and location.
    pub candidate: Candidate,
    /// The cloud's number of the image.
    pub image: u64,
    /// Price a month, net, where the price list says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Decimal>,
}

/// A server is not of the first choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// The first choice.
    pub wanted: Candidate,
    /// What the server costs more a month than the first choice would, net; negative if it costs less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_difference: Option<Decimal>,
}

/// A server that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeServer {
    /// The server, with its addresses, type and location.
    #[serde(flatten)]
    pub made: Made,
    /// Set if it is not of the first choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

impl MadeServer {
    pub(super) fn new(server: Resource, choices: &[ServerChoice]) -> Self {
        Self {
            fallback: fallback(&server, choices),
            made: server.into(),
        }
    }
}

fn fallback(server: &Resource, choices: &[ServerChoice]) -> Option<Fallback> {
    let is = |choice: &&ServerChoice| {
        Some(&choice.candidate.server_type) == server.flavor.as_ref()
            && Some(&choice.candidate.location) == server.location.as_ref()
    };
    let first = choices.first().filter(|first| !is(first))?;
    let got = choices.iter().find(is).and_then(|choice| choice.monthly);
    Some(Fallback {
        wanted: first.candidate.clone(),
        monthly_difference: got.zip(first.monthly).map(|(got, first)| got - first),
    })
}

/// ` (+2.00 a month)` of a choice against the first, or nothing where prices are unknown or equal.
pub(super) fn price_difference(choice: &ServerChoice, first: &ServerChoice) -> String {
    match choice.monthly.zip(first.monthly) {
        Some((here, there)) if here != there => format!(" ({:+.2} a month, net)", here - there),
        _ => String::new(),
    }
}
