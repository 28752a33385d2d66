//! Files in memory, by path.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{ArtifactError, Limits};

/// Content by path: relative, parts divided by `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Path parts that mean what they say on every system.
pub(super) fn is_safe(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    path.split('/').all(part)
}

/// The files of a folder and its folders. Links are refused: what they point at may be another thing elsewhere.
pub fn from_folder(folder: &Path, limits: &Limits) -> Result<Files, ArtifactError> {
    let mut files = Files::new();
    collect(folder, "", limits, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, under: &str, limits: &Limits, files: &mut Files) -> Result<(), ArtifactError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ArtifactError::Read { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed(&path))?;
        let name = format!("{under}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), limits, files)?;
        } else if kind.is_file() {
            let content = fs::read(&path).map_err(failed(&path))?;
            files.insert(name, content);
            limits.hold(files)?;
        } else {
            return Err(ArtifactError::NotAFile(name));
        }
    }
    Ok(())
}
