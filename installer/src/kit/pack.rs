//! From a kit to one signed file that holds all that Flux reconciles.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sovereign_core::kit::{CHARTS, REGISTRY, REPOSITORY};
use sovereign_images::artifact::{self, Origin};
use sovereign_images::client::{Client, Options};
use sovereign_images::signature::{self, SigningKey};
use sovereign_images::{Digest, Layout, Reference, Repository, Tag, Target, archive};
use sovereign_templates::kit::{
    Chart, ChartContent, Charts, Component, Kit, LOCK_FILE, Lock, lint, write_yaml,
};

use super::helm::{Helm, HelmError};
use super::{accept, auth, key, render_with};
use crate::cli::KitPack;
use crate::errors::CliError;

/// What was packed.
#[derive(Debug, Serialize)]
pub(crate) struct Packed {
    /// Name of the kit.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Digest of its tree: what Flux is pinned to.
    pub(crate) digest: Digest,
    /// The file.
    pub(crate) archive: PathBuf,
    /// Its bytes.
    pub(crate) bytes: u64,
    /// Digest of the file.
    pub(crate) sha256: Digest,
    /// The file that says what every chart was.
    pub(crate) lock: PathBuf,
    /// The charts.
    pub(crate) charts: Vec<PackedChart>,
}

/// A chart that was packed, or rendered and left out.
#[derive(Debug, Serialize)]
pub(crate) struct PackedChart {
    /// The component.
    pub(crate) component: String,
    /// Its version.
    pub(crate) version: String,
    /// Digest of its manifest.
    pub(crate) digest: Digest,
    /// Its bytes, packaged.
    pub(crate) bytes: u64,
    /// Whether it is only in the tree, as plain objects.
    pub(crate) rendered: bool,
}

/// Packs a kit.
pub(crate) async fn pack(kit: &Kit, args: &KitPack) -> Result<Packed, CliError> {
    let helm = Helm::find().ok_or(HelmError::Missing)?;
    let key = args.key.key.as_deref().map(key::read).transpose()?;
    let folder = tempfile::tempdir().map_err(|source| HelmError::Folder { source })?;
    let mut packer = Packer {
        kit,
        helm,
        client: client(args)?,
        layout: Layout::create(folder.path())?,
        charts: Charts::new(),
        lock: Lock::default(),
        packed: Vec::new(),
    };
    for component in &kit.components {
        packer.chart(component).await?;
    }
    let tree = packer.tree()?;
    let key = match (key, &args.key.generate_key) {
        (Some(key), _) => key,
        (None, Some(folder)) => key::generate(folder)?,
        (None, None) => return Err(CliError::NoKey),
    };
    packer.sign(tree, &key)?;
    let (bytes, sha256) = write_archive(&packer.layout, &args.out)?;
    let lock = args.out.with_file_name(LOCK_FILE);
    write_lock(&packer.lock, &lock)?;
    Ok(Packed {
        name: kit.name.clone(),
        version: kit.version.clone(),
        digest: tree,
        archive: args.out.clone(),
        bytes,
        sha256,
        lock,
        charts: packer.packed,
    })
}

fn client(args: &KitPack) -> Result<Client, CliError> {
    let ca_pem = args.ca.as_ref().map(|path| {
        std::fs::read_to_string(path).map_err(|source| CliError::Read {
            path: path.clone(),
            source,
        })
    });
    let credentials = args.auth.as_deref().map(auth::read).transpose()?;
    Ok(Client::new(Options {
        ca_pem: ca_pem.transpose()?,
        credentials: credentials.unwrap_or_default(),
        ..Options::default()
    })?)
}

struct Packer<'a> {
    kit: &'a Kit,
    helm: Helm,
    client: Client,
    layout: Layout,
    charts: Charts,
    lock: Lock,
    packed: Vec<PackedChart>,
}

