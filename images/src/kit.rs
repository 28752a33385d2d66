//! A packed kit in a layout: found, read, and its signatures checked.

use std::path::Path;

use sovereign_core::kit::{CHARTS, FILE, KitManifest, REPOSITORY, Seed};
use sovereign_core::spec::KitProfile;
use thiserror::Error;

use crate::archive::{ArchiveError, unpack};
use crate::artifact::{self, ArtifactError, Files, Limits};
use crate::digest::Digest;
use crate::layout::{Layout, LayoutError};
use crate::name::{Repository, Tag, Target};
use crate::signature::{self, PublicKey, SignatureError};

/// Why a kit cannot be used.
#[derive(Debug, Error)]
pub enum KitError {
    /// The layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The tree.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Not one kit.
    #[error("there has to be one kit in `{path}`, and there are {}: {}", found.len(), found.join(", "))]
    NotOne {
        /// The layout.
        path: String,
        /// The kits that are there.
        found: Vec<String>,
    },
    /// The tree does not hold what it should.
    #[error("the kit's `{file}` cannot be read: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

impl KitError {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Layout(error) => error.remedy(),
            Self::Archive(error) => error.remedy(),
            Self::Artifact(error) => error.remedy(),
            Self::Signature(error) => error.remedy(),
            Self::NotOne { .. } => "name the kit by its digest, or take the others away",
            Self::Unreadable { .. } => {
                "pack it again with `sovereign kit pack`, of the same version as this program"
            }
        }
    }
}

/// A packed kit.
#[derive(Debug)]
pub struct PackedKit {
    layout: Layout,
    digest: Digest,
    manifest: KitManifest,
    files: Files,
}

impl PackedKit {
    /// Takes an archive into a new layout in a folder, and reads the kit that is in it.
    pub fn open(archive: &Path, folder: &Path) -> Result<Self, KitError> {
        let unreadable = |source| LayoutError::Io {
            action: "read",
            path: archive.to_path_buf(),
            source,
        };
        let file = std::fs::File::open(archive).map_err(unreadable)?;
        Self::find(&unpack(file, folder)?)
    }

    /// The only kit of a layout.
    pub fn find(layout: &Layout) -> Result<Self, KitError> {
        let tags = layout.tags(&repository(REPOSITORY))?;
        let kits: Vec<Tag> = tags.into_iter().filter(|tag| !tag.is_of_signatures()).collect();
        let [tag] = kits.as_slice() else {
            return Err(KitError::NotOne {
                path: layout.root().display().to_string(),
                found: kits.iter().map(ToString::to_string).collect(),
            });
        };
        let found = layout.resolve(&Target::tag(&repository(REPOSITORY), tag))?;
        let digest = Digest::try_from(found.digest()).map_err(|error| KitError::Unreadable {
            file: tag.to_string(),
            why: error.to_string(),
        })?;
        Self::at(layout, digest)
    }

    /// The kit of a layout with this digest.
    pub fn at(layout: &Layout, digest: Digest) -> Result<Self, KitError> {
        let files = artifact::unpack(layout, digest, &Limits::default())?;
        let manifest = text(&files, FILE)?;
        let manifest = serde_json::from_str(manifest).map_err(|error| KitError::Unreadable {
            file: FILE.to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self {
            layout: layout.clone(),
            digest,
            manifest,
            files,
        })
    }

    /// The digest of its tree's manifest: what Flux is pinned to.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &KitManifest {
        &self.manifest
    }

    /// A file of its tree.
    pub fn file(&self, path: &str) -> Result<&str, KitError> {
        text(&self.files, path)
    }

    /// The objects of a seed, before variables are substituted.
    pub fn seed(&self, seed: &Seed, profile: KitProfile) -> Result<&str, KitError> {
        self.file(&seed.file(profile))
    }

