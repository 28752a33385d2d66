//! The files that hosts of a cluster get: brought along or fetched, and known by their digests.

mod brought;
mod missing;

use std::fs;
use std::path::{Path, PathBuf};

use sovereign_bootstrap::cluster::{self, KitPlan};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::k3s::Artifact;
use sovereign_core::spec::{self, SovereignSpec};
use sovereign_images::Digest;
use sovereign_images::download::{Fetched, Shelf};
use sovereign_images::kit::PackedKit;
use sovereign_images::signature::PublicKey;

use crate::cli::{HostArgs, Until};
use crate::errors::CliError;
use crate::fetch::Fetcher;
use crate::source::Source;
use crate::wiring::App;

pub(crate) use self::brought::BroughtFile;
pub(crate) use self::missing::Missing;

/// The files that hosts of a cluster get.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFiles {
    /// How far the run goes that they are for.
    goal: Until,
    k3s: BroughtFile,
    kit: BroughtFile,
    /// What is in the kit, if the run goes so far that somebody reads it and a key says whom to trust.
    read: Option<ReadKit>,
}

/// A kit that was read, and is signed by whom it should be.
#[derive(Debug, Clone)]
struct ReadKit {
    plan: KitPlan,
    /// Its name.
    name: String,
    /// The k3s release that it is made for.
    k3s: String,
}

/// Where a file is taken from.
#[derive(Debug)]
enum Origin {
    /// From where the operator says.
    Given(Source),
    /// From what was fetched for the plan that the run goes on with.
    Shelf(Fetched),
}

impl ClusterFiles {
    /// Brings each file and reads it once, for its digest; none of them if the run does not go as far as the cluster. What is not
    /// given and was fetched for the plan that is gone on with is still there.
    pub(crate) async fn load(
        app: &App,
        args: &HostArgs,
        spec: &SovereignSpec,
        before: Option<&cluster::ClusterFiles>,
    ) -> Result<Option<Self>, CliError> {
        let Some(goal) = goal(args, before.is_some()) else {
            return Ok(None);
        };
        let web = Fetcher {
            shelf: Shelf::new(app.state.artifacts()),
            global: &app.global,
        };
        let (k3s, digest) = wanted_k3s(args, spec);
        let k3s = origin(k3s.as_deref(), before.map(|files| &files.k3s), &web.shelf).await?;
        let kit = origin(args.kit.as_deref(), before.map(|files| &files.kit), &web.shelf).await?;
        let is_from_web = |origin: &Option<Origin>| matches!(origin, Some(Origin::Given(Source::Web(_))));
        let goes_in = matches!(goal, Until::Kit | Until::HandOff);
        let missing = Missing {
            k3s: k3s.is_none(),
            digest: is_from_web(&k3s) && digest.is_none(),
            kit: kit.is_none(),
            // A plan that is gone on with knows its key. What comes from the web has to be somebody's, however far it goes.
            key: args.kit_key.is_none() && (goes_in && before.is_none() || is_from_web(&kit)),
        };
        let from_web = is_from_web(&kit);
        let (Some(k3s), Some(kit), false) = (k3s, kit, missing.any()) else {
            return Err(CliError::NoClusterFiles {
                missing,
                before: before.cloned().map(Box::new),
            });
        };
        let k3s = bring_k3s(&web, k3s, digest).await?;
        let key = args.kit_key.as_deref().filter(|_| goes_in || from_web);
        let (kit, read) = bring_kit(&web, kit, key).await?;
        Ok(Some(Self { goal, k3s, kit, read }))
    }

    /// How far the run goes that they are for: to the cluster at least.
    pub(crate) fn goal(&self) -> Until {
        self.goal
    }

    /// What is in the kit, as a run reads it that brings it into a cluster.
    pub(crate) fn kit(&self) -> Result<&KitPlan, CliError> {
        self.read
            .as_ref()
            .map(|kit| &kit.plan)
            .ok_or(CliError::NoClusterFiles {
                missing: Missing {
                    key: true,
                    ..Missing::default()
                },
                before: None,
            })
    }

    /// What is worth a second look: a kit that is made for another k3s than the spec asks for.
    pub(crate) fn doubt(&self, spec: &SovereignSpec) -> Option<Finding> {
        let wanted = &spec.kubernetes.version;
        let kit = self.read.as_ref().filter(|kit| kit.k3s != *wanted)?;
        Some(Finding::new(
            Severity::Warning,
            "kit.k3s",
            "kubernetes.version",
            format!(
                "the kit `{}` is made for k3s {}, and the spec asks for {wanted}",
                kit.name, kit.k3s
            ),
            format!(
                "write `version: {}`, or take a kit that is made for {wanted}",
                kit.k3s
            ),
        ))
    }

    /// All of them.
    pub(crate) fn each(&self) -> [&BroughtFile; 2] {
        [&self.k3s, &self.kit]
    }

    /// What they are known by.
    pub(crate) fn artifacts(&self) -> cluster::ClusterFiles {
        cluster::ClusterFiles {
            k3s: self.k3s.artifact.clone(),
            kit: self.kit.artifact.clone(),
        }
    }
}

