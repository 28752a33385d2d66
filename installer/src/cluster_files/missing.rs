//! What a run to the cluster lacks.

use std::fmt;

use sovereign_bootstrap::cluster::ClusterFiles;

/// What a run to the cluster lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each may be missing by itself")]
pub(crate) struct Missing {
    pub(crate) k3s: bool,
    /// Of a k3s from the web.
    pub(crate) digest: bool,
    pub(crate) kit: bool,
    /// That the kit is signed by.
    pub(crate) key: bool,
}

impl Missing {
    /// Whether there is any of it.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// What to give. `before` is what the plan has that the run goes on with.
    pub(crate) fn remedy(self, before: Option<&ClusterFiles>) -> String {
        let same = |sha256: Option<&String>| {
            sha256.map_or_else(String::new, |sha256| {
                format!(" (the plan that is gone on with has the SHA-256 {sha256})")
            })
        };
        let k3s = same(before.map(|files| &files.k3s.sha256));
        let kit = same(before.map(|files| &files.kit.sha256));
        let all = self.list([
            format!("the binary of a k3s release with `--k3s FILE|URL`{k3s}"),
            "the SHA-256 that k3s' makers publish for it with `--k3s-sha256 HEX`".to_owned(),
            format!("the kit with `--kit FILE|URL`{kit}: `sovereign kit pack` makes one"),
            "the public key of whoever packed it with `--kit-key FILE`: `sovereign kit pack --generate-key DIR` makes a pair".to_owned(),
        ]);
        format!("give {all}; or stop before the cluster with `--until hosts`")
    }

    fn list<T: fmt::Display>(self, [k3s, digest, kit, key]: [T; 4]) -> String {
        let all = [
            (self.k3s, k3s),
            (self.digest, digest),
            (self.kit, kit),
            (self.key, key),
        ];
        let wanted: Vec<String> = all
            .into_iter()
            .filter_map(|(missing, words)| missing.then(|| words.to_string()))
            .collect();
        match wanted.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{}, and {last}", rest.join(", ")),
            _ => wanted.concat(),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list([
            "k3s",
            "the SHA-256 of k3s",
            "the kit",
            "the key that the kit is signed by",
        ]))
    }
}
