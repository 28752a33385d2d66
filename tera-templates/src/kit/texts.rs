//! The files of a kit as they are written: embedded in this program, or in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sovereign_core::finding::{Finding, Severity};

/// The kit in this program.
static DEFAULT: Dir = include_dir!("$CARGO_MANIFEST_DIR/kit");

/// The kit's own file.
pub(super) const KIT_FILE: &str = "kit.yaml";
/// The folder of its components.
pub(super) const COMPONENTS: &str = "components";
/// A file beside `kit.yaml` that says what the charts were when the kit was packed.
pub const LOCK_FILE: &str = "kit.lock.yaml";

/// Files of a kit by name: `kit.yaml`, and `name` for `components/name.yaml`.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) kit: Option<String>,
    pub(super) lock: Option<String>,
    pub(super) components: BTreeMap<String, String>,
}

/// Those in this program.
pub(super) fn embedded() -> Texts {
    let text = |path: &str| {
        DEFAULT
            .get_file(path)
            .and_then(|file| file.contents_utf8())
            .map(str::to_owned)
    };
    let folder = DEFAULT.get_dir(COMPONENTS);
    let components = folder.into_iter().flat_map(Dir::files).filter_map(|file| {
        let name = file.path().file_stem()?.to_str()?;
        Some((name.to_owned(), file.contents_utf8()?.to_owned()))
    });
    Texts {
        kit: text(KIT_FILE),
        lock: text(LOCK_FILE),
        components: components.collect(),
    }
}

/// Those in a folder.
pub(super) fn in_folder(folder: &Path) -> Result<Texts, Vec<Finding>> {
    let mut problems = Vec::new();
    let mut texts = Texts {
        kit: text_of(&folder.join(KIT_FILE), &mut problems),
        ..Texts::default()
    };
    if folder.join(LOCK_FILE).exists() {
        texts.lock = text_of(&folder.join(LOCK_FILE), &mut problems);
    }
    let components = folder.join(COMPONENTS);
    if components.is_dir() {
        for path in files_of(&components, &mut problems) {
            match (path.file_stem().and_then(|name| name.to_str()), path.extension()) {
                (Some(name), Some(extension)) if extension == "yaml" => {
                    texts
                        .components
                        .extend(text_of(&path, &mut problems).map(|text| (name.to_owned(), text)));
                }
                _ => problems.push(error(
                    "kit.file",
                    &path.display().to_string(),
                    "it is no component's file",
                    format!("name it `<component>.yaml`, or move it out of `{COMPONENTS}`"),
                )),
            }
        }
    }
    if problems.is_empty() {
        Ok(texts)
    } else {
        Err(problems)
    }
}

fn files_of(folder: &Path, problems: &mut Vec<Finding>) -> BTreeSet<PathBuf> {
    let read = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    read.unwrap_or_else(|cause| {
        problems.push(unreadable(folder, &cause));
        BTreeSet::new()
    })
}

fn text_of(path: &Path, problems: &mut Vec<Finding>) -> Option<String> {
    fs::read_to_string(path)
        .map_err(|cause| problems.push(unreadable(path, &cause)))
        .ok()
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Finding {
    error(
        "kit.read",
        &path.display().to_string(),
        format!("cannot be read: {cause}"),
        format!("a kit is a folder with `{KIT_FILE}` and `{COMPONENTS}/<name>.yaml`"),
    )
}

/// A problem that has to be mended.
pub(super) fn error(
    code: &str,
    path: &str,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding::new(Severity::Error, code, path, message, remedy)
}
