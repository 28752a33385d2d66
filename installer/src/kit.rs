//! A kit on this machine: read, and looked into as far as that goes without a network.

pub(crate) mod auth;
pub(crate) mod helm;
pub(crate) mod key;
pub(crate) mod pack;

use std::path::Path;

use sovereign_core::finding::{Finding, Severity};
use sovereign_images::artifact;
use sovereign_templates::kit::{self, Chart, ChartContent, Charts, Kit, Rendering};

use self::helm::Helm;
use crate::errors::CliError;

/// The kit in a folder, or the one in this program.
pub(crate) fn load(folder: Option<&Path>) -> Result<Kit, CliError> {
    let kit = match folder {
        Some(folder) => Kit::read(folder),
        None => Kit::standard(),
    };
    kit.map_err(|findings| CliError::Kit { findings })
}

/// What a kit is rendered to. Charts in folders are rendered, too, where helm is there; others are not fetched.
pub(crate) fn render(kit: &Kit) -> Result<Rendering, CliError> {
    render_with(kit, &charts_in_folders(kit)?)
}

/// What a kit is rendered to with these charts.
pub(crate) fn render_with(kit: &Kit, charts: &Charts) -> Result<Rendering, CliError> {
    kit::render(kit, charts).map_err(|why| CliError::KitUnwritable { why })
}

/// Refuses a kit with errors.
pub(crate) fn accept(findings: Vec<Finding>) -> Result<(), CliError> {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    if findings.iter().any(is_error) {
        return Err(CliError::Kit { findings });
    }
    Ok(())
}

fn charts_in_folders(kit: &Kit) -> Result<Charts, CliError> {
    let Some(helm) = Helm::find() else {
        return Ok(Charts::new());
    };
    let mut charts = Charts::new();
    for component in &kit.components {
        if let Some(Chart::Path { path }) = &component.file.chart {
            let tgz = artifact::package(path)?;
            let content = ChartContent {
                digest: None,
                objects: helm.render(kit, component, &tgz)?,
            };
            charts.insert(component.name.clone(), content);
        }
    }
    Ok(charts)
}
