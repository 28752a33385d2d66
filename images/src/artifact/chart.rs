//! Helm charts as artifacts.

use std::path::Path;

use serde_json::Value;

use crate::canonical;
use crate::name::{BadName, Tag};

use super::{Artifact, ArtifactError, Limits, described, from_folder, media, tarball};

/// Who a chart says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Chart {
    /// The tag that Helm asks for it by.
    pub fn tag(&self) -> Result<Tag, BadName> {
        Tag::of_version(&self.version)
    }
}

/// A packaged chart (`.tgz`) as an artifact, and who it says it is.
pub fn chart(tgz: &[u8]) -> Result<(Chart, Artifact), ArtifactError> {
    let metadata = metadata(tgz)?;
    let text = |key: &str| metadata[key].as_str().map(str::to_owned);
    let need =
        |key: &str| text(key).ok_or_else(|| ArtifactError::NoChart(format!("`Chart.yaml` has no `{key}`")));
    let chart = Chart {
        name: need("name")?,
        version: need("version")?,
    };
    let annotations = [
        ("title", Some(chart.name.clone())),
        ("version", Some(chart.version.clone())),
        ("description", text("description")),
    ];
    let annotations = annotations
        .into_iter()
        .filter_map(|(name, value)| Some((format!("org.opencontainers.image.{name}"), value?)));
    let artifact = Artifact::new(
        (media::HELM_CONFIG, canonical::json(&metadata)),
        vec![(described(media::HELM_CONTENT, tgz), tgz.to_vec())],
        annotations,
    );
    Ok((chart, artifact))
}

/// Packages a chart's folder (`.tgz`): all its files, always the same bytes. The charts it depends on have to be in its
/// folder `charts`.
pub fn package(folder: &Path) -> Result<Vec<u8>, ArtifactError> {
    let files = from_folder(folder, &Limits::default())?;
    let none = |why: &str| ArtifactError::NoChart(format!("`{}/Chart.yaml` {why}", folder.display()));
    let own = files.get("Chart.yaml").ok_or_else(|| none("is not there"))?;
    let own: Value =
        serde_saphyr::from_str(&String::from_utf8_lossy(own)).map_err(|error| none(&error.to_string()))?;
    let name = own["name"].as_str().ok_or_else(|| none("has no `name`"))?;
    let files = files
        .into_iter()
        .map(|(path, content)| (format!("{name}/{path}"), content));
    Ok(tarball::write(&files.collect())?.0)
}

fn metadata(tgz: &[u8]) -> Result<Value, ArtifactError> {
    let files = tarball::read(tgz, &Limits::default())?;
    let is_own = |path: &&String| path.ends_with("/Chart.yaml") && path.matches('/').count() == 1;
    let mut own = files.keys().filter(is_own);
    let (Some(path), None) = (own.next(), own.next()) else {
        return Err(ArtifactError::NoChart(
            "it has not one `<name>/Chart.yaml`".to_owned(),
        ));
    };
    let text = String::from_utf8_lossy(&files[path]);
    serde_saphyr::from_str(&text).map_err(|error| ArtifactError::NoChart(format!("`{path}`: {error}")))
}
