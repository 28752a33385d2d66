//! Helm, as a program: nothing else renders its charts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sovereign_templates::kit::{Component, Kit, Size, read_yaml, write_yaml};
use thiserror::Error;

/// Where helm is, when it is not on the path.
const VARIABLE: &str = "SOVEREIGN_HELM";

/// Why a chart is not rendered.
#[derive(Debug, Error)]
pub(crate) enum HelmError {
    #[error("there is no helm to render charts with")]
    Missing,
    #[error("`{}` cannot be run", program.display())]
    Run { program: PathBuf, source: io::Error },
    #[error("cannot prepare a folder for helm")]
    Folder { source: io::Error },
    #[error("helm does not render the chart of `{component}`: {said}")]
    Refused { component: String, said: String },
    #[error("what helm made of the chart of `{component}` cannot be read: {why}")]
    Unreadable { component: String, why: String },
    #[error("the chart of `{component}` is another one at every rendering")]
    Random { component: String },
}

impl HelmError {
    /// What to do next.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Missing => "install helm 4, or say where it is with `SOVEREIGN_HELM`",
            Self::Run { .. } => "`SOVEREIGN_HELM` names a program that runs on this machine",
            Self::Folder { .. } => "look at the folder for temporary files and its disk",
            Self::Refused { .. } => {
                "look at the component's values; `helm show values` lists what its chart takes"
            }
            Self::Unreadable { .. } => "render the chart by hand with `helm template` and look at it",
            Self::Random { .. } => {
                "switch off in its values what it makes up, such as certificates; a seed is rendered once"
            }
        }
    }
}

/// The program.
#[derive(Debug, Clone)]
pub(crate) struct Helm {
    program: PathBuf,
}

impl Helm {
    /// The one that the environment names, or the one on the path.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        let program = named.map(PathBuf::from).or_else(on_path)?;
        Some(Self { program })
    }

    /// What a chart is rendered to, in every size that the component has.
    pub(crate) fn render(
        &self,
        kit: &Kit,
        component: &Component,
        tgz: &[u8],
    ) -> Result<BTreeMap<Size, Vec<Value>>, HelmError> {
        let folder = tempfile::tempdir().map_err(|source| HelmError::Folder { source })?;
        let mut objects = BTreeMap::new();
        for &size in component.sizes() {
            let job = Job {
                helm: self,
                folder: folder.path(),
                kit,
                component,
            };
            let text = job.run(tgz, size)?;
            if component.file.seed && text != job.run(tgz, size)? {
                return Err(HelmError::Random {
                    component: component.name.clone(),
                });
            }
            let read = read_yaml(&text).map_err(|why| HelmError::Unreadable {
                component: component.name.clone(),
                why,
            })?;
            objects.insert(size, read);
        }
        Ok(objects)
    }
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("helm"));
    places.find(|place| place.is_file())
}

struct Job<'a> {
    helm: &'a Helm,
    folder: &'a Path,
    kit: &'a Kit,
    component: &'a Component,
}

impl Job<'_> {
    fn run(&self, tgz: &[u8], size: Size) -> Result<String, HelmError> {
        let (chart, values) = (self.folder.join("chart.tgz"), self.folder.join("values.yaml"));
        let text = write_yaml([&self.component.values(size)]).map_err(|why| self.refused(why))?;
        std::fs::write(&chart, tgz)
            .and_then(|()| std::fs::write(&values, text))
            .map_err(|source| HelmError::Folder { source })?;
        let output = self
            .command(&chart, &values)
            .output()
            .map_err(|source| HelmError::Run {
                program: self.helm.program.clone(),
                source,
            })?;
        if !output.status.success() {
            return Err(self.refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Helm with nothing of this machine's: no plugins, caches or clusters.
    fn command(&self, chart: &Path, values: &Path) -> Command {
        let (name, file) = (&self.component.name, &self.component.file);
        let mut command = Command::new(&self.helm.program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder)
            .args(["template", name, "--include-crds", "--namespace", &file.namespace])
            .args([
                "--kube-version",
                self.kit.k3s.split('+').next().unwrap_or_default(),
            ])
            .arg("--values")
            .arg(values)
            .arg(chart);
        command
    }

    fn refused(&self, said: String) -> HelmError {
        HelmError::Refused {
            component: self.component.name.clone(),
            said,
        }
    }
}