impl Packer<'_> {
    /// Brings a component's chart into the layout and renders it. The chart of a seed does not stay: its objects are in
    /// the tree.
    async fn chart(&mut self, component: &Component) -> Result<(), CliError> {
        let name = &component.name;
        let repository: Repository = format!("{CHARTS}/{name}").parse()?;
        let (digest, target) = match &component.file.chart {
            None => return Ok(()),
            Some(Chart::Path { path }) => {
                let (chart, artifact) = artifact::chart(&artifact::package(path)?)?;
                let tag = chart.tag()?;
                artifact.put(&self.layout, &repository, &tag)?;
                (artifact.digest(), Target::tag(&repository, &tag))
            }
            Some(Chart::Oci { oci, version, digest }) => {
                let tag = Tag::of_version(version)?;
                let mut reference: Reference = format!("{oci}:{tag}").parse()?;
                if let Some(digest) = digest {
                    reference = reference.pinned(digest.parse()?);
                }
                let target = Target::tag(&repository, &tag);
                tracing::info!(component = %name, %reference, "fetching the chart");
                let found = self
                    .client
                    .pull(&reference, &self.layout, &target, &|_| ())
                    .await?;
                let digest = Digest::try_from(found.digest())?;
                self.lock
                    .charts
                    .insert(name.clone(), reference.pinned(digest).to_string());
                (digest, target)
            }
        };
        let tgz = artifact::content(&self.layout, digest)?;
        let (chart, _) = artifact::chart(&tgz)?;
        let content = ChartContent {
            digest: Some(digest.to_string()),
            objects: self.helm.render(self.kit, component, &tgz)?,
        };
        self.charts.insert(name.clone(), content);
        if component.file.seed {
            self.layout.remove(&target)?;
        }
        self.packed.push(PackedChart {
            component: name.clone(),
            version: chart.version,
            digest,
            bytes: tgz.len() as u64,
            rendered: component.file.seed,
        });
        Ok(())
    }

    /// Renders the tree, with a last look at all of it, and puts it into the layout.
    fn tree(&self) -> Result<Digest, CliError> {
        let rendering = render_with(self.kit, &self.charts)?;
        accept(lint(self.kit, &rendering))?;
        let files = rendering
            .files
            .into_iter()
            .map(|(path, text)| (path, text.into_bytes()));
        let origin = Origin {
            source: format!("https://{REGISTRY}/{REPOSITORY}"),
            revision: self.kit.version.clone(),
            created: None,
        };
        let tree = artifact::flux(&files.collect(), &origin)?;
        tree.put(
            &self.layout,
            &REPOSITORY.parse()?,
            &Tag::of_version(&self.kit.version)?,
        )?;
        Ok(tree.digest())
    }

    fn sign(&self, tree: Digest, key: &SigningKey) -> Result<(), CliError> {
        let mut all = BTreeMap::from([(REPOSITORY.to_owned(), tree)]);
        let charts = self.packed.iter().filter(|chart| !chart.rendered);
        all.extend(charts.map(|chart| (format!("{CHARTS}/{}", chart.component), chart.digest)));
        for (repository, digest) in all {
            let claimed = format!("{REGISTRY}/{repository}");
            signature::sign(&self.layout, &repository.parse()?, digest, &claimed, key)?;
        }
        Ok(())
    }
}

/// Writes beside and renames: there is never half a kit.
fn write_archive(layout: &Layout, out: &Path) -> Result<(u64, Digest), CliError> {
    let failed = |source: io::Error| CliError::Write {
        path: out.to_owned(),
        source,
    };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    archive::pack(layout, BufWriter::new(file.as_file_mut()))?;
    file.as_file().sync_all().map_err(failed)?;
    let (sha256, bytes) = File::open(file.path())
        .and_then(|mut file| Digest::of_reader(&mut file))
        .map_err(failed)?;
    file.persist(out).map_err(|error| failed(error.error))?;
    Ok((bytes, sha256))
}

fn write_lock(lock: &Lock, path: &Path) -> Result<(), CliError> {
    let unwritable = |why: String| CliError::KitUnwritable { why };
    let value = serde_json::to_value(lock).map_err(|error| unwritable(error.to_string()))?;
    let text = write_yaml([&value]).map_err(unwritable)?;
    std::fs::write(path, text).map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}