    /// Whether a key signed the tree and every chart that it is pinned to.
    pub fn verify(&self, key: &PublicKey) -> Result<(), KitError> {
        signature::verify(&self.layout, &repository(REPOSITORY), self.digest, key)?;
        for component in &self.manifest.components {
            let Some(chart) = &component.chart else { continue };
            let unreadable = |why: String| KitError::Unreadable {
                file: FILE.to_owned(),
                why,
            };
            let digest = chart
                .parse()
                .map_err(|_| unreadable(format!("`{chart}` is no digest")))?;
            let name = format!("{CHARTS}/{}", component.name);
            let charts: Repository = name
                .parse()
                .map_err(|_| unreadable(format!("`{name}` is no repository")))?;
            self.layout.resolve(&Target::digest(&charts, digest))?;
            signature::verify(&self.layout, &charts, digest, key)?;
        }
        Ok(())
    }
}

#[expect(clippy::expect_used, reason = "given the names of this program")]
fn repository(name: &str) -> Repository {
    name.parse().expect("a repository")
}

fn text<'a>(files: &'a Files, path: &str) -> Result<&'a str, KitError> {
    let unreadable = |why: String| KitError::Unreadable {
        file: path.to_owned(),
        why,
    };
    let bytes = files
        .get(path)
        .ok_or_else(|| unreadable("it is not there".to_owned()))?;
    std::str::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use sovereign_core::kit::{Component, Membership};

    use super::*;
    use crate::artifact::{Origin, chart, flux, package};
    use crate::signature::{SigningKey, sign};

    fn pack(layout: &Layout, key: Option<&SigningKey>, version: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Chart.yaml"), "name: x\nversion: 1.0.0\n").unwrap();
        let (who, artifact) = chart(&package(folder.path()).unwrap()).unwrap();
        let charts = repository("charts/x");
        artifact.put(layout, &charts, &who.tag().unwrap()).unwrap();
        let manifest = KitManifest {
            name: "kit".to_owned(),
            version: version.to_owned(),
            k3s: "v1.35.7+k3s1".to_owned(),
            variables: std::collections::BTreeMap::new(),
            secrets: Vec::new(),
            seeds: Vec::new(),
            components: vec![Component {
                name: "x".to_owned(),
                profile: Membership::Core,
                depends_on: Vec::new(),
                chart: Some(artifact.digest().to_string()),
                proofs: Vec::new(),
            }],
        };
        let files = Files::from([(FILE.to_owned(), serde_json::to_vec(&manifest).unwrap())]);
        let tree = flux(&files, &Origin::default()).unwrap();
        tree.put(layout, &repository(REPOSITORY), &version.parse().unwrap())
            .unwrap();
        if let Some(key) = key {
            sign(layout, &repository(REPOSITORY), tree.digest(), "kit", key).unwrap();
            sign(layout, &charts, artifact.digest(), "x", key).unwrap();
        }
    }

    #[test]
    fn a_signed_kit_is_found_in_its_archive_and_trusted_by_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path().join("from")).unwrap();
        let key = SigningKey::generate();
        pack(&layout, Some(&key), "1.0.0");
        let archive = folder.path().join("kit.tar");
        crate::archive::pack(&layout, std::fs::File::create(&archive).unwrap()).unwrap();
        let kit = PackedKit::open(&archive, &folder.path().join("to")).unwrap();
        assert_eq!(kit.manifest().version, "1.0.0");
        kit.verify(&key.public()).unwrap();
        let other = kit.verify(&SigningKey::generate().public()).unwrap_err();
        assert!(
            matches!(other, KitError::Signature(SignatureError::Untrusted(..))),
            "{other}"
        );
        assert!(kit.file("nothing").is_err());
    }

    #[test]
    fn unsigned_kits_and_several_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        assert!(matches!(PackedKit::find(&layout), Err(KitError::NotOne { .. })));
        pack(&layout, None, "1.0.0");
        let kit = PackedKit::find(&layout).unwrap();
        let unsigned = kit.verify(&SigningKey::generate().public()).unwrap_err();
        assert!(
            matches!(unsigned, KitError::Signature(SignatureError::Unsigned(..))),
            "{unsigned}"
        );
        pack(&layout, None, "2.0.0");
        let error = PackedKit::find(&layout).unwrap_err().to_string();
        assert!(error.ends_with("there are 2: 1.0.0, 2.0.0"), "{error}");
    }
}