/// How far a run goes, if that is as far as the cluster: as it was told, or to the end once any of the files is given or was part of
/// the plan that it goes on with.
fn goal(args: &HostArgs, goes_on: bool) -> Option<Until> {
    match args.until {
        Some(Until::Cloud | Until::Names | Until::Hosts) => None,
        Some(until) => Some(until),
        None => {
            let given = args.k3s.is_some() || args.kit.is_some() || args.kit_key.is_some();
            (given || goes_on).then_some(Until::HandOff)
        }
    }
}

/// Where k3s is to come from, and what it has to be: as the run is told, else as the spec says.
fn wanted_k3s(args: &HostArgs, spec: &SovereignSpec) -> (Option<PathBuf>, Option<Digest>) {
    if args.k3s.is_some() {
        return (args.k3s.clone(), args.k3s_sha256);
    }
    match &spec.kubernetes.artifact {
        Some(spec::Artifact::Url { url, sha256 }) => {
            let digest = format!("sha256:{sha256}").parse().ok();
            (Some(url.into()), args.k3s_sha256.or(digest))
        }
        Some(spec::Artifact::File(path)) => (Some(path.clone()), args.k3s_sha256),
        None => (None, args.k3s_sha256),
    }
}

/// Where a file is taken from, if there is any.
async fn origin(
    given: Option<&Path>,
    before: Option<&Artifact>,
    shelf: &Shelf,
) -> Result<Option<Origin>, CliError> {
    if let Some(word) = given {
        return Ok(Some(Origin::Given(Source::of(word)?)));
    }
    let digest = before.and_then(|artifact| format!("sha256:{}", artifact.sha256).parse::<Digest>().ok());
    Ok(match digest {
        Some(digest) => shelf.find(digest).await.map(Origin::Shelf),
        None => None,
    })
}

async fn bring_k3s(
    web: &Fetcher<'_>,
    origin: Origin,
    wanted: Option<Digest>,
) -> Result<BroughtFile, CliError> {
    let k3s = match (origin, wanted) {
        (Origin::Given(Source::Web(address)), Some(digest)) => {
            BroughtFile::fetched(web.known("k3s", &address, digest).await?)?
        }
        (Origin::Given(Source::Web(_)), None) => {
            let missing = Missing {
                digest: true,
                ..Missing::default()
            };
            return Err(CliError::NoClusterFiles {
                missing,
                before: None,
            });
        }
        (Origin::Given(Source::File(path)), _) => BroughtFile::load(&path)?,
        (Origin::Shelf(fetched), _) => BroughtFile::fetched(fetched)?,
    };
    if !k3s.is_program() {
        return Err(CliError::NotK3s { path: k3s.path });
    }
    match wanted.map(|digest| digest.hex()) {
        Some(wanted) if wanted != k3s.artifact.sha256 => Err(CliError::OtherK3s {
            path: k3s.path,
            wanted,
            found: k3s.artifact.sha256,
        }),
        _ => Ok(k3s),
    }
}

/// Brings the kit and, with a key, reads it. What was fetched and is of no use is not taken from the shelf again.
async fn bring_kit(
    web: &Fetcher<'_>,
    origin: Origin,
    key: Option<&Path>,
) -> Result<(BroughtFile, Option<ReadKit>), CliError> {
    let (kit, fetched) = match origin {
        Origin::Given(Source::Web(address)) => {
            let fetched = web.latest("the kit", &address).await?;
            let digest = fetched.digest;
            (BroughtFile::fetched(fetched)?, Some(digest))
        }
        Origin::Given(Source::File(path)) => (BroughtFile::load(&path)?, None),
        Origin::Shelf(fetched) => (BroughtFile::fetched(fetched)?, None),
    };
    let read = if kit.is_tar() {
        key.map(|key| trusted(&kit.path, key)).transpose()
    } else {
        Err(CliError::NotAKit {
            path: kit.path.clone(),
        })
    };
    if let (Err(_), Some(digest)) = (&read, fetched) {
        web.shelf.forget(digest).map_err(|source| CliError::Write {
            path: kit.path.clone(),
            source,
        })?;
    }
    Ok((kit, read?))
}

/// Reads the kit, all of it, and sees whether the key signed it.
fn trusted(archive: &Path, key: &Path) -> Result<ReadKit, CliError> {
    let signer = fs::read_to_string(key).map_err(|source| CliError::Read {
        path: key.to_owned(),
        source,
    })?;
    let folder = tempfile::tempdir().map_err(|source| CliError::Write {
        path: std::env::temp_dir(),
        source,
    })?;
    let unusable = |source| CliError::UnusableKit {
        path: archive.to_owned(),
        source: Box::new(source),
    };
    let kit = PackedKit::open(archive, &folder.path().join("kit")).map_err(unusable)?;
    kit.verify(&PublicKey::from_pem(&signer)?).map_err(unusable)?;
    let manifest = kit.manifest();
    Ok(ReadKit {
        plan: KitPlan {
            digest: kit.digest().to_string(),
            signer,
        },
        name: manifest.name.clone(),
        k3s: manifest.k3s.clone(),
    })
}
