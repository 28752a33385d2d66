//! Where a file comes from: this machine or the web.

use std::path::{Path, PathBuf};

use sovereign_images::download::Address;

use crate::errors::CliError;

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file on this machine, used where it is.
    File(PathBuf),
    /// An address, fetched from once.
    Web(Address),
}

impl Source {
    /// What an operator means by a word.
    pub(crate) fn of(word: &Path) -> Result<Self, CliError> {
        match word.to_str().filter(|word| word.contains("://")) {
            Some(address) => Ok(Self::Web(address.parse()?)),
            None => Ok(Self::File(word.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_scheme_is_an_address_and_nothing_else_is() {
        let of = |word: &str| Source::of(Path::new(word));
        assert_eq!(of("./k3s").unwrap(), Source::File("./k3s".into()));
        assert_eq!(of("https:/k3s").unwrap(), Source::File("https:/k3s".into()));
        assert!(matches!(of("https://x.example/k3s").unwrap(), Source::Web(_)));
        let error = of("https://user:canary@x.example/k3s").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
