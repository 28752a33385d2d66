//! Which Kubernetes, from where.

use super::reader::{At, Reader};
use super::{Artifact, Kubernetes};

/// The k3s version a spec gets that names none: the one that the standard kit is made for.
pub const K3S_VERSION: &str = "v1.35.7+k3s1";

pub(super) fn kubernetes(reader: &mut Reader, root: &At<'_>) -> Option<Kubernetes> {
    let Some(at) = root.get("kubernetes") else {
        return Some(Kubernetes {
            version: K3S_VERSION.to_owned(),
            artifact: None,
        });
    };
    reader.keys(&at, &["version", "artifact"])?;
    let version = match at.get("version") {
        Some(at) => version(reader, &at),
        None => Some(K3S_VERSION.to_owned()),
    };
    let artifact = match at.get("artifact") {
        Some(at) => Some(artifact(reader, &at)?),
        None => None,
    };
    Some(Kubernetes {
        version: version?,
        artifact,
    })
}

fn version(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once("+k3s"));
    let number = |part: &str| part.parse::<u32>().ok();
    let minor = parts.and_then(|(version, build)| {
        let mut numbers = version.split('.').map(number);
        let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
        (major == 1 && numbers.next().is_none() && patch < 100 && number(build)? > 0).then_some(minor)
    });
    match minor {
        Some(minor) if minor >= 32 => Some(text.to_owned()),
        Some(_) => {
            reader.error(
                at,
                "kubernetes.old",
                format!("`{text}` no longer gets fixes"),
                format!("use v1.32 or later, for example `{K3S_VERSION}`"),
            );
            None
        }
        None => {
            reader.error(
                at,
                "kubernetes.version",
                format!("`{text}` is not a k3s version"),
                format!("write it as `{K3S_VERSION}`"),
            );
            None
        }
    }
}

fn artifact(reader: &mut Reader, at: &At<'_>) -> Option<Artifact> {
    reader.keys(at, &["url", "sha256", "file"])?;
    match (at.get("url"), at.get("sha256"), at.get("file")) {
        (Some(url), sha256, None) => {
            let sha256 = if sha256.is_some() {
                sha256
            } else {
                reader.need(at, "sha256", "64 hex digits")
            };
            let address = reader.text(&url)?;
            let secure = address.starts_with("https://") && address.len() > "https://".len();
            if !secure {
                reader.error(
                    &url,
                    "artifact.url",
                    format!("`{address}` is not an https URL"),
                    "use https",
                );
            }
            let digest_at = sha256?;
            let digest = reader.text(&digest_at)?;
            let hex = digest.len() == 64
                && digest
                    .chars()
                    .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            if !hex {
                reader.error(
                    &digest_at,
                    "artifact.sha256",
                    format!("`{digest}` is not a SHA-256"),
                    "write 64 lower-case hex digits",
                );
            }
            (secure && hex).then(|| Artifact::Url {
                url: address.to_owned(),
                sha256: digest.to_owned(),
            })
        }
        (None, None, Some(file)) => Some(Artifact::File(reader.text(&file)?.into())),
        _ => {
            reader.error(
                at,
                "artifact",
                "`kubernetes.artifact` names not exactly one source",
                "write `{url, sha256}` or `{file}`",
            );
            None
        }
    }
}
